"""Each answer is scored once, as the library scores it; a new metric is a function and one entry."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.metrics.language_scores import MetricScores, score_language
from experiments.profiles.profile import read_profile
from experiments.rows import metrics
from experiments.rows.answer_scores import AnswerScorer, answer_scores
from experiments.rows.comparisons import comparison_rows
from experiments.rows.language import language_rows
from experiments.rows.maker import RowMaker
from experiments.rows.schema import check_rows
from tests.experiments.rows.test_maker import PATIENTS, QUESTIONS, SECONDS, answers, runs

PAGE = Path(__file__).resolve().parents[3] / "docs"
WORDS = st.text("ab ,", max_size=6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.tuples(WORDS.map("a{}".format), WORDS), min_size=1, max_size=6), min_size=1, max_size=4))
def test_scores_are_those_of_the_library_whatever_was_scored_before(sets: list[list[tuple[str, str]]]) -> None:
    scorer = AnswerScorer()
    for pairs in sets:
        references, given_answers = map(list, zip(*pairs, strict=True))
        expected, found = score_language(references, given_answers), scorer.score(references, given_answers)
        assert set(found.metrics) - set(expected.metrics) == {"finding-f1"}
        assert [name for name in found.metrics if name != "finding-f1"] == list(expected.metrics)
        for name, scores in expected.metrics.items():
            np.testing.assert_array_equal(found.metrics[name].values, scores.values)
            assert found.metrics[name][1:] == scores[1:]


def counting(seen: Counter[tuple[str, str]]) -> Callable[[Sequence[str], Sequence[str]], MetricScores]:
    def score(references: Sequence[str], given_answers: Sequence[str]) -> MetricScores:
        pairs = list(zip(references, given_answers, strict=True))
        seen.update(pairs)
        right = np.array([100.0 * (reference == answer) for reference, answer in pairs])
        return MetricScores(right, None, "counted|version:1")

    return score


def test_quality_controls_and_comparisons_score_each_answer_once() -> None:
    seen: Counter[tuple[str, str]] = Counter()
    profile = read_profile("smoke")
    common = {"profile": "smoke", "scale": "small run", "dataset": "synthetic"}
    maker = RowMaker(common, AnswerScorer({"accuracy": counting(seen)})).with_profile(profile)
    by_method = {"ecg-byte": runs(range(36), range(30)), "merl": runs(range(12), range(18))}
    rows = []
    for method, of_runs in by_method.items():
        rows += language_rows(maker, method, of_runs, QUESTIONS, PATIENTS, SECONDS)
    rows += comparison_rows(maker, by_method, QUESTIONS, PATIENTS)
    assert {row.table for row in check_rows(rows)} == {"language-quality", "controls", "comparisons"}
    assert len(seen) == 12, "each of the six references with the right answer and a wrong one"
    assert set(seen.values()) == {1}


def test_lengths_and_empty_references_are_refused_before_anything_is_kept() -> None:
    scorer = AnswerScorer()
    with pytest.raises(ValueError, match="zip"):
        scorer.score(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="references"):
        scorer.score(["a", " "], ["a", "b"])
    assert scorer.score(["a"], ["a"]).metrics["accuracy"].values.tolist() == [100.0]
    with pytest.raises(ValueError, match=r"no samples|expected at least one|empty"):
        AnswerScorer().score([], [])


def test_the_example_of_the_page_runs_and_its_entry_reaches_the_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (PAGE / "extend.md").read_text(encoding="utf-8")
    (code,) = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "first_words" in code]
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    assert capsys.readouterr().out == "50.0\n"
    entry = namespace["FIRST_WORD"]
    for name, metric in {"first-word": entry, **metrics.derived({"first-word": entry})}.items():
        monkeypatch.setitem(metrics.METRICS, name, metric)
    common = {"profile": "smoke", "scale": "small run", "dataset": "synthetic"}
    maker = RowMaker(common, AnswerScorer(answer_scores()), num_resamples=50)
    by_method = {"ecg-byte": runs(range(36)), "merl": {3: {"ecg": answers(range(12)), "flat-line": answers(range(6))}}}
    rows = language_rows(maker, "ecg-byte", by_method["ecg-byte"], QUESTIONS, PATIENTS, SECONDS)
    rows += comparison_rows(maker, by_method, QUESTIONS, PATIENTS)
    found = {row.metric for row in check_rows(rows) if row.metric.startswith("first-word")}
    assert found == {"first-word", "first-word-difference", "first-word-p-value", "first-word-p-holm"}
