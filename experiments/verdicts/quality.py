"""Verdicts on claims about answers: as good as two stages, use of the ECG and its leads, what pretraining buys."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.rows.estimates import cell_text
from experiments.rows.groups import BALANCED, PLUS_METHOD, RANDOM, REFERENCE_METHOD
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.verdicts.parts import MARGIN, Finding, Place, Verdict, above, adds, all_of, decide, in_points, named
from experiments.verdicts.values import best_of, control, datasets, difference, methods_of, quality

PAPER = "Han et al., arXiv:2412.14373"
INTERVAL = (
    "Intervals are at 95 %: over training runs and patients by a t interval where there are several runs, over "
    "patients by the bootstrap where there is one."
)
_JUDGED = ("accuracy", "bleu-4")
_ADDS = (
    f"Holds where the whole interval is at least {MARGIN:g} points, the margin declared beforehand; does not where it "
    f"all lies below. {INTERVAL}"
)
_OTHER_CONTROLS = {"text-only": "no ECG", "flat-line": "a flat line", "noise": "noise"}


def competitive(rows: Sequence[ResultRow]) -> Verdict:
    """End-to-end training answers as well as the best two-stage method, less a margin."""
    return _as_good_as_two_stages(
        rows,
        REFERENCE_METHOD,
        "Trained in one stage on ECG tokens, a model answers as well as the best two-stage method.",
        name="Quality",
        source=f"{PAPER}, abstract",
    )


def plus_competitive(rows: Sequence[ResultRow]) -> Verdict:
    """The same of what this project adds to ECG-Byte."""
    return _as_good_as_two_stages(
        rows,
        PLUS_METHOD,
        f"With what this project adds in the same stage ({PLUS_METHOD}), it does.",
        name="Quality, our recipe",
        source="this project's own goal",
    )


def _as_good_as_two_stages(rows: Sequence[ResultRow], method: str, claim: str, *, name: str, source: str) -> Verdict:
    """Whether `method` answers as well as the best two-stage method."""
    known, findings, leans_on = datasets(rows), [], []
    for dataset in known:
        best = best_of(rows, dataset, "two-stage")
        parts = []
        for metric in _JUDGED if best is not None else ():
            compared = difference(rows, dataset, method, str(best), metric)
            own, other = (quality(rows, dataset, one, metric) for one in (method, str(best)))
            if compared is not None and own is not None and other is not None:
                text = (
                    f"{METRICS[metric].label} {cell_text(own)} against {cell_text(other)} of {best}, the best of them "
                    f"here: {in_points(compared[0])} points ({compared[1]})"
                )
                parts.append(Finding(above(compared[0], -MARGIN), text, compared[0]))
        if parts:
            findings.append(named(dataset, known, all_of(parts)))
            leans_on += [Place(dataset, method), Place(dataset, str(best))]
    return decide(
        claim,
        findings,
        f"Holds where the interval of the difference lies above -{MARGIN:g} points, the margin declared beforehand, in "
        "accuracy and in BLEU-4; does not where it lies below in either. The best of several methods is chosen on the "
        f"same questions, which favours it a little. {INTERVAL}",
        name=name,
        source=source,
        number_is=f"points of accuracy, {method} minus the best two-stage method",
        depends_on=_other_recipes(rows, known, method),
        untested=f"{method} and a two-stage method were not both run.",
        leans_on=leans_on,
    )


def _other_recipes(rows: Sequence[ResultRow], known: Sequence[str], judged: str) -> str:
    """How far the other methods of one stage, and the reader without a language model, are from the best two-stage."""
    said = []
    for dataset in known:
        best = best_of(rows, dataset, "two-stage")
        for method in methods_of(rows, "end to end", "linear reader") if best is not None else ():
            compared = None if method == judged else difference(rows, dataset, method, str(best), "accuracy")
            if compared is not None:
                said.append(f"{method} {in_points(compared[0])}")
    return "how long training goes on, and the recipe" + (f" ({'; '.join(said)})" if said else "")


def reads_the_ecg(rows: Sequence[ResultRow]) -> Verdict:
    """ECG-Byte answers worse with another patient's ECG, and better than the same model trained on questions alone."""
    known, findings, leans_on, others = datasets(rows), [], [], []
    for dataset in known:
        swapped = control(rows, dataset, REFERENCE_METHOD, "other-patient")
        if swapped is None:
            continue
        text = f"the ECG adds {in_points(swapped)} points of accuracy over another patient's"
        balanced = control(rows, dataset, REFERENCE_METHOD, "other-patient", BALANCED)
        if balanced is not None:
            text += f" ({in_points(balanced)} on questions chosen so that their text gives nothing away)"
        parts = [Finding(adds(swapped), text, swapped)]
        leans_on.append(Place(dataset, REFERENCE_METHOD))
        compared = difference(rows, dataset, REFERENCE_METHOD, "text-only", "accuracy")
        if compared is not None:
            text = f"{in_points(compared[0])} points over the same model trained on questions alone ({compared[1]})"
            parts.append(Finding(adds(compared[0]), text, compared[0]))
            leans_on.append(Place(dataset, "text-only"))
        findings.append(named(dataset, known, all_of(parts)))
        for shown, words in _OTHER_CONTROLS.items():
            found = control(rows, dataset, REFERENCE_METHOD, shown)
            if found is not None:
                others.append(f"{words} {in_points(found)}")
    return decide(
        f"{REFERENCE_METHOD} reads the ECG: with another patient's in its place it answers worse.",
        findings,
        f"{_ADDS} The same must go for the model trained on questions alone, where it was run.",
        name="Reads the ECG",
        source="implied by the paper, which shows no such control",
        number_is="points of accuracy lost with another patient's ECG",
        depends_on="what stands in the place of the ECG" + (f" ({'; '.join(others)})" if others else ""),
        untested="No answers to another patient's ECG were measured.",
        leans_on=leans_on,
    )


