"""One row as tests of rows change it."""

from __future__ import annotations

from experiments.rows.schema import ResultRow, compact_json

ROW = ResultRow(
    table="language-quality",
    method="ecg-byte",
    input="ecg",
    dataset="synthetic",
    split="test",
    metric="bleu-4",
    value=21.5,
    ci_low=19.25,
    ci_high=23.0,
    n=400,
    seed=0,
    profile="smoke",
    scale="small run",
    signature='nrefs:1|"quoted", with comma',
    configuration=compact_json({"merges": 3500, "model": "tiny"}),
    train_seconds=12.5,
)
