"""From answers and training reports to the rows of ``runs.csv``."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import Any, TypedDict

from ecgbyte.metrics.quality import Measure
from experiments.profiles.profile import Profile
from experiments.rows.answer_scores import AnswerScorer
from experiments.rows.schema import ResultRow, compact_json


def versions() -> str:
    """The versions on which numbers depend, as JSON."""
    names = ("ecgbyte", "numpy", "scipy", "PyWavelets", "torch", "transformers", "peft", "accelerate", "sacrebleu")
    found = {name.lower(): metadata.version(name) for name in (*names, "rouge-score", "nltk")}
    return compact_json({**found, "python": platform.python_version()})


class Resampling(TypedDict):
    """How many resamples are drawn, and their seed."""

    num_resamples: int
    seed: int


@dataclass(frozen=True)
class RowMaker:
    """Makes rows with what they all share.

    Attributes
    ----------
    common : dict
        Columns that are the same in every row: profile, data set, versions, fingerprints, device, code.
    scorer : AnswerScorer
        Scores answers, each once, for all rows made from them.
    num_resamples, seed : int
        How intervals are drawn.
    """

    common: Mapping[str, Any]
    scorer: AnswerScorer = field(default_factory=AnswerScorer)
    num_resamples: int = 1000
    seed: int = 0

    def row(self, **columns: Any) -> ResultRow:
        """One row."""
        return ResultRow(**{"split": "test", **self.common, **columns})

    @property
    def resampling(self) -> Resampling:
        """How intervals are drawn, as arguments of what draws them."""
        return {"num_resamples": self.num_resamples, "seed": self.seed}

    def with_profile(self, profile: Profile) -> RowMaker:
        """The same for the rows of a profile: its settings, and how it has intervals drawn."""
        columns = {
            "configuration": compact_json(profile.settings()),
            "configuration_fingerprint": profile.fingerprint(),
        }
        return replace(
            self,
            common={**self.common, **columns},
            num_resamples=profile.evaluation.bootstrap_resamples,
            seed=profile.seed,
        )

    def measured(self, table: str, metric: str, measure: Measure, columns: Mapping[str, Any]) -> ResultRow:
        """One row of a measure with its interval."""
        return self.row(
            table=table,
            metric=metric,
            value=measure.value,
            ci_low=measure.low,
            ci_high=measure.high,
            n=measure.n,
            signature=measure.signature,
            **columns,
        )
