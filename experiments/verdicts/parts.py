"""What verdicts are made of: findings about one value each, put together by one rule, and the words for the outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from experiments.rows.estimates import Estimate, cell_text

HOLDS, FAILS, UNCONVERGED, UNTESTED = "holds", "does not hold", "not converged", "cannot be tested here"
# Only where an interval leaves it open.
UNDECIDED = "undecided"
# Declared beforehand: a difference of less than this many points, of accuracy or of BLEU-4, counts as none.
MARGIN = 2.0


class Finding(NamedTuple):
    """One value held against one claim: the verdict that it alone would give, the value in words, and the value."""

    verdict: str
    text: str
    value: Estimate | None = None


class Place(NamedTuple):
    """A method on a data set, whose training a verdict leans on."""

    dataset: str
    method: str


@dataclass(frozen=True)
class Verdict:
    """What a run says about one claim.

    Attributes
    ----------
    name : str
        What it is about, in a word or three.
    claim : str
        In one sentence of plain words.
    source : str
        Who claims it, and where.
    verdict : str
        One of `HOLDS`, `FAILS`, `UNCONVERGED`, `UNTESTED`, `UNDECIDED`.
    number : Estimate or None
        The one value that it rests on, with its interval.
    number_is : str
        What the number is, with its unit.
    depends_on : str
        What would change the verdict.
    evidence : str
        All numbers, with intervals, from which it follows.
    note : str
        The rule of the decision, and what the evidence does not reach.
    leans_on : tuple of Place
        The trainings without which there is no evidence.
    """

    name: str
    claim: str
    source: str
    verdict: str
    number: Estimate | None
    number_is: str
    depends_on: str
    evidence: str
    note: str
    leans_on: tuple[Place, ...] = ()

    @property
    def number_text(self) -> str:
        """The number with its interval and what it is; empty where there is none."""
        return "" if self.number is None else f"{cell_text(self.number)} {self.number_is}"


def decide(
    claim: str,
    findings: Sequence[Finding],
    note: str,
    *,
    name: str = "",
    source: str = "this project",
    number_is: str = "",
    depends_on: str = "",
    untested: str = "No rows.",
    leans_on: Sequence[Place] = (),
) -> Verdict:
    """One verdict from findings that must all hold.

    It fails where one fails, is undecided where an interval leaves one open, and cannot be tested where there is none;
    `untested` then stands in the place of the evidence. Its number is that of the first finding that decided it.
    """
    verdict = all_of(findings).verdict if findings else UNTESTED
    deciding = [finding for finding in findings if finding.verdict == verdict and finding.value is not None]
    number = deciding[0].value if deciding else next((f.value for f in findings if f.value is not None), None)
    evidence = "; ".join(finding.text for finding in findings)
    return Verdict(
        name=name or claim,
        claim=claim,
        source=source,
        verdict=verdict,
        number=number,
        number_is=number_is,
        depends_on=depends_on,
        evidence=f"{evidence}." if evidence else untested,
        note=note,
        leans_on=tuple(leans_on) if findings else (),
    )


def all_of(findings: Sequence[Finding]) -> Finding:
    """One finding from several that must all hold, with the value of the first that decides it."""
    kinds = {finding.verdict for finding in findings}
    verdict = FAILS if FAILS in kinds else UNDECIDED if UNDECIDED in kinds else HOLDS
    value = next((finding.value for finding in findings if finding.verdict == verdict), None)
    return Finding(verdict, "; ".join(finding.text for finding in findings), value)


def above(value: Estimate, bound: float) -> str:
    """Whether a value is above a bound: by its whole interval, or undecided; by itself where it has none."""
    low, high = (value.value, value.value) if math.isnan(value.low) else (value.low, value.high)
    return HOLDS if low >= bound else FAILS if high < bound else UNDECIDED


def adds(value: Estimate) -> str:
    """Whether a difference is one that counts: at least `MARGIN`, by its whole interval."""
    return above(value, MARGIN)


def in_points(value: Estimate) -> str:
    """A difference in words, its sign shown."""
    text = cell_text(value)
    return text if value.value < 0 else f"+{text}"


def named(dataset: str, known: Sequence[str], finding: Finding) -> Finding:
    """A finding with the data set before it, where there are several."""
    return finding._replace(text=f"{dataset}: {finding.text}") if len(known) > 1 else finding


def with_scale(verdict: Verdict, small_run: bool) -> Verdict:
    """The verdict, its note saying so where the evidence is a small run."""
    if not small_run or not verdict.leans_on:
        return verdict
    return replace(
        verdict, note=f"{verdict.note} Small run: this says what happens here, not at the published scale.".strip()
    )
