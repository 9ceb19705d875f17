"""No verdict on what had not been learnt yet: a claim that leans on training that had not converged is not judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from experiments.profiles.methods import METHODS
from experiments.rows.schema import ResultRow
from experiments.verdicts.parts import UNCONVERGED, UNTESTED, Place, Verdict


def only_converged(verdict: Verdict, rows: Sequence[ResultRow]) -> Verdict:
    """The verdict where all that it leans on had converged, else `UNCONVERGED`, with the numbers as measured.

    A method has converged where each of its rows of table ``convergence`` says so. One that trains a language model and
    has no such row counts as not converged; one that trains none needs none.
    """
    if verdict.verdict == UNTESTED:
        return verdict
    reasons = [reason for place in verdict.leans_on if (reason := why_not_converged(place, rows))]
    if not reasons:
        return verdict
    said = f"Training had not converged ({'; '.join(reasons)}), so this is not judged. Measured: {verdict.evidence}"
    return replace(verdict, verdict=UNCONVERGED, evidence=said)


def why_not_converged(place: Place, rows: Sequence[ResultRow]) -> str:
    """Why a training does not count as converged, in words; empty where it does."""
    found = [
        row for row in rows if (row.table, row.metric, row.dataset, row.method) == ("convergence", "converged", *place)
    ]
    trains = METHODS[place.method].is_trained if place.method in METHODS else True
    if not found:
        return f"{place.method}: not checked" if trains else ""
    short = [row for row in found if row.value < 1]
    return f"{place.method}: {len(short)} of {len(found)} runs" if short else ""
