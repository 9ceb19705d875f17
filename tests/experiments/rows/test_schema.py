"""What may stand in a row: bad cells, keys met twice and metrics defined in two ways are refused."""

from __future__ import annotations

import math
import re

import pytest

from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow, check_rows, compact_json, seed_columns
from tests.experiments.rows.example_row import ROW


def test_rows_are_sorted_and_a_mean_comes_before_its_runs() -> None:
    rows = [ROW, ROW._replace(**seed_columns([0, 1])), ROW._replace(seed=1), ROW._replace(input="flat-line")]
    found = [(row.input, row.seed) for row in check_rows(rows)]
    assert found == [("ecg", None), ("ecg", 0), ("ecg", 1), ("flat-line", 0)]
    assert check_rows([]) == []


def test_duplicate_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="same key: table 'language-quality', method 'ecg-byte'"):
        check_rows([ROW, ROW._replace(value=20.0)])


def test_two_definitions_of_a_metric_do_not_mix() -> None:
    other = ROW._replace(method="merl", signature="another tokenizer")
    with pytest.raises(ValueError, match="'bleu-4' of table 'language-quality' is defined in two ways"):
        check_rows([ROW, other])
    check_rows([ROW, other._replace(metric="accuracy")])


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
        ({"value": 100.01}, ValueError, "value, metric: got 100.01, bleu-4 for .*expected 0 to 100"),
        ({"value": -101.0, "metric": "bleu-4-difference"}, ValueError, "expected -100 to 100"),
        ({"value": 1.5, "metric": "bleu-4-p-holm"}, ValueError, "expected 0 to 1"),
        ({"value": -1.0, "metric": "train-seconds"}, ValueError, "expected 0 to inf"),
        ({"value": "3"}, TypeError, "value: got str"),
        ({"n": 2.0}, TypeError, "n: got float"),
        ({"seed": True}, TypeError, "seed: got bool"),
        ({"seed": None}, ValueError, "seed, seeds: got None, 1"),
        ({"seeds": 2}, ValueError, "seed, seeds: got 0, 2"),
        ({"seed": None, "seeds": 2, "run_seeds": "0+1+2"}, ValueError, "run_seeds, seeds: got 0.1.2, 2"),
        ({"seeds": 0}, ValueError, "seeds: got 0"),
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
    other = ROW._replace(method="merl")
    with pytest.raises(error, match=message):
        check_rows([other, ROW._replace(**change)])


def test_rounding_is_not_out_of_bounds() -> None:
    check_rows([ROW._replace(value=100.00000000000004, ci_high=100.0)])


def test_a_row_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        ROW.value = 3.0  # type: ignore[misc]
    assert isinstance(ROW, ResultRow) and compact_json({"b": 1, "a": [2]}) == '{"a":[2],"b":1}'


def test_differences_and_p_values_follow_from_the_entries() -> None:
    answers = {name for name, metric in METRICS.items() if metric.score is not None}
    assert "accuracy" in answers and len(answers) >= 8
    for name in [*answers, "bertscore-f1", "roc-area-macro"]:
        metric, difference = METRICS[name], METRICS[f"{name}-difference"]
        low, high = metric.bounds
        assert (difference.bounds, difference.unit, difference.digits) == (
            (low - high, high - low),
            metric.unit,
            metric.digits,
        )
        assert METRICS[f"{name}-p-value"].bounds == METRICS[f"{name}-p-holm"].bounds == (0.0, 1.0)
        assert difference.score is None and difference.label.startswith(metric.label)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) and metric.label for name, metric in METRICS.items())
