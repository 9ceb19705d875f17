"""``report.md`` of a profile: what ran, the audit, every table and figure, and answers to read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ecgbyte.files import write_atomically
from experiments.results_rows import ResultRow, check_rows
from experiments.row_groups import groups
from experiments.table_rendering import Table, markdown_lines, to_markdown

ANSWERS_SHOWN = 5
_SMALL_RUN = (
    "> **Small run.** Few records, a small model, little training. The values show that the path works and how the "
    "methods compare under equal terms here; they are not comparable with published ones."
)


class Answer(NamedTuple):
    """One generated answer beside its question and reference."""

    question: str
    reference: str
    answer: str
    record_id: str


def write_report(
    folder: str | os.PathLike[str],
    *,
    rows: Iterable[ResultRow],
    note: str,
    audit_text: str,
    tables: Sequence[Table],
    figures: Sequence[str | os.PathLike[str]],
    answers: Mapping[str, Sequence[Answer]],
    deviations: Sequence[str],
) -> Path:
    """Write ``report.md`` into a profile's folder of results.

    Parameters
    ----------
    folder : path-like
        ``results/<profile>``.
    rows : iterable of ResultRow
        The content of its ``runs.csv``.
    note : str
        What the profile is for, one sentence.
    audit_text : str
        The audit of the splits.
    tables : sequence of Table
        As `experiments.tables.write_tables` returned them.
    figures : sequence of path-like
        PNG files below `folder`, linked in this order.
    answers : mapping
        From method to answers; the first five of each are printed, so the caller decides which by a rule, not by looks.
    deviations : sequence of str
        Where the run differs from what was published.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If there are no rows, they are of several profiles or do not go together, or a figure lies elsewhere.
    """
    folder = Path(folder)
    rows = check_rows(rows)
    profiles = sorted({row.profile for row in rows})
    if len(profiles) != 1:
        raise ValueError(f"rows: got rows of {', '.join(profiles) or 'no profile'}, expected those of one profile")
    parts = [f"# Results of profile `{profiles[0]}`", "", note, ""]
    if any(row.scale == "small run" for row in rows):
        parts += [_SMALL_RUN, ""]
    parts += [
        "## What ran",
        "",
        *_what_ran(rows),
        "",
        "All values: [runs.csv](runs.csv), one row a run and metric.",
        "",
    ]
    parts += ["## Where this differs from what was published", ""]
    parts += [f"- {deviation}" for deviation in deviations] or ["- Nothing was named."]
    parts += [""]
    for table in tables:
        parts += [to_markdown(table, audit_text), f"As CSV: [{table.name}.csv](tables/{table.name}.csv)", ""]
    if figures:
        parts += ["## Figures", ""]
        for figure in figures:
            place = _below(folder, Path(figure))
            parts += [f"![{Path(place).stem.replace('-', ' ')}]({place})", ""]
    parts += _answers(answers)
    write_atomically(folder / "report.md", "\n".join(parts).rstrip("\n") + "\n")
    return folder / "report.md"


def _what_ran(rows: Sequence[ResultRow]) -> list[str]:
    header = ("method", "data set", "seed", "inputs", "largest n", "device", "configuration", "data", "tokenizer")
    lines = []
    for (method, dataset, seed), group in groups(rows, "method", "dataset", "seed"):
        measured = [row for row in group if row.table == "language-quality"]
        lines.append(
            [
                str(method),
                str(dataset),
                str(seed),
                ", ".join(str(name) for (name,), _ in groups(measured, "input")),
                str(max(row.n for row in group)),
                _distinct(row.device for row in group),
                _distinct(row.configuration_fingerprint for row in group),
                _distinct(row.data_fingerprint for row in group),
                _distinct(row.tokenizer_fingerprint for row in group),
            ]
        )
    text = markdown_lines(header, lines)
    versions = {name: version for row in rows for name, version in json.loads(row.versions).items()}
    if versions:
        text += ["", "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + "."]
    code = _distinct(row.code_version for row in rows)
    return [*text, "", f"Code: {code}."] if code else text


def _answers(answers: Mapping[str, Sequence[Answer]]) -> list[str]:
    parts: list[str] = []
    for method in sorted(answers):
        if not answers[method]:
            continue
        lines = [[a.question, a.reference, a.answer or "(empty)", a.record_id] for a in answers[method][:ANSWERS_SHOWN]]
        parts += [f"### {method}", "", *markdown_lines(("question", "reference", "answer", "record"), lines), ""]
    return ["## Generated answers", "", *parts] if parts else []


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}))


def _below(folder: Path, figure: Path) -> str:
    try:
        return figure.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as error:
        raise ValueError(f"figures: {figure} does not lie below {folder}; the report could not be moved") from error
