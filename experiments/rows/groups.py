"""Rows put together for a table: in groups, in one order, with what every table says of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from experiments.profiles.methods import METHODS
from experiments.rows.metrics import INPUTS
from experiments.rows.schema import KEY, ResultRow, seed_columns

REFERENCE_METHOD, PLUS_METHOD = "ecg-byte", "ecg-byte-plus"
FAMILIES = (
    *("end to end", "linear reader", "two-stage", "as published", "random encoder", "no pretraining", "trivial"),
    "untrained",
)
# Methods whose frozen encoder is random are named after the two-stage method that they are the control of.
RANDOM = "-random"
# In the place of a method: the references, scored as answers.
PERFECT = "perfect answers"
NEEDED = "ecg-needed"
BALANCED = "answer-balanced"
SEVERAL_FINDINGS = "several-findings"
# Where questions have several sources: those that a segment can answer, and ECG-QA's, which ask for noise that a
# denoised segment of some seconds does not hold. The headline is of the former.
GENERATED, NOISE_QUESTIONS = "generated", "ecg-qa"

_NAMES = tuple(METHODS)


def family(method: str) -> str:
    """The family of a method; two-stage methods that keep the published faults, or a random encoder, are of their own.

    An end-to-end method with published faults stays beside the one that it is compared with. A method or a family that
    is not known belongs to ``"other"``.
    """
    if method.endswith(RANDOM):
        return "random encoder"
    if method not in METHODS:
        return "other"
    found = METHODS[method]
    if found.as_published and found.family == "two-stage":
        return "as published"
    return found.family if found.family in FAMILIES else "other"


def headline(rows: Iterable[ResultRow], dataset: str) -> str:
    """The subset of the questions that a data set's headline is of: the generated ones where there are others, or all.

    Tables in which the parts of the questions are not told apart have ``"all"`` only.
    """
    subsets = {row.subset for row in rows if row.dataset == dataset}
    return GENERATED if GENERATED in subsets else "all"


def headline_rows(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """The rows of each data set's headline, table by table: not all tables tell the parts of the questions apart."""
    rows = list(rows)
    chosen: dict[tuple[str, str], str] = {}
    for table in {row.table for row in rows}:
        own = [row for row in rows if row.table == table]
        chosen |= {(table, dataset): headline(own, dataset) for dataset in {row.dataset for row in own}}
    return [row for row in rows if row.subset == chosen[row.table, row.dataset]]


def method_order(method: str) -> tuple[int, int, str]:
    """Sorts methods by family, and within one as `experiments.profiles.methods` lists them."""
    families = (*FAMILIES, "other")
    return families.index(family(method)), _NAMES.index(method) if method in _NAMES else len(_NAMES), method


def layout_order(padding: str) -> tuple[int, str]:
    """Sorts layouts: fixed lengths (as published), padded per batch, packed, shared."""
    known = ("none", "packed", "shared")
    return (known.index(padding) + 1 if padding in known else 0), padding.zfill(9)


def layout_name(padding: str) -> str:
    """A layout in words."""
    known = {"": "not stated", "none": "padded per batch", "packed": "packed", "shared": "questions share an ECG"}
    return known.get(padding, f"padded to {int(padding):,}" if padding.isdecimal() else padding)


def subset_order(subset: str) -> tuple[bool, bool, bool, str]:
    """Sorts subsets: the generated questions, all of them, those that need the ECG, then question types."""
    return subset != GENERATED, subset != "all", subset != NEEDED, subset


_ORDER: dict[str, Callable[[ResultRow], tuple[object, ...]]] = {
    "input": lambda row: (INPUTS.index(row.input),),
    "subset": lambda row: subset_order(row.subset),
    "metric": lambda row: (not row.metric.endswith("-macro"), row.metric),
    "method": lambda row: method_order(row.method),
    # A mean has none; it stands where its first run would.
    "seed": lambda row: (row.seed or 0,),
    "padding": lambda row: layout_order(row.padding),
}


def groups(rows: Iterable[ResultRow], *names: str) -> list[tuple[tuple[str | int | None, ...], list[ResultRow]]]:
    """Rows that agree in the named columns; methods by family, the real ECG and the whole first."""
    rows = sorted(rows, key=lambda row: tuple(_ORDER[n](row) if n in _ORDER else (getattr(row, n),) for n in names))
    groups: dict[tuple[str | int | None, ...], list[ResultRow]] = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, name) for name in names), []).append(row)
    return list(groups.items())


def most_seeds(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Of rows that differ in their training seeds alone, those over the most seeds.

    Where no mean over seeds is among them, every single run stays. A measure that has no mean beside others of its
    method that do gets the plain mean of its runs, without an interval.
    """
    chosen: dict[tuple[object, ...], list[ResultRow]] = {}
    most: dict[tuple[object, ...], int] = {}
    for row in rows:
        chosen.setdefault(tuple(getattr(row, name) for name in KEY if name not in ("seed", "seeds")), []).append(row)
        most[_tested(row)] = max(row.seeds, most.get(_tested(row), 1))
    kept = []
    for alike in chosen.values():
        best = [row for row in alike if row.seeds == max(other.seeds for other in alike)]
        if len(best) > 1 and most[_tested(best[0])] > 1:
            value = sum(row.value for row in best) / len(best)
            seeds = sorted(row.seed for row in best if row.seed is not None)
            best = [best[0]._replace(value=value, ci_low=math.nan, ci_high=math.nan, **seed_columns(seeds))]
        elif most[_tested(best[0])] > 1:
            # What was measured once for all runs stands in their line.
            best = [best[0]._replace(seed=None)]
        kept += best
    return kept


def _tested(row: ResultRow) -> tuple[object, ...]:
    return row.table, row.method, row.dataset, row.split, row.input, row.subset, row.variant, row.trained_on


def at_own_input(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Each method's rows with what it was trained on: the ECG, or nothing for a method that never sees one."""
    own: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: INPUTS.index(row.input)):
        own.setdefault(row.method, row.input)
    return [row for row in rows if row.input == own[row.method]]


AGAINST = "against "
