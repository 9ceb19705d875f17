"""One run of a profile, step by step: records, questions, tokens, models, answers, rows."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ecgbyte.data.audit import SplitAudit, audit_splits
from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.controls import INPUTS, other_patient_records
from ecgbyte.data.questions import Question
from ecgbyte.files import fingerprint
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments import learning, tokenizing
from experiments.answers import Answers, answer_questions, open_answers
from experiments.inputs import ECGView, assign_segments, make_examples
from experiments.measure import RowMaker, versions
from experiments.prepare import SPLITS, Segments, ask_questions, choose_entries, open_records, write_segments
from experiments.profile import Profile
from experiments.results_rows import ResultRow, compact_json
from experiments.work import Step, WorkFolder, code_fingerprint

_STAGE = {"ecg-byte": "end-to-end", "merl": "stage-2", "text-only": "end-to-end"}


@dataclass
class Outcome:
    """What a run leaves for the tables, the figures and the report."""

    rows: list[ResultRow]
    audit: SplitAudit
    answers: dict[str, dict[str, Answers]]
    questions: list[Question]
    losses: list[dict[str, Any]]
    tokenizer: ECGTokenizer
    segments: Segments
    rejected: Path
    example_record: str
    details: dict[str, Any]
    failed: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Prepared:
    splits: dict[str, tuple[RecordEntry, ...]]
    patients: dict[str, str]
    questions: dict[str, list[Question]]
    audit: SplitAudit
    segments: Segments
    step: Step
    data_fingerprint: str


def run_profile(profile: Profile, work_folder: Path, root: Path | None) -> Outcome:
    """Run every step that is not done yet and gather the rows.

    Parameters
    ----------
    profile : Profile
        What to do.
    work_folder : Path
        Where finished steps are kept; an interrupted run goes on from there.
    root : Path or None
        The data set's folder, where the profile reads one.
    """
    torch.set_num_threads(os.cpu_count() or 1)
    environment, code = versions(), code_fingerprint()
    work = WorkFolder(work_folder, fingerprint(code, environment))
    prepared = _prepare(profile, work, root)
    train_ids = [entry.record_id for entry in prepared.splits["train"]]
    tokenizer_step = work.run(
        "tokenizer",
        {**dataclasses.asdict(profile.tokenizer), "records": len(train_ids)},
        (prepared.step,),
        lambda folder: tokenizing.train_tokenizer(
            folder, prepared.segments, train_ids, profile.tokenizer, prepared.step.details["preprocessing"]
        ),
    )
    tokenizer = ECGTokenizer.load(tokenizer_step.folder / "tokenizer.json")
    views, view_steps = _views(profile, work, prepared, tokenizer_step, tokenizer)

    maker = RowMaker(
        profile,
        {
            "profile": profile.name,
            "seed": profile.seed,
            "scale": profile.scale,
            "configuration": compact_json(profile.settings()),
            "configuration_fingerprint": profile.fingerprint(),
            "dataset": profile.data.dataset,
            "versions": environment,
            "device": "cuda" if torch.cuda.is_available() else "cpu",
            "code_version": code,
            "data_fingerprint": prepared.data_fingerprint,
            "tokenizer_fingerprint": tokenizer.fingerprint,
        },
    )
    test_ids = [entry.record_id for entry in prepared.splits["test"]]
    rows = _tokenizer_rows(maker, work, prepared, tokenizer, views["ecg-byte"], test_ids, view_steps["ecg-byte"])
    answers, losses, details = {}, [], {"tokenizer": tokenizer_step.details, "data": prepared.step.details}
    num_records = len(train_ids)
    tokenizing_seconds = tokenizer_step.details["seconds"] + view_steps["ecg-byte"].details["seconds"]
    rows += maker.preparation("ecg-byte", "tokenizer", tokenizing_seconds, num_records)
    earlier_seconds = {"ecg-byte": tokenizing_seconds}
    if "merl" in profile.methods:
        stage_1, features = view_steps["merl-stage-1"].details, view_steps["merl"].details
        rows += maker.cost("merl", "stage-1", stage_1["report"], "")
        rows += maker.preparation("merl", "features", features["extraction_seconds"], num_records)
        earlier_seconds["merl"] = stage_1["report"]["seconds"] + features["extraction_seconds"]
        losses.append({"method": "merl", "stage": "stage-1", "losses": stage_1["report"]["losses"]})
        details["merl-stage-1"] = {key: stage_1[key] for key in ("retrieval_before", "retrieval_after")}
    # Questions apart and not padded is what training itself does, unless questions share their segment.
    padding = "shared" if profile.training.questions_per_segment > 1 else "none"
    for method in profile.methods:
        result = _run_method(method, profile, work, prepared, tokenizer, views.get(method), view_steps[method])
        answers[method] = result["answers"]
        losses.append({"method": method, "stage": _STAGE[method], "losses": result["report"]["losses"]})
        details[method] = result["details"]
        train_seconds = earlier_seconds.get(method, 0.0) + result["report"]["seconds"]
        seconds = (train_seconds, result["answer_seconds"])
        rows += maker.language(method, result["answers"], prepared.questions["test"], prepared.patients, seconds)
        rows += maker.ranking(method, result["answers"], prepared.questions["test"], prepared.patients)
        rows += maker.truncation(method, result["details"]["test_truncation"])
        rows += maker.cost(method, _STAGE[method], result["report"], padding)
        for name, timed in result["timed_steps"].items():
            if name != padding:
                rows += maker.timed_cost(method, _STAGE[method], name, timed)
    return Outcome(
        rows,
        prepared.audit,
        answers,
        prepared.questions["test"],
        losses,
        tokenizer,
        prepared.segments,
        prepared.step.folder / "rejected.csv",
        test_ids[0],
        details,
    )


def _prepare(profile: Profile, work: WorkFolder, root: Path | None) -> _Prepared:
    records = open_records(profile.data, profile.seed, root)
    splits = choose_entries(records, profile.data, profile.seed)
    entries = [entry for name in SPLITS for entry in splits[name]]
    step = work.run(
        "segments",
        {**dataclasses.asdict(profile.data), "records": records.fingerprint, "seed": profile.seed},
        (),
        lambda folder: write_segments(folder, records, entries, profile.data),
    )
    segments = Segments.open(step.folder)
    splits = {
        name: tuple(entry for entry in chosen if entry.record_id in segments.rows) for name, chosen in splits.items()
    }
    questions = ask_questions(splits, profile)
    audit = audit_splits(splits, questions)
    audit.raise_if_leaking()
    patients = {entry.record_id: entry.patient_id for chosen in splits.values() for entry in chosen}
    return _Prepared(splits, patients, questions, audit, segments, step, records.fingerprint)


def _views(
    profile: Profile, work: WorkFolder, prepared: _Prepared, tokenizer_step: Step, tokenizer: ECGTokenizer
) -> tuple[dict[str, ECGView], dict[str, Step]]:
    """What every method sees of the segments, and the steps that made it."""
    segments = prepared.segments
    tokens = work.run(
        "tokens", {}, (tokenizer_step,), lambda folder: tokenizing.encode_segments(folder, tokenizer, segments)
    )
    views = {"ecg-byte": tokenizing.open_tokens(tokens.folder, segments)}
    steps = {"ecg-byte": tokens, "text-only": tokens}
    if "merl" in profile.methods:
        stage_1 = work.run(
            "merl-stage-1",
            {**dataclasses.asdict(profile.merl), "seed": profile.seed},
            (prepared.step,),
            lambda folder: learning.train_merl(
                folder, segments, prepared.splits["train"], prepared.splits["validation"], profile.merl, profile.seed
            ),
        )
        features = work.run(
            "merl-features", {}, (stage_1,), lambda folder: learning.merl_view(folder, stage_1.folder, segments)
        )
        views["merl"] = learning.open_features(features.folder, segments)
        steps |= {"merl-stage-1": stage_1, "merl": features}
    return views, steps


def _run_method(
    method: str,
    profile: Profile,
    work: WorkFolder,
    prepared: _Prepared,
    tokenizer: ECGTokenizer,
    view: ECGView | None,
    view_step: Step,
) -> dict[str, Any]:
    """Train a method, answer the test questions under every input, and time its steps."""
    others = other_patient_records(
        [entry.record_id for entry in prepared.splits["test"]], prepared.patients, seed=profile.seed
    )

    def examples(split: str, shown: str) -> list[Any]:
        questions = prepared.questions[split]
        together = profile.training.questions_per_segment if split == "train" else 1
        segments = assign_segments(questions, profile.data.segments_per_record, together)
        return make_examples(questions, prepared.patients, view, shown=shown, segments=segments, others=others)

    # The first is what the method is trained on; the others are its controls.
    inputs = ("text-only",) if view is None else INPUTS
    train_examples = examples("train", inputs[0])
    settings = {
        "method": method,
        "seed": profile.seed,
        **{name: dataclasses.asdict(getattr(profile, name)) for name in ("questions", "model", "training")},
        "answer_room": profile.evaluation.max_new_tokens,
    }

    def train(folder: Path) -> dict[str, Any]:
        learner, report = learning.train_learner(folder, method, profile, train_examples, tokenizer)
        return {"report": report.to_dict(), "trained_parameters": learner.model.trained_parameters()}

    trained = work.run(f"train-{method}", settings, (view_step,), train)

    def answer(folder: Path) -> dict[str, Any]:
        learner, _ = learning.train_learner(trained.folder, method, profile, train_examples, tokenizer)
        asked = {shown: examples("test", shown) for shown in inputs}
        return answer_questions(folder, learner, asked, prepared.questions["test"], profile.evaluation, method)

    answered = work.run(f"answers-{method}", dataclasses.asdict(profile.evaluation), (trained,), answer)
    timed = work.run(
        f"speed-{method}",
        dataclasses.asdict(profile.evaluation),
        (trained,),
        lambda _: {"timed_steps": learning.time_steps(method, profile, train_examples, tokenizer)},
    )
    return {
        "answers": {name: open_answers(answered.folder, name) for name in inputs},
        "report": trained.details["report"],
        "answer_seconds": answered.details["seconds"],
        "timed_steps": timed.details["timed_steps"],
        "details": {
            "trained_parameters": trained.details["trained_parameters"],
            "train_truncation": trained.details["report"]["truncation"],
            "test_truncation": answered.details["truncation"],
        },
    }


def _tokenizer_rows(
    maker: RowMaker,
    work: WorkFolder,
    prepared: _Prepared,
    tokenizer: ECGTokenizer,
    view: ECGView,
    record_ids: list[str],
    tokens: Step,
) -> list[ResultRow]:
    measured = work.run(
        "tokenizer-measures",
        {"records": len(record_ids)},
        (tokens,),
        lambda _: tokenizing.measure_tokenizer(tokenizer, prepared.segments, view, record_ids),
    )
    measures = {name: value for name, value in measured.details.items() if name != "seconds"}
    return maker.tokenizer(measures, len(record_ids) * prepared.segments.signals.shape[1])
