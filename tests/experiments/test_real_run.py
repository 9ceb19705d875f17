"""A small run on real recordings: generated and real ECG-QA questions, and transfer to synthetic records."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.rows.files import read_rows

PROFILE = """
scale = "small run"
note = "A run for a test on a few real records."
methods = ["ecg-byte", "merl", "text-only"]
seed = 0

[data]
dataset = "ptb-xl"
sampling_rate = 100
train_records = 0
validation_records = 0
test_records = 0
segments_per_record = 1

[tokenizer]
num_merges = 200
sampling = "clusters"
records = 60

[questions]
source = "generated+ecg-qa"
train = 160
validation = 20
test = 40
ecgqa_train = 40
ecgqa_test = 8
minimum_count = 3

[model]
hidden_size = 32
layers = 1
heads = 2
max_length = 512

[training]
epochs = 1
batch_size = 8
warmup_steps = 2

[encoders.merl]
epochs = 1

[transfer]
datasets = ["synthetic"]
methods = ["ecg-byte", "merl"]
num_patients = 300
sampling_rate = 250
records = 60
questions = 40

[evaluation]
max_new_tokens = 32
bootstrap_resamples = 50
speed_rounds = 1
padded_length = 512
bertscore = "none"
"""


@pytest.mark.real_data
def test_real_records_and_questions_and_transfer_to_another_data_set(real_data: Path, tmp_path: Path) -> None:
    profile = tmp_path / "real.toml"
    profile.write_text(PROFILE, encoding="utf-8")
    places = ["--results", str(tmp_path / "results"), "--work", str(tmp_path / "work")]
    roots = ["--root", str(real_data / "ptb-xl"), "--questions", str(real_data / "ecg-qa")]
    assert main(["--profile", str(profile), *roots, *places]) == 0
    rows = read_rows(tmp_path / "results" / "real")
    subsets = {row.subset for row in rows if row.table == "language-quality"}
    assert {"generated", "ecg-qa", "answer-balanced"} <= subsets
    moved = {(row.method, row.dataset, row.trained_on, row.input) for row in rows if row.table == "transfer"}
    assert moved == {
        (method, dataset, "ptb-xl", shown)
        for method in ("ecg-byte", "merl")
        for dataset in ("ptb-xl", "synthetic")
        for shown in ("ecg", "flat-line")
    }
    tokens = {(row.dataset, row.trained_on) for row in rows if row.table == "tokenizer"}
    assert tokens == {("ptb-xl", ""), ("synthetic", "ptb-xl")}
    assert (tmp_path / "results" / "real" / "tables" / "transfer.csv").is_file()
