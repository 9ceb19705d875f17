"""How a page begins: a title that answers its question in a sentence, and for ablations what each change did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from experiments.rows.estimates import Estimate
from experiments.rows.groups import REFERENCE_METHOD
from experiments.rows.schema import ResultRow
from experiments.tables.variations import ablations
from experiments.verdicts.convergence import why_not_converged
from experiments.verdicts.parts import FAILS, HOLDS, MARGIN, UNCONVERGED, UNDECIDED, Place, Verdict, above

_UNKNOWN = "Not known yet: training had not converged."
_CHANGE = "accuracy, minus base"


class Change(NamedTuple):
    """One changed setting: where, its name, its value, and how many points of accuracy it adds."""

    dataset: str
    setting: str
    value: str
    difference: Estimate


def title(verdicts: Sequence[Verdict], changes: Sequence[Change], rows: Sequence[ResultRow]) -> tuple[str, str]:
    """The question of a page and its answer, both in a few words.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Of which the one called "Quality" answers the question.
    changes : sequence of Change
        What the page is about where methods were not compared.
    rows : sequence of ResultRow
        Of which those of table ``convergence`` say whether training had converged.
    """
    quality = next((verdict for verdict in verdicts if verdict.name == "Quality"), None)
    question = "Do ECG tokens match two-stage encoders?"
    number = None if quality is None else quality.number
    if quality is not None and quality.verdict == HOLDS:
        return question, "Yes, in these runs."
    if quality is not None and number is not None and quality.verdict == FAILS:
        return question, f"Not in these runs: {abs(number.value):.0f} points of accuracy behind."
    if quality is not None and quality.verdict == UNDECIDED:
        return question, "These runs leave it open."
    if quality is not None and quality.verdict == UNCONVERGED:
        return question, _UNKNOWN
    if changes:
        about = "Which settings matter to ECG tokens?"
        if any(why_not_converged(Place(change.dataset, REFERENCE_METHOD), rows) for change in changes):
            return about, _UNKNOWN
        large = [change for change in changes if _counts(change.difference)]
        return (
            about,
            f"{len(large)} of {len(changes)} changes make a difference of {MARGIN:g} points of accuracy or more.",
        )
    return question, "These runs do not compare them."


def changed_settings(rows: Sequence[ResultRow]) -> list[Change]:
    """Every changed setting with the difference of accuracy that it makes; none without ablations."""
    table = ablations(row for row in rows if row.input == "ecg")
    found = []
    for line in table.rows:
        difference = line.get(_CHANGE)
        if isinstance(difference, Estimate):
            found.append(Change(str(line["dataset"]), str(line["setting"]), str(line["value"]), difference))
    return found


def _counts(difference: Estimate) -> bool:
    """Whether a difference is one that counts, either way, by its whole interval."""
    mirrored = Estimate(-difference.value, -difference.high, -difference.low, difference.digits)
    return HOLDS in (above(difference, MARGIN), above(mirrored, MARGIN))
