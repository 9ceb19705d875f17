"""What verdicts are made of: findings about one value each, put together by one rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from experiments.rows.estimates import Estimate, cell_text
from experiments.rows.groups import AGAINST, at_own_input, family, method_order, most_seeds
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow

HOLDS, FAILS, DEPENDS, UNTESTED = "holds here", "does not hold here", "depends", "not tested here"
# Declared beforehand: a difference of less than this many points, of accuracy or of BLEU-4, counts as none.
MARGIN = 2.0


@dataclass(frozen=True)
class Verdict:
    """What a run says about one claim.

    Attributes
    ----------
    claim : str
        In one sentence.
    source, where : str
        Who claims it, and in what place.
    verdict : str
        One of `HOLDS`, `FAILS`, `DEPENDS`, `UNTESTED`.
    evidence : str
        The numbers, with intervals, from which it follows.
    note : str
        The rule of the decision, and what the evidence does not reach.
    """

    claim: str
    source: str
    where: str
    verdict: str
    evidence: str
    note: str


class Finding(NamedTuple):
    """One value held against one claim: the verdict that it alone would give, and the value in words."""

    verdict: str
    text: str


def decide(
    claim: str,
    source: str,
    where: str,
    findings: Sequence[Finding],
    note: str,
    untested: str = "No rows.",
    undecided: str = "Undecided by these runs",
) -> Verdict:
    """One verdict from findings: theirs where all agree, ``"depends"`` where they do not, none where there are none.

    `untested` stands in the place of the evidence where there is none, `undecided` before findings that all depend.
    """
    kinds = {finding.verdict for finding in findings} - {UNTESTED}
    verdict = UNTESTED if not kinds else kinds.pop() if len(kinds) == 1 else DEPENDS
    evidence = "; ".join(finding.text for finding in findings)
    if verdict == DEPENDS:
        apart = {finding.verdict for finding in findings} - {UNTESTED, DEPENDS}
        evidence = f"{'Depends on which' if apart else undecided}: {evidence}"
    return Verdict(claim, source, where, verdict, f"{evidence}." if evidence else untested, note)


def all_of(findings: Sequence[Finding]) -> Finding:
    """One finding from several that must all hold."""
    kinds = {finding.verdict for finding in findings}
    verdict = FAILS if FAILS in kinds else DEPENDS if DEPENDS in kinds else HOLDS
    return Finding(verdict, "; ".join(finding.text for finding in findings))


def adds(value: Estimate) -> str:
    """Whether a difference is above 0: no where it may be 0 and is below the margin, undecided between."""
    low, high = (value.value, value.value) if math.isnan(value.low) else (value.low, value.high)
    return HOLDS if low > 0 else FAILS if high < MARGIN else DEPENDS


def above(value: Estimate, bound: float) -> str:
    """Whether a value is above a bound: by its whole interval, or undecided; by itself where it has none."""
    low, high = (value.value, value.value) if math.isnan(value.low) else (value.low, value.high)
    return HOLDS if low >= bound else FAILS if high < bound else DEPENDS


def within(value: Estimate, margin: float) -> str:
    """Whether a difference is smaller than a margin either way, by its whole interval."""
    low, high = (value.value, value.value) if math.isnan(value.low) else (value.low, value.high)
    return HOLDS if -margin <= low and high <= margin else FAILS if low > margin or high < -margin else DEPENDS


def measured(rows: Iterable[ResultRow], **columns: str) -> Estimate | None:
    """The value of the rows that have these columns, over training runs.

    Where single runs have no mean, this is their mean, from their smallest lower to their largest upper end.
    """
    found = most_seeds(row for row in rows if all(getattr(row, name) == value for name, value in columns.items()))
    if not found:
        return None
    digits = METRICS[found[0].metric].digits
    ends = [row.ci_low for row in found], [row.ci_high for row in found]
    if any(math.isnan(end) for end in ends[0]):
        ends = ([math.nan], [math.nan])
    return Estimate(sum(row.value for row in found) / len(found), min(ends[0]), max(ends[1]), digits)


def quality(rows: Sequence[ResultRow], dataset: str, method: str, metric: str, subset: str = "all") -> Estimate | None:
    """How well a method answers with what it was trained on."""
    own = at_own_input([row for row in rows if row.table == "language-quality" and row.dataset == dataset])
    return measured(own, method=method, metric=metric, subset=subset)


def difference(
    rows: Sequence[ResultRow], dataset: str, first: str, second: str, metric: str, subset: str = "all"
) -> tuple[Estimate, str] | None:
    """How much better `first` answers than `second`, and how it was compared.

    Paired, where the rows hold that comparison; else from the values of both, with the interval that the outermost
    ends of theirs give, which is wider than it need be.
    """
    chosen = [row for row in rows if row.table == "comparisons" and row.dataset == dataset and row.subset == subset]
    for method, other, sign in ((first, second, 1), (second, first, -1)):
        paired = measured(chosen, method=method, variant=AGAINST + other, metric=f"{metric}-difference")
        if paired is not None:
            low, high = sorted((sign * paired.low, sign * paired.high))
            return Estimate(sign * paired.value, low, high, paired.digits), "paired"
    one, other_value = (quality(rows, dataset, method, metric, subset) for method in (first, second))
    if one is None or other_value is None:
        return None
    low, high = one.low - other_value.high, one.high - other_value.low
    return Estimate(one.value - other_value.value, low, high, one.digits), "not paired, wide interval"


def datasets(rows: Iterable[ResultRow]) -> list[str]:
    """The data sets on which answers were measured."""
    return sorted({row.dataset for row in rows if row.table == "language-quality"})


def methods_of(rows: Iterable[ResultRow], *families: str) -> list[str]:
    """The methods of some families that occur in rows, in the order of the tables."""
    return sorted({row.method for row in rows if family(row.method) in families}, key=method_order)


def best_of(rows: Sequence[ResultRow], dataset: str, kind: str) -> str | None:
    """The method of a family that is right most often on a data set; of equal ones the first in the tables."""
    values = {method: quality(rows, dataset, method, "accuracy") for method in methods_of(rows, kind)}
    known = {method: value.value for method, value in values.items() if value is not None}
    return max(known, key=lambda method: known[method], default=None)


def in_points(value: Estimate) -> str:
    """A difference in words, its sign shown."""
    text = cell_text(value)
    return text if value.value < 0 else f"+{text}"


def named(dataset: str, known: Sequence[str], finding: Finding) -> Finding:
    """A finding with the data set before it, where there are several."""
    return finding._replace(text=f"{dataset}: {finding.text}") if len(known) > 1 else finding


def with_scale(verdict: Verdict, small_run: bool) -> Verdict:
    """The verdict, its note saying so where the evidence is a small run."""
    if not small_run or verdict.verdict == UNTESTED:
        return verdict
    return replace(
        verdict, note=f"{verdict.note} Small run: this says what happens here, not at the published scale.".strip()
    )
