"""From answers of several training runs to rows: which rows there are, and that their values are right."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.comparisons import holm
from ecgbyte.training.generation_file import Generation
from ecgbyte.training.settings import TrainingReport
from experiments.profiles.methods import METHODS
from experiments.profiles.profile import read_profile
from experiments.rows.comparisons import best_two_stage, comparison_rows
from experiments.rows.costs import CostRows
from experiments.rows.files import read_rows, write_rows
from experiments.rows.language import Runs, ceiling_rows, language_rows, text_subsets
from experiments.rows.learning_rates import learning_rate_rows
from experiments.rows.maker import RowMaker
from experiments.rows.ranking import ranking_rows
from experiments.rows.runs import chosen_subsets
from experiments.rows.schema import ResultRow, check_rows, compact_json
from experiments.steps.answers import Answers, given_answers
from experiments.steps.trivial import most_frequent_answers

KINDS = ("single-verify", "single-query", "single-choose")
REFERENCE = {
    "single-verify": ("yes", "no"),
    "single-query": ("left axis deviation", "sinus rhythm"),
    "single-choose": ("none", "both"),
}


def question(place: int) -> Question:
    kind = KINDS[place % 3]
    return Question(
        sample_id=f"sample-{place}",
        template_id=kind,
        question_type=kind,
        attribute_type="rhythm",
        question=f"{kind}?",
        answer=(REFERENCE[kind][place // 3 % 2],),
        record_ids=(f"record-{place // 2}",),
        attributes=(("flutter", "block")[place // 6 % 2],) if kind == "single-verify" else (),
        source="generated",
    )


QUESTIONS = [question(place) for place in range(36)]
PATIENTS = {f"record-{number}": f"patient-{number}" for number in range(18)}


def answers(right: set[int] | range, *, scores: bool = True, questions: list[Question] = QUESTIONS) -> Answers:
    """Right at some places and wrong at the others."""
    generations, yes_scores = [], {}
    for place, asked in enumerate(questions):
        text = asked.reference if place in right else "something else"
        generations.append(
            Generation(
                asked.sample_id, asked.record_id, PATIENTS[asked.record_id], asked.question, asked.reference, text
            )
        )
        if scores and asked.question_type == "single-verify":
            yes = asked.reference == "yes"
            yes_scores[asked.sample_id] = (0.9 if yes == (place in right) else 0.1) + place / 1000
    return Answers(generations, yes_scores)


def runs(*right: range) -> Runs:
    return {
        seed: {"ecg": answers(places), "flat-line": answers(range(12)), "text-only": answers(range(6))}
        for seed, places in zip((3, 5, 8), right, strict=False)
    }


@pytest.fixture(scope="module")
def maker() -> RowMaker:
    smoke = read_profile("smoke")
    evaluation = dataclasses.replace(smoke.evaluation, bootstrap_resamples=60)
    common = {"profile": "smoke", "seed": 0, "scale": "small run", "dataset": "synthetic", "versions": compact_json({})}
    return RowMaker(common).with_profile(dataclasses.replace(smoke, evaluation=evaluation))


def find(rows: list[ResultRow], **columns: object) -> ResultRow:
    (row,) = [row for row in rows if all(getattr(row, name) == value for name, value in columns.items())]
    return row


SECONDS = {3: (10.0, 1.0), 5: (20.0, 2.0), 8: (60.0, 3.0)}


def test_every_run_has_rows_and_all_together_have_one_more(maker: RowMaker, tmp_path: Path) -> None:
    by_seed = runs(range(36), range(30), range(18))
    rows = language_rows(
        maker, "merl", by_seed, QUESTIONS, PATIENTS, SECONDS, {"ecg-needed": [1, 4, 20], "nothing": []}
    )
    assert check_rows(rows)
    write_rows(tmp_path, rows)
    assert len(read_rows(tmp_path)) == len(rows)
    assert {(row.seed, row.seeds) for row in rows} == {(3, 1), (5, 1), (8, 1), (None, 3)}
    assert {row.subset for row in rows} == {"all", *KINDS, "ecg-needed"}
    quality = {"table": "language-quality", "metric": "accuracy", "subset": "all"}
    values = [find(rows, **quality, input="ecg", seed=seed, seeds=1).value for seed in (3, 5, 8)]
    assert values == pytest.approx([100.0, 100 * 30 / 36, 50.0])
    over = find(rows, **quality, input="ecg", seeds=3)
    assert over.value == pytest.approx(sum(values) / 3)
    assert over.ci_high - over.ci_low > 100 * 18 / 36, "runs that differ by half widen the interval"
    assert (over.n, over.train_seconds, over.evaluate_seconds) == (36, 30.0, 2.0)
    assert find(rows, **quality, input="ecg", seed=5).train_seconds == 20.0
    # Of questions 1, 4 and 20 only the last is answered wrongly, by the third run.
    needed = find(rows, table="language-quality", metric="accuracy", subset="ecg-needed", input="ecg", seeds=3)
    assert needed.value == pytest.approx(100 * 8 / 9) and needed.n == 3


def test_controls_are_differences_within_a_run(maker: RowMaker) -> None:
    rows = language_rows(maker, "merl", runs(range(36), range(30)), QUESTIONS, PATIENTS, SECONDS)
    controls = {"table": "controls", "metric": "accuracy-difference", "subset": "all"}
    assert find(rows, **controls, input="flat-line", seed=5).value == pytest.approx(100 * 18 / 36)
    assert find(rows, **controls, input="flat-line", seeds=2).value == pytest.approx(100 * 21 / 36)
    assert find(rows, **controls, input="text-only", seeds=2).value == pytest.approx(100 * 27 / 36)
    assert not [row for row in rows if row.table == "controls" and row.input == "ecg"]


def test_one_run_has_no_row_of_several(maker: RowMaker) -> None:
    rows = language_rows(maker, "ecg-byte", runs(range(36)), QUESTIONS, PATIENTS, SECONDS)
    assert {(row.seed, row.seeds) for row in rows} == {(3, 1)}
    assert not [row for row in rows if row.metric == "bertscore-f1"]


def test_ranking_has_areas_per_attribute_and_their_mean_for_each_run_and_all(maker: RowMaker) -> None:
    rows = ranking_rows(maker, "merl", runs(range(36), range(18)), QUESTIONS, PATIENTS)
    assert check_rows(rows)
    assert {(row.seed, row.seeds) for row in rows} == {(3, 1), (5, 1), (None, 2)}
    # Single attributes have rows for the runs together, and for one run where there is no other.
    attribute = {"metric": "roc-area", "input": "ecg", "subset": "flutter"}
    both = runs(range(36), range(18))
    alone = [
        find(ranking_rows(maker, "merl", {seed: both[seed]}, QUESTIONS, PATIENTS), **attribute).value for seed in (3, 5)
    ]
    assert alone[0] == 1.0 > alone[1]
    assert [row.seeds for row in rows if row.metric == "roc-area" and row.subset == "flutter"] == [2, 2, 2]
    assert find(rows, **attribute).value == pytest.approx(sum(alone) / 2)
    macro = {"metric": "roc-area-macro", "input": "ecg"}
    first, second = (find(rows, **macro, seeds=1, seed=seed).value for seed in (3, 5))
    assert first == 1.0 and second < 1.0
    assert find(rows, **macro, seeds=2).value == pytest.approx((first + second) / 2)
    flat = {"metric": "roc-area-macro", "input": "flat-line", "table": "roc-areas"}
    difference = find(rows, metric="roc-area-macro-difference", input="flat-line", seeds=2)
    assert difference.table == "controls"
    assert difference.value == pytest.approx((first + second) / 2 - find(rows, **flat, seeds=2).value)
    baseline = {0: {"text-only": answers(range(9), scores=False)}}
    assert ranking_rows(maker, "most-frequent", baseline, QUESTIONS, PATIENTS) == []


def test_comparisons_are_against_the_best_two_stage_method(maker: RowMaker) -> None:
    by_method = {
        "ecg-byte": runs(range(36), range(36), range(33)),
        "merl": runs(range(12), range(18), range(15)),
        "vit": runs(range(9), range(9), range(9)),
        "vit-as-published": runs(range(36), range(36), range(36)),
        "most-frequent": {0: {"text-only": answers(range(12), scores=False)}},
    }
    assert best_two_stage(by_method) == "merl"
    rows = comparison_rows(maker, by_method, QUESTIONS, PATIENTS, subsets={"ecg-needed": range(20, 36)})
    assert check_rows(rows)
    assert {row.table for row in rows} == {"comparisons"}
    faulty = [row for row in rows if row.variant == "against vit-as-published"]
    assert {row.method for row in faulty} == {"ecg-byte"}
    rows = [row for row in rows if row not in faulty]
    assert {row.variant for row in rows} == {"against merl"}
    assert {row.method for row in rows} == set(by_method) - {"merl"}
    assert {row.subset for row in rows} == {"all", "ecg-needed"}
    found = find(rows, method="ecg-byte", metric="accuracy-difference", subset="all")
    assert found.value == pytest.approx(100 * (35 - 15) / 36) and found.ci_low > 0
    assert (found.input, found.seed, found.seeds, found.run_seeds) == ("ecg", None, 3, "3+5+8")
    baseline = find(rows, method="most-frequent", metric="accuracy-difference", subset="all")
    assert (baseline.input, baseline.seed, baseline.seeds) == ("text-only", 0, 1)
    for metric in ("accuracy", "bleu-4", "roc-area-macro"):
        tested = [row for row in rows if row.metric == f"{metric}-p-value" and row.subset == "all"]
        expected = holm({row.method: row.value for row in tested})
        for method, value in expected.items():
            assert find(rows, method=method, metric=f"{metric}-p-holm", subset="all").value == pytest.approx(value)
        assert ("most-frequent" in expected) == (metric != "roc-area-macro")
    p_value = find(rows, method="ecg-byte", metric="accuracy-p-value", subset="all")
    assert 0 < p_value.value < 0.05 and math.isnan(p_value.ci_low)


def test_questions_of_ecg_qa_stand_beside_the_headline(maker: RowMaker) -> None:
    asked = [
        dataclasses.replace(one, source="ecg-qa", sample_id=f"x{place}") if place >= 24 else one
        for place, one in enumerate(QUESTIONS)
    ]
    asked[1] = dataclasses.replace(asked[1], answer=("left axis deviation", "sinus rhythm"))
    given = {seed: {"ecg": answers(range(right), questions=asked)} for seed, right in ((3, 12), (5, 18))}
    subsets = chosen_subsets({"merl": given}, asked, seed=0)
    assert subsets["ecg-qa"] == [*range(24, 36)] and subsets["generated"] == [*range(24)]
    assert subsets["several-findings"] == [1] and max(subsets["answer-balanced"]) < 24
    rows = language_rows(maker, "merl", given, asked, PATIENTS, SECONDS, subsets)
    assert find(rows, metric="accuracy", subset="generated", seeds=2).value == pytest.approx(100 * 15 / 24)
    # The headline has a row a run; a type is of its questions alone.
    assert find(rows, metric="accuracy", subset="generated", seed=3).value == pytest.approx(50)
    assert find(rows, metric="accuracy", subset="single-verify", seeds=2).n == 8
    areas = ranking_rows(maker, "merl", given, asked, PATIENTS)
    assert (
        find(areas, metric="roc-area-macro", subset="generated", seeds=2).n
        < find(areas, metric="roc-area-macro", subset="all", seeds=2).n
    )
    two = {"merl": given, "vit": {seed: {"ecg": answers(range(24, 36), questions=asked)} for seed in (3, 5)}}
    assert best_two_stage(two) == "merl" and best_two_stage(two, subsets["ecg-qa"]) == "vit"
    ceilings = ceiling_rows(maker, asked, PATIENTS, subsets)
    assert check_rows([*rows, *areas, *ceilings])
    assert find(ceilings, metric="accuracy", subset="generated").value == 100
    assert find(ceilings, metric="meteor", subset="single-verify").value < 60


def test_learning_rates_are_told_of_every_run_and_the_trials_once_a_method(maker: RowMaker) -> None:
    def run(name: str, seed: int, rate: float, trials: list[list[float | None]] | None) -> Any:
        details = {"report": {"settings": {"learning_rate": rate}}}
        prepared = SimpleNamespace(questions={"validation": [0] * 7})
        tried = None if trials is None else SimpleNamespace(step=SimpleNamespace(details={"trials": trials}))
        trained = SimpleNamespace(step=SimpleNamespace(details=details))
        study = SimpleNamespace(prepared=prepared)
        return SimpleNamespace(method=METHODS[name], seed=seed, study=study, train_task=trained, rates_task=tried)

    trials: list[list[float | None]] = [[0.001, 0.7, 55.0, 500], [0.003, None, None, None]]
    runs = [run("merl", seed, 0.001, trials) for seed in (0, 1)]
    runs += [run("text-only", 0, 0.002, None), run("most-frequent", 0, 0.0, None)]
    rows = learning_rate_rows(maker, runs)
    assert check_rows(rows)
    chosen = {(row.method, row.seed): row.value for row in rows if row.metric == "learning-rate"}
    assert chosen == {("merl", 0): 0.001, ("merl", 1): 0.001, ("text-only", 0): 0.002}
    tried = {(row.method, row.variant, row.metric): row.value for row in rows if row.metric != "learning-rate"}
    assert tried == {
        ("merl", "learning rate 0.001", metric): value
        for metric, value in (("trial-loss", 0.7), ("trial-score", 55.0), ("trial-step", 500.0))
    }
    assert {row.n for row in rows} == {7}


def test_planned_pairs_are_compared_and_corrected_apart(maker: RowMaker) -> None:
    by_method = {
        "ecg-byte": runs(range(27), range(30)),
        "ecg-byte-merge-order": runs(range(24), range(27)),
        "merl": runs(range(33), range(33)),
        "merl-from-scratch": runs(range(30), range(30)),
        "vit": runs(range(18), range(18)),
        "vit-from-scratch": runs(range(12), range(12)),
        "text-only": {3: {"text-only": answers(range(9))}},
    }
    rows = comparison_rows(maker, by_method, QUESTIONS, PATIENTS)
    assert check_rows(rows)
    pairs = {(row.method, row.variant) for row in rows}
    planned = {
        ("ecg-byte", "against text-only"): 100 * (28.5 - 9) / 36,
        ("ecg-byte", "against ecg-byte-merge-order"): 100 * 3 / 36,
        ("vit", "against vit-from-scratch"): 100 * 6 / 36,
    }
    # merl is the best, so its pair stands among those compared with it.
    assert pairs == {(method, "against merl") for method in set(by_method) - {"merl"}} | planned.keys()
    for (method, variant), expected in planned.items():
        found = find(rows, method=method, variant=variant, metric="accuracy-difference", subset="all")
        assert found.value == pytest.approx(expected)
    p_values = {pair: find(rows, method=pair[0], variant=pair[1], metric="accuracy-p-value").value for pair in planned}
    adjusted = holm({" ".join(pair): value for pair, value in p_values.items()})
    for pair in planned:
        found = find(rows, method=pair[0], variant=pair[1], metric="accuracy-p-holm")
        assert found.value == pytest.approx(adjusted[" ".join(pair)])


def test_without_a_two_stage_method_only_planned_pairs_are_compared(maker: RowMaker) -> None:
    by_method = {"ecg-byte": runs(range(36)), "text-only": {3: {"text-only": answers(range(9))}}}
    assert comparison_rows(maker, {"ecg-byte": by_method["ecg-byte"]}, QUESTIONS, PATIENTS) == []
    rows = comparison_rows(maker, by_method, QUESTIONS, PATIENTS)
    assert {(row.method, row.variant) for row in rows} == {("ecg-byte", "against text-only")}
    assert find(rows, metric="accuracy-difference").value == pytest.approx(75.0)


def test_bad_answers_are_refused(maker: RowMaker) -> None:
    uneven = {3: {"ecg": answers(range(3))}, 5: {"text-only": answers(range(3))}}
    with pytest.raises(ValueError, match="expected the same for every seed"):
        language_rows(maker, "merl", uneven, QUESTIONS, PATIENTS, SECONDS)
    with pytest.raises(ValueError, match="36 answers to other questions than the 36 asked"):
        language_rows(maker, "merl", runs(range(36)), QUESTIONS[::-1], PATIENTS, SECONDS)
    with pytest.raises(ValueError, match="subsets: got 'single-query'"):
        language_rows(maker, "merl", runs(range(36)), QUESTIONS, PATIENTS, SECONDS, {"single-query": [0]})
    two = {3: {"flat-line": answers(range(3)), "text-only": answers(range(3))}}
    with pytest.raises(ValueError, match="expected 'ecg' among them"):
        comparison_rows(maker, {"merl": runs(range(3)), "vit": two}, QUESTIONS, PATIENTS)


def test_subsets_by_text_use_methods_without_the_ecg_only(maker: RowMaker) -> None:
    given = given_answers(most_frequent_answers(QUESTIONS, QUESTIONS), QUESTIONS, PATIENTS)
    by_method = {
        "ecg-byte": runs(range(36), range(36)),
        "text-only": {3: {"text-only": answers(range(4))}, 5: {"text-only": answers({7, 9})}},
        "most-frequent": {0: {"text-only": given}},
    }
    subsets = text_subsets(QUESTIONS, by_method, seed=0)
    right = {place for place, one in enumerate(given.generations) if one.answer == one.reference}
    assert subsets["ecg-needed"] == sorted(set(range(36)) - {0, 1, 2, 3, 7, 9} - right)
    # Each of the three texts is followed by two answers, six times each.
    assert subsets["answer-balanced"] == list(range(36))
    rows = language_rows(
        maker, "most-frequent", by_method["most-frequent"], QUESTIONS, PATIENTS, {0: (0.0, 0.0)}, subsets
    )
    accuracy = {row.subset: row.value for row in rows if row.metric == "accuracy"}
    assert accuracy["answer-balanced"] == 50.0 and accuracy["ecg-needed"] == 0.0
    assert list(text_subsets(QUESTIONS, {"ecg-byte": by_method["ecg-byte"]}, seed=0)) == ["answer-balanced"]


def run_with_validation(method: str, stage_1: int, losses: list[float], seconds: int) -> SimpleNamespace:
    """What the rows of a run's validation need of it: a loss every 100 samples."""
    report: dict[str, Any] = dict.fromkeys(TrainingReport.__dataclass_fields__)
    report["validation"] = [
        {"step": place, "seconds": seconds * place, "samples_seen": 100 * place, "loss": loss}
        for place, loss in enumerate(losses, 1)
    ]
    earlier = {"report": {"seconds": float(stage_1), "samples_seen": 10 * stage_1}}
    study = SimpleNamespace(prepared=SimpleNamespace(questions={"validation": QUESTIONS}))
    return SimpleNamespace(
        method=METHODS[method],
        seed=3,
        terms=SimpleNamespace(fixed_length=128 if METHODS[method].as_published else None),
        study=study,
        train_task=SimpleNamespace(step=SimpleNamespace(details={"report": report})),
        pretraining_tasks=lambda: [SimpleNamespace(step=SimpleNamespace(details=earlier))] if stage_1 else [],
    )


