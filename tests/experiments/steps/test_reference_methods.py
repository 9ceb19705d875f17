"""Methods that others are measured against: counts of tokens, random encoders, the untrained model."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ecgbyte.tokenizer.encoding import locate_tokens
from experiments.plan import Plan
from experiments.profiles.methods import METHODS, Method
from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.profiles.unused_settings import unused_settings
from experiments.steps.answers import open_answers
from experiments.steps.encoders import random_encoder
from experiments.steps.method_runs import MethodRun
from experiments.steps.study import Study
from experiments.steps.token_counting import counts_by_lead, met_segments
from experiments.steps.work_folder import WorkFolder
from tests.experiments.steps.asked import UNREAD, ask
from tests.experiments.steps.test_plus import OFF

CHANGES = (
    f"{OFF}, "
    "training.learning_rates=[0.001], ablations.changes=['tokenizer.num_merges=100'], "
    "methods=['ecg-byte', 'merl-random', 'token-counts', 'untrained'], data.train_records=110, data.num_patients=240, "
    "questions.train=400, questions.finding_types=['axis'], questions.templates=['verify-finding', 'query-findings'], "
    "tokenizer.num_merges=200, "
    f"{UNREAD}"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    profile = change_settings(read_profile("smoke"), CHANGES)
    return Study(profile, WorkFolder(tmp_path_factory.mktemp("work")), {})


def done(study: Study, name: str, seed: int = 0) -> MethodRun:
    run = MethodRun(study, METHODS[name], seed, ("ecg", "other-patient", "text-only", "shuffled-leads"))
    for task in run.tasks(timed=False):
        study.work.run(task)
    return run


def area(scores: dict[str, float], study: Study) -> float:
    """The ROC area over all verify questions, by counting pairs."""
    asked = [q for q in study.prepared.questions["test"] if q.sample_id in scores]
    yes = [scores[q.sample_id] for q in asked if q.answer == ("yes",)]
    no = [scores[q.sample_id] for q in asked if q.answer == ("no",)]
    return float(np.mean([(a > b) + 0.5 * (a == b) for a in yes for b in no]))


def test_counts_of_tokens_read_the_axis_and_only_from_the_right_ecg(study: Study) -> None:
    run = done(study, "token-counts")
    answers = {shown: open_answers(run.answer_task.step.folder, shown) for shown in run.inputs}
    own = area(answers["ecg"].yes_scores, study)
    assert own > 0.75, "the axis lies in the limb leads' tokens"
    assert area(answers["other-patient"].yes_scores, study) < own - 0.15
    assert area(answers["shuffled-leads"].yes_scores, study) < own
    asked = {q.sample_id for q in study.prepared.questions["test"] if q.question_type == "single-verify"}
    for of_input in answers.values():
        assert set(of_input.yes_scores) == asked
        assert len(of_input.generations) == len(study.prepared.questions["test"])
    # Without an ECG all questions about one attribute get one score.
    by_attribute: dict[tuple[str, ...], set[float]] = {}
    for question in study.prepared.questions["test"]:
        if question.sample_id in asked:
            score = answers["text-only"].yes_scores[question.sample_id]
            by_attribute.setdefault(question.attributes, set()).add(round(score, 9))
    assert all(len(scores) == 1 for scores in by_attribute.values())


def test_leads_of_stored_tokens_are_those_of_the_encoding(study: Study) -> None:
    run = done(study, "token-counts")
    tokenizer = study.tokenizer("longest")
    signals = study.segments.all_signals[:3]
    encoded = [tokenizer.encode(signal) for signal in signals]
    for encoding in encoded:
        leads, _ = locate_tokens(encoding.ids, tokenizer, signals.shape[2])
        np.testing.assert_array_equal(leads, encoding.leads)
    counts = counts_by_lead([encoding.ids for encoding in encoded], tokenizer, signals.shape[2]).toarray()
    by_lead = counts.reshape(3, 12, tokenizer.vocabulary_size)
    for row, encoding in enumerate(encoded):
        for lead in range(12):
            ids = encoding.ids[encoding.leads == lead]
            np.testing.assert_array_equal(by_lead[row, lead], np.bincount(ids, minlength=tokenizer.vocabulary_size))
    assert run.answer_task.step.details["statements"] > 2


def test_a_question_stands_for_every_segment_that_a_trained_method_meets() -> None:
    questions = ask(["a", "b", "a", "a", "a"])
    assert [len(segments) for segments in met_segments(questions, 5, 2, 1)] == [1] * 5
    one = met_segments(questions, 5, 2, 1)
    # Two questions share a segment, the next two the one after it.
    assert one[0] == one[2] and one[3] == one[4] and one[3][0] == (one[0][0] + 1) % 5
    three = met_segments(questions, 5, 2, 3)
    assert sorted((one[0][0] + epoch) % 5 for epoch in range(3)) == three[0]
    assert met_segments(questions, 5, 2, 99) == [[0, 1, 2, 3, 4]] * 5


def test_a_random_encoder_is_loaded_as_it_was_drawn_and_depends_on_the_seed(study: Study) -> None:
    runs = [MethodRun(study, METHODS["merl-random"], seed) for seed in (0, 1)]
    for task in (*study.data_tasks, *(task for run in runs for task in run.reading.tasks)):
        study.work.run(task)
    signals = study.segments.all_signals[:4]
    features = [np.asarray(run.reader.read(signals)) for run in runs]
    again = random_encoder.load([runs[0].reading.tasks[1].step.folder], faults=(), seed=0)
    with torch.no_grad():
        np.testing.assert_allclose(again(torch.from_numpy(np.array(signals))).numpy(), features[0], atol=1e-5)
    view = runs[0].reader.view(study.segments)
    assert view is not None
    np.testing.assert_allclose(view.values[study.segments.keys[2]], features[0][2], atol=1e-5)
    assert np.abs(features[0] - features[1]).max() > 1e-3
    assert features[0].std(axis=0).max() > 1e-3, "ECGs differ in their features"
    assert runs[0].pretraining_tasks() == () and runs[0].method.stage == "stage-2"
    trained = {task.step.name for task in runs[0].tasks(timed=False)}
    assert "train-merl-random-0" in trained and not any(name.startswith("pretrain") for name in trained)
    # All that a random encoder reads of its family's settings is what shapes it.
    unused = {name for name, _ in unused_settings(study.profile)}
    assert "encoders.merl.epochs" in unused and "encoders.merl.size" not in unused


def test_the_untrained_model_is_asked_for_every_seed_and_has_taken_no_step(study: Study) -> None:
    plan = [(run.method.name, run.seed) for run in Plan(study).methods]
    assert ("untrained", 1) in plan and ("token-counts", 1) not in plan and ("token-counts", 0) in plan
    runs = [done(study, "untrained", seed) for seed in (0, 1)]
    scores = [open_answers(run.answer_task.step.folder, "ecg").yes_scores for run in runs]
    assert scores[0] != scores[1]
    assert not any(task.step.name.startswith("train-") for run in runs for task in run.tasks(timed=True))
    folder = runs[0].answer_task.step.folder
    lines = (folder / "ecg.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(study.prepared.questions["test"]) and json.loads(lines[0])["answer"] is not None


def test_methods_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="answerer: got 'a:b', which needs a reader"):
        Method("x", "text", "trivial", rule="a:c", answerer="a:b")
    with pytest.raises(ValueError, match="random_encoder=True, but its encoder is pretrained"):
        Method("x", "features", "two-stage", "a:b", pretrained=True, random_encoder=True)
    with pytest.raises(ValueError, match=r"transfer\.methods: 'token-counts' trains no language model"):
        change_settings(
            read_profile("smoke"), "transfer.datasets=['ptb-xl'], transfer.methods=['token-counts'], questions.test=31"
        )
