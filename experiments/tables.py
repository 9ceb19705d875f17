"""The tables: each a pure function of the rows of ``runs.csv``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.efficiency import efficiency
from experiments.published import PublishedNumber, read_published_numbers
from experiments.results_rows import INPUTS, METRICS, ResultRow, check_rows
from experiments.row_groups import groups, place, scale_notes, without_empty
from experiments.table_rendering import Cell, Estimate, Table, quoted_to_csv, to_csv, to_markdown

_QUALITY_METRICS = ("bleu-4", "rouge-1", "rouge-2", "rouge-l", "accuracy", "empty-answers", "truncated-inputs")
_CONTROL_METRICS = ("accuracy", "bleu-4", "roc-area-macro")
_TOKENIZER_METRICS = (
    "vocabulary-size",
    "compression",
    "tokens-per-record",
    "bits-per-sample-bound",
    "bits-per-sample-entropy",
    "reconstruction-rmse",
    "reconstruction-prd",
)
_INTERVAL_NOTE = (
    "In brackets: 95 % interval, bootstrap over patients; it does not contain the spread over training seeds."
)


def language_quality(rows: Iterable[ResultRow], quoted: Sequence[PublishedNumber] = ()) -> Table:
    """Each method's answers when it gets what it was trained on (the ECG; nothing for a text-only method)."""
    rows = [row for row in rows if row.table == "language-quality"]
    lines = []
    for _, group in groups(_at_own_input(rows), "dataset", "split", "subset", "seed", "method"):
        lines.append(
            {
                **place(group[0]),
                "method": group[0].method,
                "input": group[0].input,
                **_measures(group, _QUALITY_METRICS),
            }
        )
    notes = (
        _INTERVAL_NOTE,
        "BLEU-4, of the corpus, is 0 where no answer has four words; ROUGE-2 is 0 for answers of one word.",
        *scale_notes(rows),
    )
    return Table("language-quality", "Language quality", without_empty(lines), notes, tuple(quoted))


def controls(rows: Iterable[ResultRow], quoted: Sequence[PublishedNumber] = ()) -> Table:
    """The same trained models with something else in place of the ECG, and what the ECG adds."""
    wanted = {*_CONTROL_METRICS, *(f"{name}-difference" for name in _CONTROL_METRICS)}
    rows = [row for row in rows if row.table in ("language-quality", "roc-areas", "controls") and row.metric in wanted]
    lines = []
    for _, group in groups(rows, "dataset", "split", "subset", "seed", "method", "input"):
        found = {row.metric: row for row in group}
        line: dict[str, Cell] = {**place(group[0]), "method": group[0].method, "input": group[0].input}
        line["n"] = max(row.n for row in group)
        for name in _CONTROL_METRICS:
            line[METRICS[name].label] = Estimate.of(found.get(name))
            line[f"{METRICS[name].label}, ECG minus this"] = Estimate.of(found.get(f"{name}-difference"))
        lines.append({**line, "scale": group[0].scale})
    notes = (
        _INTERVAL_NOTE,
        "Differences are paired: the same questions, the same resampled patients. ROC area 0.5 is chance.",
        "A difference whose interval holds 0 is no evidence that the model uses the ECG.",
        *scale_notes(rows),
    )
    return Table(
        "controls",
        "Controls: another patient's ECG, a flat line, text alone",
        without_empty(lines),
        notes,
        tuple(quoted),
    )


def roc_areas(rows: Iterable[ResultRow]) -> Table:
    """Area under the ROC curve of yes/no questions per attribute and method, one column an input."""
    rows = [row for row in rows if row.metric in ("roc-area", "roc-area-macro") and row.table == "roc-areas"]
    inputs = [name for name in INPUTS if any(row.input == name for row in rows)]
    lines = []
    for _, group in groups(rows, "dataset", "split", "seed", "method", "metric", "subset"):
        first = group[0]
        attribute = "mean over attributes" if first.metric == "roc-area-macro" else first.subset
        found = {row.input: row for row in group}
        start = {key: cell for key, cell in place(first).items() if key != "subset"}
        line: dict[str, Cell] = {**start, "method": first.method, "attribute": attribute}
        line["n"] = max(row.n for row in group)
        lines.append({**line, **{name: Estimate.of(found.get(name)) for name in inputs}, "scale": first.scale})
    notes = (_INTERVAL_NOTE, "0.5 is chance. An attribute with one answer only has no area.", *scale_notes(rows))
    return Table("roc-areas", "ROC areas of yes/no questions, by attribute", without_empty(lines), notes)


def tokenizer(rows: Iterable[ResultRow]) -> Table:
    """Compression, bits per sample and reconstruction error."""
    rows = [row for row in rows if row.table == "tokenizer"]
    lines = []
    for _, group in groups(rows, "dataset", "split", "subset", "seed", "method"):
        lines.append({**place(group[0]), "method": group[0].method, **_measures(group, _TOKENIZER_METRICS)})
    notes = (
        "Bits per sample, at most: log2(vocabulary size) bits a token. Unigram entropy: what its frequency allows.",
        *scale_notes(rows),
    )
    return Table("tokenizer", "Tokenizer", without_empty(lines), notes)


def make_tables(rows: Iterable[ResultRow], published: Sequence[PublishedNumber] | None = None) -> list[Table]:
    """All tables of a file of rows; `published` defaults to the numbers that come with the project.

    Raises
    ------
    ValueError
        If the rows do not go together (see `experiments.results_rows.check_rows`).
    """
    rows = check_rows(rows)
    numbers = read_published_numbers() if published is None else list(published)

    def quoted(name: str) -> list[PublishedNumber]:
        return [number for number in numbers if number.table == name]

    return [
        language_quality(rows, quoted("language-quality")),
        controls(rows, quoted("controls")),
        roc_areas(rows),
        efficiency(rows, quoted("efficiency")),
        tokenizer(rows),
    ]


def write_tables(rows: Iterable[ResultRow], folder: str | os.PathLike[str], audit_text: str) -> list[Table]:
    """Write each table as ``NAME.csv`` and ``NAME.md`` (quoted numbers as ``NAME-quoted.csv``) and return the tables.

    Parameters
    ----------
    rows : iterable of ResultRow
        The content of ``runs.csv``.
    folder : path-like
        Made if it is not there.
    audit_text : str
        The audit of the splits, printed with every table.

    Raises
    ------
    ValueError
        If the rows do not go together, or there is no audit.
    """
    if not audit_text.strip():
        raise ValueError("audit_text: got an empty text; no table goes out without the audit of its splits")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = make_tables(rows)
    for table in tables:
        write_atomically(folder / f"{table.name}.csv", to_csv(table))
        write_atomically(folder / f"{table.name}.md", to_markdown(table, audit_text))
        if table.quoted:
            write_atomically(folder / f"{table.name}-quoted.csv", quoted_to_csv(table))
    return tables


def _at_own_input(rows: Sequence[ResultRow]) -> list[ResultRow]:
    own: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: INPUTS.index(row.input)):
        own.setdefault(row.method, row.input)
    return [row for row in rows if row.input == own[row.method]]


def _measures(group: Sequence[ResultRow], metrics: Sequence[str]) -> dict[str, Cell]:
    found = {row.metric: row for row in group}
    cells: dict[str, Cell] = {"n": max(row.n for row in group)}
    cells |= {METRICS[name].label: Estimate.of(found.get(name)) for name in metrics}
    return {**cells, "scale": group[0].scale}
