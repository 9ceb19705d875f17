"""Runs with one thing changed: settings, how they are named and sorted; data sets, beside the test at home; and the
measures of tokens, in order."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.rows.groups import most_seeds
from experiments.rows.schema import ResultRow

BASE = "base"

TOKENIZER_METRICS = (
    "vocabulary-size",
    "compression",
    "tokens-per-record",
    "bits-per-sample-bound",
    "bits-per-sample-entropy",
    "used-tokens",
    "usage-entropy",
    "token-length-mean",
    "token-length-longest",
    "run-share",
    "reconstruction-rmse",
    "reconstruction-prd",
    "reconstruction-largest",
    "outside-range",
    "clipped-records",
    "clipped-leads",
)


def split_variant(variant: str) -> tuple[str, str]:
    """``"tokenizer.num_merges=500"`` as the setting and its value; the unchanged run is ``("base", "")``."""
    if variant in ("", BASE):
        return BASE, ""
    setting, _, value = variant.partition("=")
    return setting, value


def variant_order(variant: str) -> tuple[object, ...]:
    """Sorts variants: the base, then by setting, numbers by size and before words."""
    setting, value = split_variant(variant)
    try:
        return setting != BASE, setting, False, float(value), value
    except ValueError:
        return setting != BASE, setting, True, 0.0, value


def transfer_beside_home(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Rows of methods tested on another data set than they were trained on, beside those of the test on their own.

    The latter are of the usual test where the transfer did not ask the same questions there.
    """
    rows = list(rows)
    moved = most_seeds(row for row in rows if row.table == "transfer")
    pairs = {(row.method, row.trained_on) for row in moved}
    home = most_seeds(
        row
        for row in rows
        if row.table == "language-quality" and row.subset == "all" and (row.method, row.dataset) in pairs
    )
    shown = {(row.method, row.input) for row in moved}
    known = {(row.method, row.dataset) for row in moved}
    return moved + [row for row in home if (row.method, row.input) in shown and (row.method, row.dataset) not in known]
