"""The tables of a file of rows. A new one is a function of rows that returns a `Table`, and one entry in `TABLES`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from experiments.rows.groups import REFERENCE_METHOD
from experiments.rows.schema import ResultRow, check_rows
from experiments.tables.budget import budget
from experiments.tables.calculation import paper_scale
from experiments.tables.controls import control_differences, controls
from experiments.tables.convergence import convergence, learning_rates
from experiments.tables.decodings import decodings
from experiments.tables.efficiency import efficiency, efficiency_by_stage, validation
from experiments.tables.latex import to_latex
from experiments.tables.published import PublishedNumber, read_published_numbers
from experiments.tables.quality import (
    comparisons,
    language_quality,
    language_quality_by_seed,
    noise_questions,
    roc_areas,
)
from experiments.tables.rendering import quoted_to_csv, to_csv, to_markdown
from experiments.tables.table import Table
from experiments.tables.variations import ablations, tokenizer, transfer


class Entry(NamedTuple):
    """One table of the catalogue.

    Attributes
    ----------
    make : callable
        From rows to the table, with its name, title and notes.
    quotes : str
        Which numbers of ``published_numbers.csv`` stand below it, by their column `table`; none if empty.
    latex : tuple of str
        The columns with which it is written as LaTeX, too, beside that by which it is divided; not written if empty.
    """

    make: Callable[[Sequence[ResultRow]], Table]
    quotes: str = ""
    latex: tuple[str, ...] = ()


_QUALITY = ("method", "family", "accuracy", "F1 of findings", "BLEU-4", "ROUGE-L", "METEOR", "BERTScore F1")
_TESTS = tuple(f"{metric}, {test}" for metric in ("accuracy", "BLEU-4") for test in ("difference", "p", "p (Holm)"))
_COSTS = (
    "method",
    "time is",
    "training time (s)",
    "samples seen",
    "operations (GFLOP)",
    f"time, times {REFERENCE_METHOD}'s",
)

# In the order of the report. Figures name the table under which they stand (`experiments.figures.catalogue`).
TABLES = (
    Entry(language_quality, quotes="language-quality", latex=("dataset", *_QUALITY)),
    Entry(comparisons, latex=("dataset", "method", "against", *_TESTS)),
    Entry(language_quality_by_seed),
    Entry(noise_questions),
    Entry(decodings),
    Entry(controls, quotes="controls"),
    Entry(control_differences),
    Entry(roc_areas),
    Entry(convergence),
    Entry(learning_rates),
    Entry(paper_scale),
    Entry(efficiency, quotes="efficiency", latex=("dataset", *_COSTS)),
    Entry(efficiency_by_stage),
    Entry(validation),
    Entry(budget),
    Entry(transfer),
    Entry(ablations),
    Entry(tokenizer),
)


def make_tables(
    rows: Iterable[ResultRow],
    published: Sequence[PublishedNumber] | None = None,
    entries: Sequence[Entry] = TABLES,
) -> list[Table]:
    """The tables of a file of rows, one an entry; `published` defaults to the numbers that come with the project.

    Raises
    ------
    ValueError
        If the rows do not go together (see `experiments.rows.schema.check_rows`).
    """
    rows = check_rows(rows)
    numbers = read_published_numbers() if published is None else published
    return [
        replace(entry.make(rows), quoted=tuple(number for number in numbers if number.table == entry.quotes))
        for entry in entries
    ]


def table_files(table: Table, audit_text: str, latex: Sequence[str] = ()) -> dict[str, str]:
    """The files of a table, from name to content: CSV, Markdown, its quoted numbers as CSV, and LaTeX where wanted.

    Parameters
    ----------
    table : Table
    audit_text : str
        The audit of the splits, printed with every table.
    latex : sequence of str
        As in `Entry`.

    Raises
    ------
    ValueError
        If there is no audit.
    """
    if not audit_text.strip():
        raise ValueError("audit_text: got an empty text; no table goes out without the audit of its splits")
    files = {f"{table.name}.csv": to_csv(table), f"{table.name}.md": to_markdown(table, audit_text)}
    if table.quoted:
        files[f"{table.name}-quoted.csv"] = quoted_to_csv(table)
    if latex:
        files[f"{table.name}.tex"] = to_latex(table, latex)
    return files
