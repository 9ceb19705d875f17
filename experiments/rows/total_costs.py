"""What training cost, put together from rows: by method, stage and layout, and summed over stages.

A layout is how the questions of a step lie in the language model's input (column ``padding`` of the rows).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.rows.estimates import Estimate
from experiments.rows.groups import groups, layout_order, method_order, most_seeds
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow

SECONDS, RATE, TIMED_RATE = "train-seconds", "seconds-per-1000-samples", "timed-seconds-per-1000-samples"
ALL_STAGES = "all stages"
# These are the same however the questions lie, so they count wherever they were measured.
_ANYWHERE = ("samples-seen", "distinct-records", "steps")
_LARGEST = ("distinct-records", "peak-memory")  # over stages: that of the stage with most
_OF_TRAINING = ("steps", "training-flops", "data-wait-seconds")  # only stages with training steps have these
_OF_LANGUAGE_MODEL = ("positions", "padded-positions", "tokens-seen")  # only one stage has these
_MEASURES = ("samples-seen", *_OF_TRAINING, *_OF_LANGUAGE_MODEL, *_LARGEST)


@dataclass(frozen=True)
class Cost:
    """The cost of one stage, or of all, of one method at one layout.

    Attributes
    ----------
    dataset, split, method, stage, padding, scale : str
        As in the rows; `stage` is ``"all stages"`` for a sum.
    seeds : int
        Over how many training runs the measured values are means.
    basis : str
        ``"measured"``; ``"projected"`` where the time is that of some timed steps, scaled to the whole training; empty
        without a time.
    values : mapping
        From metric to mean and smallest and largest (NaN where there is one value only).
    """

    dataset: str
    split: str
    method: str
    stage: str
    padding: str
    scale: str
    seeds: int
    basis: str
    values: Mapping[str, Estimate]


def layouts(rows: Iterable[ResultRow]) -> list[str]:
    """The layouts that occur in some rows, as published first; one without a name where none has one."""
    return sorted({row.padding for row in rows} - {""}, key=layout_order) or [""]


def stage_costs(rows: Iterable[ResultRow]) -> list[Cost]:
    """The cost of every stage that was timed, at every layout; a stage that has no layout counts in each."""
    rows = [row for row in rows if row.table == "efficiency" and not row.variant]
    costs = []
    for _, run in groups(rows, "dataset", "split"):
        for padding in layouts(run):
            for _, stage in groups(run, "method", "stage"):
                cost = _stage_cost(stage, padding)
                if cost is not None:
                    costs.append(cost)
    return costs


def total_costs(rows: Iterable[ResultRow]) -> list[Cost]:
    """The sum over stages of every method and layout; none where a stage was not timed at the layout."""
    rows = [row for row in rows if row.table == "efficiency" and not row.variant]
    known: dict[tuple[str, ...], list[Cost]] = {}
    for cost in stage_costs(rows):
        known.setdefault((cost.dataset, cost.split, cost.padding, cost.method), []).append(cost)
    timed: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        if row.metric in (SECONDS, TIMED_RATE):
            timed.setdefault((row.dataset, row.split, row.method), set()).add(row.stage)
    totals = [
        _total(stages)
        for (dataset, split, _, method), stages in known.items()
        if len(stages) == len(timed[dataset, split, method])
    ]
    return sorted(totals, key=lambda t: (t.dataset, t.split, layout_order(t.padding), method_order(t.method)))


def ratio(above: Estimate | None, below: Estimate | None, *, factor: float = 1.0, digits: int = 2) -> Estimate | None:
    """The ratio of two values; its interval reaches from the smallest to the largest that theirs allow."""
    if above is None or below is None or below.value <= 0:
        return None
    value = factor * above.value / below.value
    if math.isnan(above.low) and math.isnan(below.low):
        return Estimate(value, digits=digits)
    (low, high), (least, most) = _ends(above), _ends(below)
    if least <= 0:
        return Estimate(value, digits=digits)
    return Estimate(value, factor * low / most, factor * high / least, digits)


def _stage_cost(stage: Sequence[ResultRow], padding: str) -> Cost | None:
    here = _values([row for row in stage if row.padding in (padding, "")])
    if not here.keys() & {SECONDS, TIMED_RATE}:
        return None
    anywhere = _values(_at_one_layout([row for row in stage if row.metric in _ANYWHERE]))
    values = {name: here[name] for name in _MEASURES if name in here}
    values = {**anywhere, **values}
    samples, seconds, basis = values.get("samples-seen"), here.get(SECONDS), "measured"
    if seconds is None and samples is not None:
        seconds, basis = _times(here[TIMED_RATE], samples.value / 1000), "projected"
    if TIMED_RATE in here:
        values[TIMED_RATE] = here[TIMED_RATE]
    if seconds is not None:
        values[SECONDS] = with_digits(seconds, 1)
        if samples is not None and samples.value > 0:
            values[RATE] = with_digits(_times(seconds, 1000 / samples.value), 2)
    first = stage[0]
    seeds = max(max(row.seeds for row in stage), len({row.seed for row in stage if row.seed is not None}))
    return Cost(
        first.dataset,
        first.split,
        first.method,
        first.stage or "not stated",
        padding,
        first.scale,
        seeds,
        "" if seconds is None else basis,
        values,
    )


def _at_one_layout(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Of measures that do not depend on the layout, those of the first layout at which each was measured."""
    first: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: layout_order(row.padding)):
        first.setdefault(row.metric, row.padding)
    return [row for row in rows if row.padding == first[row.metric]]