def reads_the_leads(rows: Sequence[ResultRow]) -> Verdict:
    """ECG-Byte answers worse when the leads of the ECG are shuffled."""
    known, findings, leans_on, others = datasets(rows), [], [], []
    for dataset in known:
        found = control(rows, dataset, REFERENCE_METHOD, "shuffled-leads")
        if found is None:
            continue
        text = f"leads in their places add {in_points(found)} points of accuracy"
        findings.append(named(dataset, known, Finding(adds(found), text, found)))
        leans_on.append(Place(dataset, REFERENCE_METHOD))
        best = best_of(rows, dataset, "two-stage")
        other = None if best is None else control(rows, dataset, best, "shuffled-leads")
        if other is not None:
            others.append(f"{best} loses {cell_text(other)}")
    return decide(
        f"{REFERENCE_METHOD} reads the leads: with its leads shuffled it answers worse.",
        findings,
        f"{_ADDS} Questions about axis and place of an infarction need to know which lead is which; others do not.",
        name="Reads the leads",
        source="implied by the paper, which shows no such control",
        number_is="points of accuracy lost with shuffled leads",
        depends_on="how many questions need to know the lead" + (f"; {'; '.join(others)}" if others else ""),
        untested="No answers to ECGs with shuffled leads were measured.",
        leans_on=leans_on,
    )


def pretraining_buys(rows: Sequence[ResultRow]) -> Verdict:
    """The best two-stage method does better than with its encoder frozen at random."""
    known, findings, leans_on, others = datasets(rows), [], [], []
    for dataset in known:
        best = best_of(rows, dataset, "two-stage")
        for method in methods_of(rows, "two-stage"):
            compared = difference(rows, dataset, method, method + RANDOM, "accuracy")
            if compared is None:
                continue
            text = f"{method}: {in_points(compared[0])} points of accuracy over {method}{RANDOM} ({compared[1]})"
            if method == best:
                findings.append(named(dataset, known, Finding(adds(compared[0]), text, compared[0])))
                leans_on += [Place(dataset, method), Place(dataset, method + RANDOM)]
            else:
                others.append(text)
    return decide(
        "Pretraining the encoder makes two-stage answers better than the same encoder frozen at random.",
        findings,
        f"{_ADDS} It is the encoder of the best two-stage method that is judged. Reports are a part of what "
        "pretraining buys: encoders trained with them (MERL, CLIP) have seen the texts that the questions were made "
        "from.",
        name="What pretraining buys",
        source="the design of two-stage methods, with which the paper compares",
        number_is="points of accuracy, pretrained minus random, both frozen",
        depends_on="whether the encoder was pretrained with reports" + (f" ({'; '.join(others)})" if others else ""),
        untested="The best two-stage method was not run with a random frozen encoder, without which this says nothing.",
        leans_on=leans_on,
    )
