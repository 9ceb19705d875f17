"""The tables of a file of rows: each a pure function of the rows, in a module of its kind."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.rows.schema import ResultRow, check_rows
from experiments.tables.budget import budget
from experiments.tables.controls import control_differences, controls
from experiments.tables.efficiency import efficiency, efficiency_by_stage, validation
from experiments.tables.published import PublishedNumber, read_published_numbers
from experiments.tables.quality import comparisons, language_quality, language_quality_by_seed, roc_areas
from experiments.tables.rendering import Table, quoted_to_csv, to_csv, to_markdown
from experiments.tables.variations import ablations, tokenizer, transfer
from experiments.verdicts.catalogue import make_verdicts, verdict_table


def make_tables(rows: Iterable[ResultRow], published: Sequence[PublishedNumber] | None = None) -> list[Table]:
    """All tables of a file of rows; `published` defaults to the numbers that come with the project.

    Raises
    ------
    ValueError
        If the rows do not go together (see `experiments.rows.schema.check_rows`).
    """
    rows = check_rows(rows)
    numbers = read_published_numbers() if published is None else list(published)

    def quoted(name: str) -> list[PublishedNumber]:
        return [number for number in numbers if number.table == name]

    return [
        language_quality(rows, quoted("language-quality")),
        comparisons(rows),
        language_quality_by_seed(rows),
        controls(rows, quoted("controls")),
        control_differences(rows),
        roc_areas(rows),
        efficiency(rows, quoted("efficiency")),
        efficiency_by_stage(rows),
        validation(rows),
        budget(rows),
        transfer(rows),
        ablations(rows),
        tokenizer(rows),
    ]


def write_tables(rows: Iterable[ResultRow], folder: str | os.PathLike[str], audit_text: str) -> list[Table]:
    """Write each table as ``NAME.csv`` and ``NAME.md`` (quoted numbers as ``NAME-quoted.csv``) and return the tables.

    The verdicts go into ``verdicts.csv`` and ``verdicts.md``; they are not among the tables returned.

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
    rows = list(rows)
    tables = make_tables(rows)
    for table in (verdict_table(make_verdicts(rows)), *tables):
        write_atomically(folder / f"{table.name}.csv", to_csv(table))
        write_atomically(folder / f"{table.name}.md", to_markdown(table, audit_text))
        if table.quoted:
            write_atomically(folder / f"{table.name}-quoted.csv", quoted_to_csv(table))
    return tables