def test_time_and_samples_to_the_loss_that_all_reach(maker: RowMaker) -> None:
    made = [
        run_with_validation("ecg-byte", 0, [2.0, 1.0, 0.75], 20),
        run_with_validation("merl", 30, [1.0, 0.5, 0.25], 4),
        run_with_validation("text-only", 0, [2.0, 1.5, 1.25], 1),
        run_with_validation("merl-as-published", 30, [0.1], 1),
    ]
    rows = CostRows(maker, read_profile("smoke")).time_to_validation_loss(cast("Any", made))
    found = {(row.method, row.metric): (row.value, row.variant, row.stage) for row in rows}
    reached = ("loss 0.7500", "all stages")
    # merl: from 1.0 to 0.5, so half of the way from the first to the second evaluation.
    assert found == {
        ("ecg-byte", "validation-loss"): (0.75, "", "end-to-end"),
        ("ecg-byte", "seconds-to-validation-loss"): (60.0, *reached),
        ("ecg-byte", "samples-to-validation-loss"): (300.0, *reached),
        ("merl", "validation-loss"): (0.25, "", "stage-2"),
        ("merl", "seconds-to-validation-loss"): (30 + 6.0, *reached),
        ("merl", "samples-to-validation-loss"): (300 + 150.0, *reached),
        ("text-only", "validation-loss"): (1.25, "", "end-to-end"),
    }
