"""Tables of answers measured against references: by method, by training run, in paired tests, and as ROC areas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from experiments.rows.estimates import Cell, Estimate
from experiments.rows.groups import (
    AGAINST,
    GENERATED,
    NOISE_QUESTIONS,
    PERFECT,
    SEVERAL_FINDINGS,
    at_own_input,
    family,
    groups,
    most_seeds,
)
from experiments.rows.metrics import INPUTS, METRICS
from experiments.rows.schema import ResultRow
from experiments.tables.notes import PLACE, interval_note, place, scale_notes
from experiments.tables.table import Table

Ceilings = Mapping[tuple[str, str], Mapping[str, Estimate]]
QUALITY_METRICS = (
    "accuracy",
    "finding-f1",
    "bleu-4",
    "bleu-4-sentence",
    "rouge-1",
    "rouge-2",
    "rouge-l",
    "meteor",
    "bertscore-f1",
    "empty-answers",
    "truncated-inputs",
)
COMPARED_METRICS = ("accuracy", "bleu-4", "bleu-4-sentence", "rouge-1", "rouge-2", "rouge-l", "meteor", "bertscore-f1")
_QUALITY_COLUMNS = (
    *(*PLACE, "method", "family", "input", "n"),
    *(METRICS[name].label for name in QUALITY_METRICS),
    "scale",
)
_BLEU_NOTE = (
    "BLEU-4, of the corpus, is 0 where no answer has four words, and ROUGE-2 for answers of one word. Sentence BLEU-4 "
    "is the published mean of smoothed sentences: a right answer of one word scores 17.78."
)


def language_quality(rows: Iterable[ResultRow]) -> Table:
    """Each method's answers when it gets what it was trained on; the mean over training seeds, where there is one."""
    whole = [row for row in rows if row.subset != NOISE_QUESTIONS]
    rows = most_seeds(row for row in whole if row.table == "language-quality")
    return Table.of(
        "language-quality",
        "Language quality",
        _QUALITY_COLUMNS,
        _quality_lines(rows, ceilings_of(whole)),
        (interval_note(rows), _BLEU_NOTE, *_f1_notes(rows), *_signatures(rows), *scale_notes(rows)),
        parts="subset",
    )


def noise_questions(rows: Iterable[ResultRow]) -> Table:
    """Each method's answers to ECG-QA's questions, which ask for what the segment does not hold."""
    asked = [row for row in rows if row.subset == NOISE_QUESTIONS]
    rows = most_seeds(row for row in asked if row.table == "language-quality")
    note = (
        "ECG-QA's questions about noise (static noise, baseline drift, electrodes) are of the whole record before it "
        "was denoised. A denoised segment of some seconds does not hold the answer, so they are no part of the "
        "headline."
    )
    return Table.of(
        "noise-questions",
        "Questions of ECG-QA, which a denoised segment does not answer",
        _QUALITY_COLUMNS,
        _quality_lines(rows, ceilings_of(asked)),
        (note, interval_note(rows), *scale_notes(rows)),
    )


def language_quality_by_seed(rows: Iterable[ResultRow]) -> Table:
    """The single training runs of which `language_quality` holds the mean; no lines where every method has one run."""
    whole = [row for row in rows if row.subset != NOISE_QUESTIONS]
    rows = [row for row in whole if row.table == "language-quality"]
    single = [row for row in rows if row.seeds == 1]
    if not any(row.seeds > 1 for row in rows) and len({row.seed for row in single}) < 2:
        single = []
    note = "One training run each; in brackets: 95 % interval, bootstrap over patients."
    return Table.of(
        "language-quality-by-seed",
        "Language quality of every training run",
        _QUALITY_COLUMNS,
        _quality_lines(single, ceilings_of(whole)),
        (note, *scale_notes(single)),
        parts="subset",
    )


def comparisons(rows: Iterable[ResultRow]) -> Table:
    """Paired tests between methods: the difference with its interval, p, and p after Holm's correction."""
    rows = most_seeds(row for row in rows if row.table == "comparisons")
    lines: list[dict[str, Cell]] = []
    labels = [METRICS[name].label for name in COMPARED_METRICS]
    tests = [f"{label}, {test}" for label in labels for test in ("difference", "p", "p (Holm)")]
    for _, group in groups(rows, "dataset", "split", "subset", "seed", "variant", "method", "input"):
        first, found = group[0], {row.metric: row for row in group}
        line: dict[str, Cell] = {**place(first), "method": first.method, "family": family(first.method)}
        line |= {"input": first.input, "against": first.variant.removeprefix(AGAINST) or "not stated"}
        line["n"] = max(row.n for row in group)
        for name in COMPARED_METRICS:
            label = METRICS[name].label
            line[f"{label}, difference"] = Estimate.of(found.get(f"{name}-difference"))
            line[f"{label}, p"] = Estimate.of(found.get(f"{name}-p-value"))
            line[f"{label}, p (Holm)"] = Estimate.of(found.get(f"{name}-p-holm"))
        lines.append({**line, "scale": first.scale})
    notes = (
        "Above 0: the method answers better than the one it is compared with. Paired: the same questions, the same "
        "resampled patients.",
        "Holm's correction is over the methods compared with the best two-stage one, and apart from them over the "
        "other pairs, of one data set, subset and metric.",
        interval_note(rows),
        *scale_notes(rows),
    )
    columns = (*PLACE, "method", "family", "input", "against", "n", *tests, "scale")
    return Table.of("comparisons", "Paired tests between methods", columns, lines, notes, parts="subset")


