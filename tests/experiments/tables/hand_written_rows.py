"""Rows written by hand, for tests of tables."""

from __future__ import annotations

from typing import Any

from experiments.rows.schema import ResultRow

AUDIT = "patients in two splits: 0"


def row(table: str, method: str, metric: str, value: float, **other: Any) -> ResultRow:
    base: dict[str, Any] = {"input": "ecg", "dataset": "synthetic", "split": "test", "n": 50, "seed": 0}
    base |= {"profile": "smoke", "scale": "full", "signature": metric}
    return ResultRow(table=table, method=method, metric=metric, value=value, **(base | other))


QUALITY = [
    row("language-quality", "merl", "accuracy", 40.0, ci_low=35.0, ci_high=45.0),
    row("language-quality", "ecg-byte", "accuracy", 50.0, ci_low=45.0, ci_high=55.0),
    row("language-quality", "ecg-byte", "bleu-4", 12.345),
    row("language-quality", "ecg-byte", "accuracy", 20.0, input="flat-line"),
    row("language-quality", "text-only", "accuracy", 30.0, input="text-only"),
    row("language-quality", "ecg-byte", "accuracy", 60.0, subset="single-verify", n=20),
]


def cost(method: str, stage: str, padding: str, **values: float) -> list[ResultRow]:
    return [
        row("efficiency", method, name.replace("_", "-"), value, stage=stage, padding=padding)
        for name, value in values.items()
    ]


COSTS = [
    *cost("ecg-byte", "end-to-end", "none", train_seconds=100.0, samples_seen=1000.0, distinct_records=200.0),
    *cost("ecg-byte", "end-to-end", "none", timed_seconds_per_1000_samples=95.0),
    *cost("ecg-byte", "end-to-end", "1024", timed_seconds_per_1000_samples=300.0),
    *cost("merl", "stage-1", "", train_seconds=80.0, samples_seen=600.0, distinct_records=400.0),
    *cost("merl", "stage-2", "none", train_seconds=20.0, samples_seen=1000.0, distinct_records=200.0),
    *cost("merl", "stage-2", "1024", timed_seconds_per_1000_samples=280.0),
]
