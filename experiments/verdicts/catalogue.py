"""The claims of the paper, each with a verdict from the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from experiments.rows.schema import ResultRow
from experiments.tables.rendering import Table
from experiments.verdicts.costs import faster, less_data, straight_back
from experiments.verdicts.parts import Verdict, with_scale
from experiments.verdicts.quality import (
    better_than_text,
    competitive,
    matching_rules_agree,
    pretraining_helps,
    uses_ecg,
)


def make_verdicts(rows: Iterable[ResultRow]) -> list[Verdict]:
    """A verdict for every claim, from the rows of one file."""
    rows = list(rows)
    quality = competitive(rows)
    verdicts = [
        quality,
        competitive(rows, "as published"),
        *faster(rows),
        less_data(rows, quality),
        straight_back(rows),
        *uses_ecg(rows),
        better_than_text(rows),
        pretraining_helps(rows),
        matching_rules_agree(rows),
    ]
    small_run = any(row.scale == "small run" for row in rows)
    return [with_scale(verdict, small_run) for verdict in verdicts]


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """The verdicts as a table."""
    lines = [
        {
            "claim": verdict.claim,
            "verdict": verdict.verdict,
            "evidence": verdict.evidence,
            "how it is decided": verdict.note,
            "claimed by": verdict.source,
            "where": verdict.where,
        }
        for verdict in verdicts
    ]
    return Table("verdicts", "Claims and verdicts", lines)
