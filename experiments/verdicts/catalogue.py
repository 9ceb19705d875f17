"""The claims, a card each, with verdicts from the rows.

A new claim is a function from rows to a `Verdict`, and one entry in `CLAIMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from experiments.rows.schema import ResultRow
from experiments.verdicts.convergence import only_converged
from experiments.verdicts.costs import faster, less_data, plus_less_data
from experiments.verdicts.parts import Verdict, with_scale
from experiments.verdicts.quality import (
    competitive,
    plus_competitive,
    pretraining_buys,
    reads_the_ecg,
    reads_the_leads,
)
from experiments.verdicts.tokens import maps_back

Claim = Callable[[Sequence[ResultRow]], Verdict]
# In the order of the report.
CLAIMS: tuple[Claim, ...] = (
    competitive,
    plus_competitive,
    faster,
    less_data,
    plus_less_data,
    reads_the_ecg,
    reads_the_leads,
    maps_back,
    pretraining_buys,
)


def make_verdicts(rows: Iterable[ResultRow], claims: Sequence[Claim] = CLAIMS) -> list[Verdict]:
    """The verdict on every claim, from the rows of one file."""
    rows = list(rows)
    small_run = any(row.scale == "small run" for row in rows)
    return [with_scale(only_converged(claim(rows), rows), small_run) for claim in claims]
