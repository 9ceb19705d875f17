"""A table of what moves more: another training, or decoding one training again."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from experiments.rows.estimates import Cell, Estimate
from experiments.rows.groups import at_own_input, family, groups, headline_rows
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.tables.notes import scale_notes
from experiments.tables.table import Table

_MEASURES = ("accuracy", "bleu-4", "bleu-4-sentence", "rouge-l", "meteor")


def decodings(rows: Iterable[ResultRow]) -> Table:
    """Of the methods that were decoded again: mean and spread over decodings of one run, and over training runs."""
    rows = list(rows)
    drawn = [row for row in rows if row.table == "decodings" and row.seeds == 1]
    methods = {row.method for row in drawn}
    trained = at_own_input(
        [row for row in rows if row.table == "language-quality" and row.seeds == 1 and row.method in methods]
    )
    trained = headline_rows(trained)
    lines = []
    for _, group in groups([*drawn, *trained], "dataset", "method", "table"):
        first = group[0]
        line: dict[str, Cell] = {"dataset": first.dataset, "method": first.method, "family": family(first.method)}
        line["over"] = first.variant or "training runs, decoded greedily"
        line["runs"] = len({row.seed for row in group})
        for metric in _MEASURES:
            values = [row.value for row in group if row.metric == metric]
            if values:
                line[METRICS[metric].label] = _plain(statistics.fmean(values), metric)
            if len(values) > 1:
                line[_spread(metric)] = _plain(statistics.stdev(values), metric)
        lines.append({**line, "scale": first.scale})
    measures = [name for metric in _MEASURES for name in (METRICS[metric].label, _spread(metric))]
    notes = (
        "Published intervals are over decodings of one checkpoint: they measure how far sampling moves the answers, "
        "and say nothing about another training. SD: the standard deviation of single runs.",
        *scale_notes([*drawn, *trained]),
    )
    columns = ("dataset", "method", "family", "over", "runs", *measures, "scale")
    return Table.of("decodings", "Decoding again, and training again", columns, lines, notes)


def _plain(value: float, metric: str) -> Estimate:
    return Estimate(value, math.nan, math.nan, METRICS[metric].digits)


def _spread(metric: str) -> str:
    return f"{METRICS[metric].label}, SD"