def _values(rows: Sequence[ResultRow]) -> dict[str, Estimate]:
    """One value a metric: the mean over training runs, from the smallest to the largest."""
    found: dict[str, list[ResultRow]] = {}
    for row in most_seeds(rows):
        found.setdefault(row.metric, []).append(row)
    values = {}
    for metric, alike in found.items():
        digits = METRICS[metric].digits
        if len(alike) == 1:
            values[metric] = Estimate(alike[0].value, alike[0].ci_low, alike[0].ci_high, digits)
            continue
        ends = [_ends(Estimate(row.value, row.ci_low, row.ci_high)) for row in alike]
        low, high = min(end[0] for end in ends), max(end[1] for end in ends)
        mean = sum(row.value for row in alike) / len(alike)
        values[metric] = Estimate(mean, digits=digits) if low == high else Estimate(mean, low, high, digits)
    return values


def _total(stages: Sequence[Cost]) -> Cost:
    """The sum over stages; what a stage lacks that should have it has no sum, a rate is worked out again."""
    bases = {stage.basis for stage in stages}
    basis = "" if "" in bases else "projected" if "projected" in bases else "measured"
    training = [stage for stage in stages if _trains(stage)]
    values = {}
    for name in (SECONDS, "samples-seen", *_OF_TRAINING, *_OF_LANGUAGE_MODEL, *_LARGEST):
        found = [stage.values[name] for stage in stages if name in stage.values]
        asked = training if name in _OF_TRAINING else () if name in _OF_LANGUAGE_MODEL else stages
        if found and name in _LARGEST:
            values[name] = max(found)
        elif found and all(name in stage.values for stage in asked):
            values[name] = _sum(found)
    if len(stages) == 1 and TIMED_RATE in stages[0].values:
        values[TIMED_RATE] = stages[0].values[TIMED_RATE]
    if SECONDS in values and "samples-seen" in values and values["samples-seen"].value > 0:
        values[RATE] = with_digits(_times(values[SECONDS], 1000 / values["samples-seen"].value), 2)
    return replace(stages[0], stage=ALL_STAGES, basis=basis, values=values, seeds=min(stage.seeds for stage in stages))


def _trains(stage: Cost) -> bool:
    """Whether the stage takes training steps: training the tokenizer, encoding, extracting features do not."""
    return "samples-seen" in stage.values and stage.values["samples-seen"].value > 0


def _sum(values: Sequence[Estimate]) -> Estimate:
    total = sum(value.value for value in values)
    if all(math.isnan(value.low) for value in values):
        return Estimate(total, digits=values[0].digits)
    ends = [_ends(value) for value in values]
    return Estimate(total, sum(end[0] for end in ends), sum(end[1] for end in ends), values[0].digits)


def _times(value: Estimate, factor: float) -> Estimate:
    return Estimate(factor * value.value, factor * value.low, factor * value.high, value.digits)


def with_digits(value: Estimate, digits: int) -> Estimate:
    """The same value, printed with `digits` digits after the point."""
    return value._replace(digits=digits)


def _ends(value: Estimate) -> tuple[float, float]:
    return (value.value, value.value) if math.isnan(value.low) else (value.low, value.high)
