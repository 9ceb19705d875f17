"""Rows as files and back: what was written is read, once a run and once a measure; damaged files are refused."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.rows.files import MEASURE_COLUMNS, read_rows, run_name, write_rows
from experiments.rows.groups import AGAINST
from experiments.rows.schema import ResultRow, check_rows, compact_json, seed_columns
from tests.experiments.rows.example_row import ROW

NO_INTERVAL = {"ci_low": math.nan, "ci_high": math.nan}
ROWS = [
    ROW,
    ROW._replace(input="flat-line", value=1.0, **NO_INTERVAL, train_seconds=math.nan),
    ROW._replace(**seed_columns([0, 3]), train_seconds=20.0),
    ROW._replace(table="efficiency", metric="train-seconds", value=12345678.0, **NO_INTERVAL, split="train")._replace(
        stage="end-to-end", padding="1024"
    ),
    ROW._replace(value=-0.0000001, ci_low=-1.0, ci_high=0.0, subset="single-verify"),
    ROW._replace(table="comparisons", metric="bleu-4-difference", variant="against merl", train_seconds=math.nan),
    ROW._replace(table="ablations", variant="data.segment_seconds=5.0, data.segments_per_record=2"),
    ROW._replace(table="tokenizer", metric="compression", value=15.0, **NO_INTERVAL, train_seconds=math.nan),
    ROW._replace(table="transfer", dataset="ptb-xl", trained_on="synthetic", data_fingerprint="sha256:1"),
    ROW._replace(table="efficiency", metric="validation-loss", value=0.5, **NO_INTERVAL, split="validation")._replace(
        stage="end-to-end", padding="1024"
    ),
]


def test_rows_come_back_and_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(first) == {"measures.csv", "runs.csv", "configurations.json", "schema.json"}
    back = read_rows(tmp_path)
    # The second row belongs to the run of the first, which says how long it took.
    expected = [row._replace(train_seconds=12.5) if row is ROWS[1] else row for row in ROWS]
    expected[4] = expected[4]._replace(value=0.0)
    assert back == check_rows(expected)
    write_rows(tmp_path, reversed(back))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_one_line_a_measure_and_one_line_a_run(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    with (tmp_path / "measures.csv").open(encoding="utf-8", newline="") as stream:
        measures = list(csv.DictReader(stream))
    documented = "table, method, input, dataset, subset, metric, value, ci_low, ci_high, n, seed, run"
    assert ", ".join(measures[0]) == documented == ", ".join(MEASURE_COLUMNS)
    assert len(measures) == len(ROWS)
    (mean,) = [line for line in measures if line["run"] == "ecg-byte:0+3"]
    assert mean["seed"] == "", "a mean over several runs has no seed"
    with (tmp_path / "runs.csv").open(encoding="utf-8", newline="") as stream:
        runs = [line["run"] for line in csv.DictReader(stream)]
    assert runs == sorted(
        [
            "ecg-byte:0",
            "ecg-byte:0+3",
            "ecg-byte:0/end-to-end/1024",
            "ecg-byte:0/end-to-end/1024/validation",
            "ecg-byte:0/synthetic to ptb-xl",
            "ecg-byte:0/tokens",
            "ecg-byte:0, data.segment_seconds=5.0, data.segments_per_record=2",
            "ecg-byte against merl:0",
        ]
    )
    texts = json.loads((tmp_path / "configurations.json").read_text(encoding="utf-8"))
    assert {"merges": 3500, "model": "tiny"} in texts.values()
    schema = json.loads((tmp_path / "schema.json").read_text(encoding="utf-8"))
    assert schema["signatures"]["language-quality"] == {"bleu-4": ROW.signature}


def test_values_are_rounded_to_six_digits(tmp_path: Path) -> None:
    write_rows(tmp_path, [ROW._replace(value=20.1234564, **NO_INTERVAL)])
    assert read_rows(tmp_path)[0].value == 20.123456


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.builds(
            ROW._replace,
            method=st.sampled_from(["merl", 'odd, "name"', "größer", "a\nb"]),
            value=st.floats(0, 100).map(lambda x: round(x, 6)),
            ci_low=st.just(math.nan),
            ci_high=st.just(math.nan),
            n=st.integers(0, 10**12),
            seed=st.integers(-3, 3),
            input=st.sampled_from(["ecg", "noise"]),
            subset=st.sampled_from(["all", " ", "N/A", "nan", "None"]),
            variant=st.sampled_from(["", f"{AGAINST}vit", "model.layers=2"]),
        ),
        unique_by=lambda row: row.key,
    )
)
def test_generated_rows_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[ResultRow]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    write_rows(folder, rows)
    assert read_rows(folder) == check_rows(rows)
    assert len({run_name(row) for row in rows}) == len({(row.method, row.seed, row.variant) for row in rows})


def test_what_an_ablation_is_compared_with_is_a_run_of_its_own() -> None:
    row = ROW._replace(table="ablations", variant="model.layers=2", signature="paired")
    metrics = ("accuracy", "accuracy-difference", "accuracy-from-best")
    assert [run_name(row._replace(metric=metric)) for metric in metrics] == [
        "ecg-byte:0, model.layers=2",
        "ecg-byte:0/minus base, model.layers=2",
        "ecg-byte:0/minus the best two-stage method, model.layers=2",
    ]


def test_rows_of_one_run_may_not_differ_in_what_holds_for_it(tmp_path: Path) -> None:
    for name, value in {"device": "cuda", "train_seconds": 13.0, "configuration": compact_json({"merges": 1})}.items():
        with pytest.raises(ValueError, match=f"{name}: got .* for the run 'ecg-byte:0'"):
            write_rows(tmp_path, [ROW, ROW._replace(input="noise", **{name: value})])
    with pytest.raises(ValueError, match=r"run_seeds: got none .* expected those of its 2 runs"):
        write_rows(tmp_path, [ROW._replace(seed=None, seeds=2)])


def replaced(name: str, old: str, new: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "measures.csv").write_text(""), r"measures\.csv: expected lines of the columns"),
        (
            replaced("measures.csv", "table,method", "method,table"),
            r"measures\.csv, line 1: expected the columns table",
        ),
        (replaced("measures.csv", "21.5", "many"), "line 2: value: got 'many', expected a number"),
        (replaced("measures.csv", "21.5", ""), "line 2: value: got '', expected a number"),
        (replaced("measures.csv", "21.5", "nan"), "value: got nan"),
        (replaced("measures.csv", "21.5", "121.5"), "expected 0 to 100"),
        (replaced("measures.csv", ",400,", ",4.5,"), "line 2: n: got '4.5', expected a whole number"),
        (replaced("measures.csv", "ecg-byte:0\n", "ecg-byte:0,more\n"), "measures.csv: .*line 2, saw 13"),
        (replaced("measures.csv", ",0,ecg-byte:0\n", "\n"), "line 2: expected 12 cells, got fewer"),
        (replaced("measures.csv", "ecg-byte:0\n", "ecg-byte:7\n"), "line 2: run: got 'ecg-byte:7', which is no run"),
        (replaced("measures.csv", "quality,ecg-byte", "quality,merl"), "line 2: run: .* no run of 'merl'"),
        (lambda folder: (folder / "runs.csv").unlink(), r"there is no file .*runs\.csv"),
        (replaced("runs.csv", "smoke", "smoke,smoke"), r"runs\.csv: .*saw 20"),
        (replaced("runs.csv", "sha256:", "sha256:0"), r"runs\.csv, line 2: configuration: 'sha256:0.* is not in"),
        (replaced("runs.csv", ",12.5,", ",soon,"), "line 2: train_seconds: got 'soon', expected a number"),
        (replaced("configurations.json", "3500", "3501"), "it has been changed"),
        (replaced("schema.json", '"version": 2', '"version": 3'), "version: got 3, expected 2; rows of two versions"),
        (replaced("schema.json", "bleu-4", "accuracy"), r"schema\.json: does not define 'bleu-4'"),
        (replaced("schema.json", "{", "["), "expected the version and the signatures"),
        (lambda folder: (folder / "schema.json").unlink(), r"no file .*schema\.json; results of an older form"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    write_rows(tmp_path, [ROW])
    read_rows(tmp_path)
    damage(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_rows(tmp_path)


def test_a_run_or_a_measure_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    for name, message in (("runs.csv", "run: 'ecg-byte:0' stands there twice"), ("measures.csv", "same key")):
        write_rows(tmp_path, [ROW])
        lines = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        (tmp_path / name).write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            read_rows(tmp_path)
