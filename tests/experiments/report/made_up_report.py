"""The report of a made-up run with questions, answers, ECGs and curves, for tests of its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.training.generation_file import Generation
from experiments.figures.catalogue import draw_figures, find_figure
from experiments.figures.data import FigureData
from experiments.profiles.methods import METHODS
from experiments.report.answer_files import write_answer_files
from experiments.report.asked import read_asked
from experiments.report.content import Answer, FailedRun, ReportContent
from experiments.report.ecg_file import read_ecgs, write_ecgs
from experiments.report.report import Report, ShownFigure
from experiments.rows.losses import Curve
from experiments.steps.answers import Answers
from experiments.steps.segments import Segments
from experiments.tables.catalogue import make_tables
from experiments.verdicts.catalogue import make_verdicts
from tests.experiments.made_up_rows import SEEDS, made_up_rows

RATE, SAMPLES = 250.0, 500
KINDS = ("single-verify", "single-choose", "single-query")
REFERENCES = {
    "single-verify": ("yes",),
    "single-choose": ("normal axis",),
    "single-query": ("LVH", "left axis deviation"),
}
CONTENT = ReportContent(
    note="A run & nothing <else>.",
    audit="patients in two splits: 0",
    deviations=("Less than <published>.",),
    failed=(FailedRun("vit, seed 2", "RuntimeError: <lost>"),),
    answers={"merl": (Answer("Is <b>this</b> normal?", "yes", "", "00017"),)},
)


def questions(number: int = 30) -> list[Question]:
    """Questions of three kinds in turn, two a record."""
    return [
        Question(
            sample_id=f"s{place}",
            template_id="t",
            question_type=(kind := KINDS[place % 3]),
            attribute_type="rhythm",
            question=f"Question {place} about <i>{kind}</i>?",
            answer=REFERENCES[kind],
            record_ids=(f"r{place // 2}",),
            attributes=(),
            source="generated",
        )
        for place in range(number)
    ]


def segments(number: int = 15) -> Segments:
    """ECGs with one beat whose height tells the record."""
    signals = np.zeros((number, 1, 12, SAMPLES), dtype=np.float32)
    for record in range(number):
        signals[record, 0, :, 200:220] = 0.1 * (1 + record)
    return Segments(signals, {f"r{record}": record for record in range(number)}, RATE)


def is_right(method: str, seed: int, place: int) -> bool:
    """Which answers of the made-up run are right: ``ecg-byte`` at even places, ``merl`` but for every fifth."""
    if method == "ecg-byte":
        return place % 2 == 0
    if method == "merl":
        return place % 5 != 0
    return (place + seed) % 3 == 0


def answers(method: str, asked: list[Question]) -> dict[int, dict[str, Answers]]:
    """What a method said in every run."""
    shown = "ecg" if METHODS[method].sees_ecg else "text-only"
    runs: dict[int, dict[str, Answers]] = {}
    for seed in SEEDS:
        said = [
            Generation(
                *(q.sample_id, q.record_id, "p", q.question, q.reference),
                # The order of findings and capitals are no error.
                ", ".join(q.answer[::-1]).upper() if is_right(method, seed, place) else f"<b>wrong {seed}</b>",
            )
            for place, q in enumerate(asked)
        ]
        runs[seed] = {shown: Answers(said, {})}
    return runs


def curves(methods: tuple[str, ...] = ("ecg-byte", "merl", "text-only")) -> list[Curve]:
    """Validation as [step, seconds, loss, accuracy, ROC area, epochs]."""
    made = []
    for method in methods:
        for seed in SEEDS:
            points = [[10 * k, k, 2 / (1 + k), 30 + 5 * k + seed, 0.5 + 0.04 * k, k] for k in range(9)]
            made.append(Curve(method, METHODS[method].stage, seed, np.ones(80), np.array(points, dtype=np.float64)))
    return made


def made_up_report(folder: Path, **other: Any) -> Report:
    """The whole report; its answers and ECGs lie in `folder`."""
    asked, signals = questions(), segments()
    patients = {question.record_id: "p" for question in asked}
    methods = ("ecg-byte", "merl", "vit", "text-only")
    write_answer_files(folder / "answers", asked, patients, {name: answers(name, asked) for name in methods})
    write_ecgs(folder / "ecgs.json.gz", asked, signals)
    rows = other.pop("rows", None) or made_up_rows()
    drawn = draw_figures(FigureData([row for row in rows if row.table in ("ablations", "transfer")]))
    figures = [
        ShownFigure(name, png, find_figure(name).under, find_figure(name).words)
        for name, png in drawn.items()
        if png is not None
    ]
    parts: dict[str, Any] = {"content": CONTENT, "figures": figures, "curves": curves()}
    parts |= {"asked": read_asked(folder / "answers"), "ecgs": read_ecgs(folder / "ecgs.json.gz")}
    return Report(rows=rows, verdicts=make_verdicts(rows), tables=make_tables(rows), **(parts | other))
