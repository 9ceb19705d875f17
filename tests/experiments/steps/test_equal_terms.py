"""Every method trains on equal terms: the same segments equally often, one way to choose rates and weights."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.metrics.roc_area import roc_area
from ecgbyte.training.generation import answer_and_score
from ecgbyte.training.loop import TrainingReport
from experiments.profiles.methods import METHODS
from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.steps import rates
from experiments.steps.learning import train_learner
from experiments.steps.method_runs import MethodRun
from experiments.steps.study import Study
from experiments.steps.validating import validation_score
from experiments.steps.work_folder import WorkFolder
from tests.experiments.steps.asked import UNREAD
from tests.experiments.steps.test_plus import OFF

CHANGES = (
    f"{OFF}, "
    "training.learning_rates=[0.003, 0.01], training.trial_epochs=1, training.epochs=2, "
    "ablations.changes=['tokenizer.num_merges=100'], methods=['ecg-byte', 'linear-patches', 'text-only'], "
    "training_seeds=[0, 1], tokenizer.num_merges=100, "
    f"{UNREAD}"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    profile = change_settings(read_profile("smoke"), CHANGES)
    return Study(profile, WorkFolder(tmp_path_factory.mktemp("work")), {})


def ready(study: Study, name: str, seed: int = 0) -> MethodRun:
    """A run with all that comes before its training done."""
    run = MethodRun(study, METHODS[name], seed)
    for task in [*study.data_tasks, *run.reading.tasks]:
        study.work.run(task)
    return run


def met(run: MethodRun, epoch: int) -> list[tuple[str, tuple[str, ...], int]]:
    """Of each group of an epoch its record, its questions, and the segment whose view it holds."""
    shown = run.shown
    places = {id(value): segment for (_, segment), value in shown.view.values.items()} if shown.view else {}
    return [
        (
            group.record_id,
            tuple(example.sample_id for example in group.examples),
            places.get(id(group.examples[0].ecg), -1),
        )
        for group in shown.training_groups().at_epoch(epoch)
    ]


def test_every_method_meets_the_same_segments_of_each_record_equally_often(study: Study) -> None:
    tokens, patches = (ready(study, name) for name in ("ecg-byte", "linear-patches"))
    epochs = [met(tokens, epoch) for epoch in range(study.segments.per_record)]
    for epoch, groups in enumerate(epochs):
        assert groups == met(patches, epoch)
        assert all(segment >= 0 for *_, segment in groups)
    assert epochs[0] != epochs[1], "segments rotate"
    counted = Counter((record, segment) for groups in epochs for record, _, segment in groups)
    for record in {record for record, *_ in epochs[0]}:
        assert len({counted[record, segment] for segment in range(study.segments.per_record)}) == 1
    plain = [(record, questions) for record, questions, _ in met(ready(study, "text-only"), 0)]
    assert plain == [(record, questions) for record, questions, _ in epochs[0]]


def test_the_validation_score_is_what_greedy_decoding_would_come_to(study: Study) -> None:
    run = ready(study, "linear-patches")
    learner, report = train_learner(
        Path(str(study.work.folder)) / "tried", run.reader, run.terms.with_rate(0.003), run.shown
    )
    questions, examples = study.prepared.questions["validation"], run.shown.examples("validation")
    score = validation_score(examples, questions, learner.collator, batch_size=5)
    with torch.no_grad():
        found = score.of(learner.model)
    answers, scores = answer_and_score(learner.model, examples, learner.collator, progress=False)
    right = [given.answer == given.reference for given in answers]
    assert found["accuracy"] == pytest.approx(100 * np.mean(right))
    areas = []
    for attribute in sorted({q.attributes for q in questions if q.question_type == "single-verify"}):
        places = [
            n for n, q in enumerate(questions) if q.question_type == "single-verify" and q.attributes == attribute
        ]
        yes = np.array([questions[n].answer == ("yes",) for n in places])
        if yes.any() and not yes.all():
            areas.append(roc_area(scores[places], yes))
    assert found.get("roc-area-macro", -1) == pytest.approx(np.mean(areas) if areas else -1)
    # The weights that are kept are those of the best measurement, the first of equal ones.
    measured = {point["step"]: point["score"] for point in report.validation}
    assert measured[report.kept_step] == max(measured.values())
    assert found["accuracy"] == pytest.approx(max(measured.values()))


def report_with(rate: float, score: float) -> dict[str, Any]:
    """As the report of a training at a rate that ended with a score."""
    points = [{"step": step, "seconds": 1.0, "loss": 1.0, "samples_seen": 8, "score": score} for step in (0, 2)]
    fields = dict.fromkeys(("seconds", "seconds_per_step", "distinct_records", "positions", "padded_positions"), 0)
    report = TrainingReport(
        description="",
        settings={"learning_rate": rate},
        steps=2,
        samples_seen=8,
        losses=[1.0, 1.0],
        learning_rates=[rate, rate],
        parameters_trained=1,
        parameters_total=1,
        device="cpu",
        precision="no",
        processes=1,
        truncation=None,
        resumed_from_step=0,
        validation=points,
        kept_step=2,
        **fields,  # type: ignore[arg-type]
    )
    return {"report": json.loads(json.dumps(report.to_dict()))}


def test_the_rate_with_the_best_score_is_taken_and_what_broke_off_is_told() -> None:
    chosen = rates.choose_rate(
        {0.001: report_with(0.001, 50.0), 0.002: report_with(0.002, 60.0), 0.1: {"report": None, "reason": "NaN"}}
    )
    assert chosen["learning_rate"] == 0.002
    assert chosen["trials"] == [[0.001, 1.0, 50.0, 2], [0.002, 1.0, 60.0, 2], [0.1, None, None, None]]


def test_one_trial_a_rate_serves_all_seeds_of_a_method(study: Study) -> None:
    first, second = (MethodRun(study, METHODS["text-only"], seed) for seed in (0, 1))
    names = [task.step.name for task in first.tasks(timed=False)]
    assert [name for name in names if name.startswith(("trial", "rates", "train"))] == [
        "trial-text-only-0.003",
        "trial-text-only-0.01",
        "rates-text-only",
        "train-text-only-0",
    ]
    assert {rate: task.step for rate, task in first.trial_tasks.items()} == {
        rate: task.step for rate, task in second.trial_tasks.items()
    }
    for run in (first, second):
        for task in run.tasks(timed=False):
            study.work.run(task)
        taken = first.rates_task
        assert taken is not None
        assert run.train_task.step.details["report"]["settings"]["learning_rate"] == taken.step.details["learning_rate"]
        assert run.train_task.step.details["report"]["settings"]["epochs"] == 2
    assert all(task.step.details["report"]["settings"]["epochs"] == 1 for task in first.trial_tasks.values())


def test_a_trial_as_long_as_the_training_is_not_trained_again(study: Study) -> None:
    profile = change_settings(study.profile, "training.trial_epochs=0")
    run = MethodRun(Study(profile, study.work, {}), METHODS["text-only"], 0)
    for task in run.tasks(timed=False):
        study.work.run(task)
    assert run.rates_task is not None
    won = run.trial_tasks[run.rates_task.step.details["learning_rate"]].step.details["report"]
    taken = run.train_task.step.details["report"]
    assert (taken["losses"], taken["seconds"]) == (won["losses"], won["seconds"])


def test_the_published_recipe_tries_no_rates_and_takes_its_last_weights(study: Study) -> None:
    run = MethodRun(study, METHODS["ecg-byte-as-published"], 0)
    assert run.trial_tasks == {} and run.rates_task is None
