"""Verdicts on claims about answers: language quality, use of the ECG, pretraining, matching rule."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.methods import ENCODERS, FROM_SCRATCH
from experiments.results_rows import METRICS, ResultRow
from experiments.row_groups import NEEDED
from experiments.table_rendering import cell_text
from experiments.verdict_parts import (
    DEPENDS,
    FAILS,
    HOLDS,
    MARGIN,
    Finding,
    Verdict,
    above,
    best_two_stage,
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
_CONTROLS = {
    "other-patient": "another patient's ECG",
    "flat-line": "a flat line",
    "noise": "noise",
    "text-only": "no ECG at all",
    "shuffled-leads": "its leads shuffled",
}


def competitive(rows: Sequence[ResultRow]) -> Verdict:
    """End-to-end training answers as well as the best two-stage method, less a margin."""
    known, findings = datasets(rows), []
    for dataset in known:
        best = best_two_stage(rows, dataset)
        for metric in _JUDGED if best is not None else ():
            compared = difference(rows, dataset, "ecg-byte", str(best), metric)
            if compared is None:
                continue
            own, other = (quality(rows, dataset, method, metric) for method in ("ecg-byte", str(best)))
            text = (
                f"{METRICS[metric].label} {cell_text(own)} against {cell_text(other)} of {best}, the best two-stage "
                f"method here: {in_points(compared[0])} points ({compared[1]})"
            )
            findings.append(named(dataset, known, Finding(above(compared[0], -MARGIN), text)))
    return decide(
        "End-to-end ECG-Byte answers about as well as two-stage methods.",
        PAPER,
        "abstract",
        findings,
        f"Holds where the interval of the difference lies above -{MARGIN:g} points, the margin declared beforehand; does "
        "not where it lies below; accuracy and BLEU-4 both count. The best of several methods is chosen by the same "
        "test, which favours it a little.",
        "ecg-byte and a two-stage method were not both run.",
    )


def uses_ecg(rows: Sequence[ResultRow]) -> list[Verdict]:
    """One verdict a control: end-to-end models answer worse when it stands in the place of the ECG."""
    return [_uses_ecg(rows, control, words) for control, words in _CONTROLS.items()]


def _uses_ecg(rows: Sequence[ResultRow], control: str, words: str) -> Verdict:
    known, findings = datasets(rows), []
    controls = [row for row in rows if row.table == "controls" and row.metric == "accuracy-difference"]
    for dataset in known:
        for method in methods_of(controls, "end to end"):
            place = {"dataset": dataset, "method": method, "input": control}
            added = measured(controls, **place, subset="all")
            if added is None:
                continue
            verdict = HOLDS if above(added, 0) == HOLDS and added.value > 0 else FAILS
            if verdict == FAILS and above(added, MARGIN) != FAILS:
                verdict = DEPENDS
            text = f"{method}: the ECG adds {in_points(added)} points of accuracy"
            needed = measured(controls, **place, subset=NEEDED)
            if needed is not None:
                text += f" ({in_points(needed)} on questions that the text does not give away)"
            findings.append(named(dataset, known, Finding(verdict, text)))
    return decide(
        f"End-to-end models use the ECG: they answer worse with {words} in its place.",
        PAPER,
        "implied; the paper shows no such control",
        findings,
        "Holds where the interval of the paired difference lies above 0; does not where it holds 0 and stays below "
        f"{MARGIN:g} points; undecided between.",
        f"No model was tested with the control `{control}`.",
    )


def better_than_text(rows: Sequence[ResultRow]) -> Verdict:
    """End-to-end training with the ECG beats the same language model trained on the questions alone."""
    known, findings = datasets(rows), []
    for dataset in known:
        for subset in ("all", NEEDED):
            compared = difference(rows, dataset, "ecg-byte", "text-only", "accuracy", subset)
            if compared is None:
                continue
            asked = "all questions" if subset == "all" else "questions that the text does not give away"
            verdict = HOLDS if above(compared[0], 0) == HOLDS and compared[0].value > 0 else FAILS
            if verdict == FAILS and above(compared[0], MARGIN) != FAILS:
                verdict = DEPENDS
            text = f"{in_points(compared[0])} points of accuracy on {asked} ({compared[1]})"
            findings.append(named(dataset, known, Finding(verdict, text)))
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
        for encoder in ENCODERS:
            compared = difference(rows, dataset, encoder, encoder + FROM_SCRATCH, "accuracy")
            if compared is not None:
                verdict = above(compared[0], 0)
                verdict = verdict if verdict != HOLDS or compared[0].value > 0 else FAILS
                text = f"{encoder}: {in_points(compared[0])} points of accuracy over from scratch ({compared[1]})"
                findings.append(named(dataset, known, Finding(verdict, text)))
    return decide(
        "Pretraining the ECG encoder helps two-stage methods.",
        "the design of two-stage methods, with which the paper compares",
        "stage 1",
        findings,
        "Pretrained and then frozen, against the same encoder trained together with the language model. Holds where the "
        "interval of the difference lies above 0, does not where it lies below, undecided where it holds 0.",
        "No encoder was run both pretrained and from scratch.",
    )


def matching_rules_agree(rows: Sequence[ResultRow]) -> Verdict:
    """Longest match, as published, answers as well as merging in order, which is what BPE means."""
    known, findings = datasets(rows), []
    for dataset in known:
        for metric in _JUDGED:
            compared = difference(rows, dataset, "ecg-byte", "ecg-byte-merge-order", metric)
            if compared is not None:
                text = f"{METRICS[metric].label}: {in_points(compared[0])} points ({compared[1]})"
                findings.append(named(dataset, known, Finding(within(compared[0], MARGIN), text)))
    compression = [row for row in rows if (row.table, row.metric, row.variant) == ("tokenizer", "compression", "")]
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
