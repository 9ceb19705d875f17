"""The schema of the results: what may stand in a row, and that a file gives back what was written."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from experiments.rows.files import read_rows, write_rows
from experiments.rows.schema import COLUMNS, ResultRow, check_rows, compact_json

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


def test_columns_start_as_documented() -> None:
    documented = "table, method, input, dataset, split, metric, value, ci_low, ci_high, n, seed, profile"
    assert ", ".join(COLUMNS[:12]) == documented


def test_rows_come_back_and_are_sorted(tmp_path: Path) -> None:
    rows = [
        ROW,
        dataclasses.replace(ROW, input="flat-line", value=1.0, ci_low=math.nan, ci_high=math.nan),
        dataclasses.replace(ROW, table="efficiency", metric="train-seconds", value=12345678.0, padding="1024"),
        dataclasses.replace(ROW, value=-0.0000001, ci_low=-1.0, ci_high=0.0, subset="single-verify"),
    ]
    path = tmp_path / "runs.csv"
    write_rows(path, rows)
    first = path.read_bytes()
    back = read_rows(path)
    assert [row.key for row in back] == sorted(row.key for row in rows)
    by_key = {row.key: row for row in back}
    assert by_key[ROW.key].signature == ROW.signature
    assert by_key[ROW.key].ci_low == 19.25
    assert math.isnan(by_key[rows[1].key].ci_low) and math.isnan(by_key[rows[0].key].evaluate_seconds)
    assert by_key[rows[2].key].value == 12345678.0
    assert str(by_key[rows[3].key].value) == "0.0"
    write_rows(path, reversed(back))
    assert path.read_bytes() == first
    assert first.startswith(",".join(COLUMNS).encode())


def test_values_are_rounded_to_six_digits(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    write_rows(path, [dataclasses.replace(ROW, value=20.1234564, ci_low=math.nan, ci_high=math.nan)])
    assert read_rows(path)[0].value == 20.123456


def test_duplicate_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same key: table 'language-quality', method 'ecg-byte'"):
        check_rows([ROW, dataclasses.replace(ROW, value=3.0, ci_low=math.nan, ci_high=math.nan)])
    path = tmp_path / "runs.csv"
    write_rows(path, [ROW])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(ValueError, match="same key"):
        read_rows(path)


def test_two_definitions_of_a_metric_do_not_mix() -> None:
    other = dataclasses.replace(ROW, method="merl", signature="another tokenizer")
    with pytest.raises(ValueError, match="'bleu-4' of table 'language-quality' is defined in two ways"):
        check_rows([ROW, other])
    check_rows([ROW, dataclasses.replace(other, metric="accuracy")])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"table": "language"}, ValueError, "table: got 'language'.*'language-quality'"),
        ({"input": "zeros"}, ValueError, "input: got 'zeros'.*'flat-line'"),
        ({"metric": "BLEU"}, ValueError, "metric: got 'BLEU'"),
        ({"scale": "small"}, ValueError, "scale: got 'small'"),
        ({"method": ""}, ValueError, "method: got an empty string"),
        ({"padding": "full"}, ValueError, "padding: got 'full'"),
        ({"value": math.nan}, ValueError, "value: got nan for .*method 'ecg-byte'"),
        ({"value": "3"}, TypeError, "value: got str"),
        ({"n": 2.0}, TypeError, "n: got float"),
        ({"seed": True}, TypeError, "seed: got bool"),
        ({"n": -1}, ValueError, "n: got -1"),
        ({"method": math.nan}, TypeError, "method: got float nan"),
        ({"ci_low": math.nan}, ValueError, "expected both or neither"),
        ({"ci_low": 30.0}, ValueError, "expected low <= high"),
        ({"train_seconds": math.inf}, ValueError, "train_seconds: got inf"),
        ({"configuration": "{'a': 1}"}, ValueError, "configuration: got .*JSON object"),
        ({"versions": '{"b": 1, "a": 2}'}, ValueError, "versions: got .*compact_json"),
    ],
)
def test_bad_rows_are_refused(change: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        dataclasses.replace(ROW, **change)


def test_bad_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    with pytest.raises(FileNotFoundError, match=r"runs\.csv"):
        read_rows(path)
    path.write_text("")
    with pytest.raises(ValueError, match="got none"):
        read_rows(path)
    write_rows(path, [ROW])
    text = path.read_text()
    path.write_text(text.replace("table,method", "method,table", 1))
    with pytest.raises(ValueError, match="line 1: expected the columns table"):
        read_rows(path)
    path.write_text(text.replace("21.5", "many"))
    with pytest.raises(ValueError, match="line 2: value: got 'many', expected a number"):
        read_rows(path)
    path.write_text(text.rstrip("\n") + ",more\n")
    with pytest.raises(ValueError, match=r"line 2: expected \d+ cells, got"):
        read_rows(path)
    path.write_text(text.replace("21.5", ""))
    with pytest.raises(ValueError, match="line 2: value: got nan"):
        read_rows(path)
