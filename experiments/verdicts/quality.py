"""Verdicts on claims about answers: language quality, use of the ECG, pretraining, matching rule."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.profiles.methods import FROM_SCRATCH, METHODS
from experiments.rows.estimates import Estimate, cell_text
from experiments.rows.groups import BALANCED
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.verdicts.parts import (
    DEPENDS,
    FAILS,
    MARGIN,
    Finding,
    Verdict,
    above,
    adds,
    all_of,
    best_of,
    datasets,
    decide,
    difference,
    in_points,
    measured,
    methods_of,
    named,
    quality,
    within,
)

PAPER = "Han et al., arXiv:2412.14373"
_JUDGED = ("accuracy", "bleu-4")
_BALANCED_QUESTIONS = "questions chosen so that their text gives nothing away"
_CONTROLS = {
    "other-patient": "with another patient's ECG in its place",
    "flat-line": "with a flat line in its place",
    "noise": "with noise in its place",
    "text-only": "without any",
    "shuffled-leads": "when its leads are shuffled",
}


def competitive(rows: Sequence[ResultRow], kind: str = "two-stage") -> Verdict:
    """End-to-end training answers as well as the best method of a family, less a margin."""
    known, findings = datasets(rows), []
    for dataset in known:
        best = best_of(rows, dataset, kind)
        parts = []
        for metric in _JUDGED if best is not None else ():
            compared = difference(rows, dataset, "ecg-byte", str(best), metric)
            own, other = (quality(rows, dataset, method, metric) for method in ("ecg-byte", str(best)))
            if compared is not None and own is not None and other is not None:
                text = (
                    f"{METRICS[metric].label} {cell_text(own)} against {cell_text(other)} of {best}, the best of them "
                    f"here: {in_points(compared[0])} points ({compared[1]})"
                )
                parts.append(Finding(above(compared[0], -MARGIN), text))
        if parts:
            findings.append(named(dataset, known, all_of(parts)))
    faults = " that keep the faults of the published code" if kind == "as published" else ""
    return decide(
        f"End-to-end ECG-Byte answers about as well as two-stage methods{faults}.",
        PAPER,
        "abstract",
        findings,
        f"Holds where the interval of the difference lies above -{MARGIN:g} points, the margin declared beforehand, in "
        "accuracy and in BLEU-4; does not where it lies below in either. The best of several methods is chosen on the "
        "same questions, which favours it a little.",
        "ecg-byte and such a method were not both run.",
    )


def competitive_as_published(rows: Sequence[ResultRow]) -> Verdict:
    """The same against methods that keep the faults of the published code."""
    return competitive(rows, "as published")


def uses_ecg(rows: Sequence[ResultRow]) -> list[Verdict]:
    """One verdict a control: end-to-end models answer worse when it stands in the place of the ECG."""
    return [_uses_ecg(rows, control, words) for control, words in _CONTROLS.items()]


def _uses_ecg(rows: Sequence[ResultRow], control: str, words: str) -> Verdict:
    known, findings = datasets(rows), []
    controls = [row for row in rows if row.table == "controls" and row.metric == "accuracy-difference"]
    for dataset in known:
        blind = quality(rows, dataset, "text-only", "accuracy")
        for method in methods_of(controls, "end to end"):
            place = {"dataset": dataset, "method": method, "input": control}
            added = measured(controls, **place, subset="all")
            if added is None:
                continue
            verdict, text = adds(added), f"{method}: the ECG adds {in_points(added)} points of accuracy"
            balanced = measured(controls, **place, subset=BALANCED)
            if balanced is not None:
                text += f" ({in_points(balanced)} on {_BALANCED_QUESTIONS})"
            broken = _breaks(rows, blind, **place)
            findings.append(named(dataset, known, Finding(DEPENDS if broken else verdict, text + broken)))
    return decide(
        f"End-to-end models use the ECG: they answer worse {words}.",
        PAPER,
        "implied; the paper shows no such control",
        findings,
        "Holds where the interval of the paired difference lies above 0; does not where it holds 0 and stays below "
        f"{MARGIN:g} points; undecided between, and where the model then answers worse than one that never saw an ECG, "
        f"by {MARGIN:g} points and the whole interval: an input unlike any in training breaks it, whatever it reads.",
        f"No model was tested with the control `{control}`.",
    )


def _breaks(rows: Sequence[ResultRow], blind: Estimate | None, **place: str) -> str:
    """What to say where a control makes a model worse than one that never saw an ECG; empty where it does not."""
    answers = [row for row in rows if row.table == "language-quality"]
    shown = measured(answers, **place, metric="accuracy", subset="all")
    if shown is None or blind is None or above(shown, blind.value - MARGIN) != FAILS:
        return ""
    return f", but its {cell_text(shown)} % then are below the {cell_text(blind)} % of text-only: this input breaks it"


def better_than_text(rows: Sequence[ResultRow]) -> Verdict:
    """End-to-end training with the ECG beats the same language model trained on the questions alone."""
    known, findings = datasets(rows), []
    for dataset in known:
        for subset in ("all", BALANCED):
            compared = difference(rows, dataset, "ecg-byte", "text-only", "accuracy", subset)
            if compared is None:
                continue
            asked = "all questions" if subset == "all" else _BALANCED_QUESTIONS
            text = f"{in_points(compared[0])} points of accuracy on {asked} ({compared[1]})"
            findings.append(named(dataset, known, Finding(adds(compared[0]), text)))
    return decide(
        "ECG-Byte answers better than the same language model trained on the questions alone.",
        "arXiv:2601.18798 found the contrary (37.1 % trained on text alone, 30.6 % with the ECG)",
        "chart in the README of willxxy/ECG-Bench",
        findings,
        "Holds where the interval of the difference lies above 0; does not where it holds 0 and stays below "
        f"{MARGIN:g} points; undecided between.",
        "ecg-byte and text-only were not both run.",
    )


def pretraining_helps(rows: Sequence[ResultRow]) -> Verdict:
    """An encoder pretrained and then frozen does better than the same one trained with the language model."""
    known, findings = datasets(rows), []
    for dataset in known:
        for encoder in (name for name in METHODS if name + FROM_SCRATCH in METHODS):
            compared = difference(rows, dataset, encoder, encoder + FROM_SCRATCH, "accuracy")
            if compared is not None:
                text = f"{encoder}: {in_points(compared[0])} points of accuracy over from scratch ({compared[1]})"
                findings.append(named(dataset, known, Finding(adds(compared[0]), text)))
    return decide(
        "Pretraining the ECG encoder helps two-stage methods.",
        "the design of two-stage methods, with which the paper compares",
        "stage 1",
        findings,
        "Pretrained and then frozen, against the same encoder trained together with the language model. Holds where "
        "the interval of the difference lies above 0; does not where it holds 0 and stays below "
        f"{MARGIN:g} points; undecided between.",
        "No encoder was run both pretrained and from scratch.",
    )


def matching_rules_agree(rows: Sequence[ResultRow]) -> Verdict:
    """Longest match, as published, answers as well as merging in order, which is what BPE means."""
    known, findings = datasets(rows), []
    for dataset in known:
        parts = []
        for metric in _JUDGED:
            compared = difference(rows, dataset, "ecg-byte", "ecg-byte-merge-order", metric)
            if compared is not None:
                text = f"{METRICS[metric].label}: {in_points(compared[0])} points ({compared[1]})"
                parts.append(Finding(within(compared[0], MARGIN), text))
        if parts:
            findings.append(named(dataset, known, all_of(parts)))
    own = [row for row in rows if row.table == "tokenizer" and not row.variant and not row.trained_on]
    compression = [row for row in own if row.metric == "compression"]
    one, other = (measured(compression, method=method) for method in ("ecg-byte", "ecg-byte-merge-order"))
    note = (
        f"Holds where the interval lies within {MARGIN:g} points either way, does not where it lies beyond, undecided "
        "between."
    )
    if one is not None and other is not None:
        note = f"Symbols per token: {cell_text(one)} longest match, {cell_text(other)} merge order. {note}"
    return decide(
        "Greedy longest match, which the published code uses, serves as well as merging in the order learnt.",
        f"{PAPER}, and its code",
        "encoding is called byte-pair encoding, and is not",
        findings,
        note,
        "The two were not both run.",
    )
