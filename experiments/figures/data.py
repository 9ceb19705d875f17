"""What figures are drawn from: the files of a folder of results, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ecgbyte.metrics.token_usage import TokenUsage
from experiments.rows.losses import Curve
from experiments.rows.schema import ResultRow
from experiments.steps.token_usage import UsageOf


@dataclass(frozen=True)
class FigureData:
    """What a run left, as far as figures show it.

    Attributes
    ----------
    rows : sequence of ResultRow
    curves : sequence of Curve
        Training and validation losses.
    token_usage : mapping
        From data set and tokenizer to how often each token stands in the test segments.
    """

    rows: Sequence[ResultRow] = ()
    curves: Sequence[Curve] = ()
    token_usage: Mapping[UsageOf, TokenUsage] = field(default_factory=dict)

    @property
    def small_run(self) -> bool:
        """Whether any value is of a small run."""
        return any(row.scale == "small run" for row in self.rows)
