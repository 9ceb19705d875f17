"""The claims of the paper, each with verdicts from the rows.

A new claim is a function from rows to `Verdict`, or to several, and one entry in `CLAIMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from experiments.rows.schema import ResultRow
from experiments.verdicts.costs import faster, less_data, straight_back
from experiments.verdicts.parts import Verdict, with_scale
from experiments.verdicts.quality import (
    better_than_text,
    competitive,
    competitive_as_published,
    matching_rules_agree,
    pretraining_helps,
    uses_ecg,
)

Claim = Callable[[Sequence[ResultRow]], Verdict | list[Verdict]]
# In the order of the report.
CLAIMS: tuple[Claim, ...] = (
    competitive,
    competitive_as_published,
    faster,
    less_data,
    straight_back,
    uses_ecg,
    better_than_text,
    pretraining_helps,
    matching_rules_agree,
)


def make_verdicts(rows: Iterable[ResultRow], claims: Sequence[Claim] = CLAIMS) -> list[Verdict]:
    """The verdicts on every claim, from the rows of one file."""
    rows = list(rows)
    found = [verdict if isinstance(verdict, list) else [verdict] for verdict in (claim(rows) for claim in claims)]
    small_run = any(row.scale == "small run" for row in rows)
    return [with_scale(verdict, small_run) for verdicts in found for verdict in verdicts]