def roc_areas(rows: Iterable[ResultRow]) -> Table:
    """Area under the ROC curve of yes/no questions per attribute and method, one column an input."""
    rows = most_seeds(r for r in rows if r.metric in ("roc-area", "roc-area-macro") and r.table == "roc-areas")
    inputs = [name for name in INPUTS if any(row.input == name for row in rows)]
    told = {(row.dataset, row.subset) for row in rows if row.metric == "roc-area-macro"}
    lines = []
    for _, group in groups(rows, "metric", "subset", "dataset", "split", "seed", "method"):
        first = group[0]
        attribute = first.subset
        if first.metric == "roc-area-macro":
            of_all = first.subset == "all" and (first.dataset, GENERATED) in told
            attribute = "mean over attributes" + (", questions of ECG-QA among them" if of_all else "")
        found = {row.input: row for row in group}
        start = {key: cell for key, cell in place(first).items() if key != "subset"}
        line: dict[str, Cell] = {**start, "attribute": attribute, "method": first.method}
        line["n"] = max(row.n for row in group)
        lines.append({**line, **{name: Estimate.of(found.get(name)) for name in inputs}, "scale": first.scale})
    notes = (
        interval_note(rows),
        "0.5 is chance. An attribute with one answer only has no area.",
        *scale_notes(rows),
    )
    columns = [name for name in PLACE if name != "subset"]
    columns += ["attribute", "method", "n", *(inputs or INPUTS), "scale"]
    return Table.of(
        "roc-areas", "ROC areas of yes/no questions, by attribute", columns, lines, notes, parts="attribute"
    )


def _quality_lines(rows: Sequence[ResultRow], ceilings: Ceilings) -> list[dict[str, Cell]]:
    """One line a method and run; below those of a subset what perfect answers have."""
    lines: list[dict[str, Cell]] = []
    for _, part in groups(at_own_input(rows), "dataset", "split", "subset"):
        for _, group in groups(part, "method", "seed"):
            first, found = group[0], {row.metric: row for row in group}
            line: dict[str, Cell] = {**place(first), "method": first.method, "family": family(first.method)}
            line |= {"seeds": max(row.seeds for row in group), "input": first.input, "n": max(row.n for row in group)}
            line |= {METRICS[name].label: Estimate.of(found.get(name)) for name in QUALITY_METRICS}
            lines.append({**line, "scale": first.scale})
        first = part[0]
        best = ceilings.get((first.dataset, first.subset), {})
        if best:
            # It is of no training run, and of every one.
            line = {name: lines[-1][name] for name in ("dataset", "split", "subset", "seeds", "n", "scale")}
            line |= {"method": PERFECT, "family": "ceiling"}
            line |= {METRICS[name].label: best.get(name) for name in QUALITY_METRICS}
            lines.append(line)
    return lines


def ceilings_of(rows: Iterable[ResultRow], trained_on: str = "") -> Ceilings:
    """What perfect answers have, by data set and subset, then by metric; no intervals, since they are bounds."""
    found: dict[tuple[str, str], dict[str, Estimate]] = {}
    for row in rows:
        if row.table == "ceilings" and row.trained_on == trained_on:
            digits = METRICS[row.metric].digits
            found.setdefault((row.dataset, row.subset), {})[row.metric] = Estimate(row.value, digits=digits)
    return found


def _f1_notes(rows: Sequence[ResultRow]) -> list[str]:
    """What F1 is of, where it was measured."""
    if not any(row.metric == "finding-f1" for row in rows):
        return []
    return [
        "F1 of findings gives a part of the score to an answer that names a part of several findings; accuracy is "
        f"exact match. Subset `{SEVERAL_FINDINGS}`: questions whose reference names more than one. Perfect answers: "
        "what the references themselves have; no method can have more."
    ]


def _signatures(rows: Sequence[ResultRow]) -> list[str]:
    """How the metrics that come in variants were computed."""
    found = {row.metric: row.signature for row in rows if row.metric in ("meteor", "bertscore-f1")}
    return [f"{METRICS[name].label}: `{signature}`." for name, signature in sorted(found.items())]
