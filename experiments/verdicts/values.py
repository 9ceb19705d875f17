"""Values that verdicts are about, from rows: how well methods answer, and how far apart two of them are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from experiments.rows.estimates import Estimate
from experiments.rows.groups import AGAINST, at_own_input, family, headline, method_order, most_seeds
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow


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


def quality(rows: Sequence[ResultRow], dataset: str, method: str, metric: str, subset: str = "") -> Estimate | None:
    """How well a method answers with what it was trained on; the questions of the headline where no subset is named."""
    own = at_own_input([row for row in rows if row.table == "language-quality" and row.dataset == dataset])
    return measured(own, method=method, metric=metric, subset=subset or headline(own, dataset))


def difference(
    rows: Sequence[ResultRow], dataset: str, first: str, second: str, metric: str, subset: str = ""
) -> tuple[Estimate, str] | None:
    """How much better `first` answers than `second`, and how it was compared.

    Paired, where the rows hold that comparison; else from the values of both, with the interval that the outermost
    ends of theirs give, which is wider than it need be. The headline's questions where no subset is named.
    """
    compared = [row for row in rows if row.table == "comparisons" and row.dataset == dataset]
    asked = subset or headline([row for row in rows if row.table == "language-quality"], dataset)
    chosen = [row for row in compared if row.subset == asked]
    for method, other, sign in ((first, second, 1), (second, first, -1)):
        paired = measured(chosen, method=method, variant=AGAINST + other, metric=f"{metric}-difference")
        if paired is not None:
            low, high = sorted((sign * paired.low, sign * paired.high))
            return Estimate(sign * paired.value, low, high, paired.digits), "paired"
    one, other_value = (quality(rows, dataset, method, metric, subset) for method in (first, second))
    if one is None or other_value is None:
        return None
    return apart(one, other_value), "not paired, wide interval"


def apart(first: Estimate, second: Estimate) -> Estimate:
    """The difference of two values, with the interval from the outermost ends of theirs."""
    return Estimate(first.value - second.value, first.low - second.high, first.high - second.low, first.digits)


def control(rows: Iterable[ResultRow], dataset: str, method: str, shown: str, subset: str = "") -> Estimate | None:
    """How many points of accuracy the ECG adds over a control in its place; the headline's where no subset is named."""
    found = [row for row in rows if row.table == "controls" and row.dataset == dataset]
    asked = subset or headline(found, dataset)
    return measured(found, method=method, input=shown, metric="accuracy-difference", subset=asked)


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
