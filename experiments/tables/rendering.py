"""A table of results and its two forms: CSV for programs, aligned Markdown for people."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.rows.estimates import Cell, Estimate, cell_text
from experiments.rows.files import format_cell
from experiments.tables.published import PublishedNumber

QUOTED_TITLE = "Quoted from elsewhere, not measured here"
QUOTED_HEADER = ("dataset", "method", "metric", "value", "source", "conditions")
QUOTED_AT_ONCE = 20  # a page shows more of them only on demand


_CONTEXT = ("dataset", "split", "subset", "seed", "seeds", "scale", "n", "input", "trained on", "against")


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    name : str
        The file's stem.
    title : str
        One line above it.
    rows : sequence of mappings
        From column to cell; all rows have the same columns in the same order. None is an empty cell.
    notes : tuple of str
        Lines below it.
    quoted : tuple of PublishedNumber
        Printed in a block of their own below the notes, and in a CSV file of their own.
    parts : str
        A column by which a long table is divided on the page, the first part open; empty for a table in one piece.
    """

    name: str
    title: str
    rows: Sequence[Mapping[str, Cell]]
    notes: tuple[str, ...] = ()
    quoted: tuple[PublishedNumber, ...] = ()
    parts: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in order; none for a table without rows."""
        return tuple(self.rows[0]) if self.rows else ()

    def divided(self) -> list[tuple[str, Table]]:
        """The parts, each by its value of the dividing column and without that column."""
        if not self.parts or not self.rows:
            return [("", self)]
        values = list(dict.fromkeys(str(row[self.parts]) for row in self.rows))
        divided = []
        for value in values:
            rows = [row for row in self.rows if str(row[self.parts]) == value]
            kept = [{name: cell for name, cell in row.items() if name != self.parts} for row in rows]
            divided.append((value, replace(self, rows=kept, parts="")))
        return divided

    def shared_cells(self) -> dict[str, Cell]:
        """The columns of `_CONTEXT` that hold one value in all rows, which people need to read once only."""
        same = {name: {row[name] for row in self.rows} for name in self.columns if name in _CONTEXT}
        return {name: values.pop() for name, values in same.items() if len(values) == 1}

    def without(self, names: Container[str]) -> Table:
        """The table without the columns called `names`."""
        return replace(self, rows=[{name: row[name] for name in row if name not in names} for row in self.rows])


def to_csv(table: Table) -> str:
    """CSV text; a column of estimates with intervals becomes three columns."""
    with_interval = {
        column
        for row in table.rows
        for column, cell in row.items()
        if isinstance(cell, Estimate) and not math.isnan(cell.low)
    }
    header: list[str] = []
    for column in table.columns:
        header += [column, f"{column} (95 % low)", f"{column} (95 % high)"] if column in with_interval else [column]
    lines = [header]
    for row in table.rows:
        line: list[str] = []
        for column, cell in row.items():
            if isinstance(cell, Estimate):
                numbers = cell[:3] if column in with_interval else cell[:1]
                line += [format_cell(number) for number in numbers]
            else:
                line += ["" if cell is None else str(cell)] + ["", ""] * (column in with_interval)
        lines.append(line)
    return _csv_text(lines)


def quoted_to_csv(table: Table) -> str:
    """CSV text of the quoted numbers of a table."""
    header = ["source", "dataset", "method", "metric", "value", "std", "note"]
    return _csv_text([header, *([getattr(number, name) for name in header] for number in table.quoted)])


def to_markdown(table: Table, audit_text: str, *, first_part: bool = False) -> str:
    """Markdown with padded cells, so that it also reads well on a terminal, with the audit of the splits below.

    With `first_part`, a divided table shows its first part alone and names the others.
    """
    parts = [f"## {table.title}", ""]
    divided = table.divided() if first_part else [("", table)]
    shown = divided[0][1]
    if divided[0][0]:
        parts += [f"{table.parts}: {divided[0][0]}", ""]
    shared = shown.shared_cells() if len(shown.rows) > 1 else {}
    if shared:
        parts += [f"In all rows: {in_words(shared)}.", ""]
    if shown.rows:
        rows = shown.without(shared)
        parts += markdown_lines(rows.columns, [[cell_text(cell) for cell in row.values()] for row in rows.rows])
    else:
        parts += ["No rows."]
    if len(divided) > 1:
        names = ", ".join(name for name, _ in divided[1:])
        parts += ["", f"Other parts, by {table.parts}, in [{table.name}.csv](tables/{table.name}.csv): {names}."]
    if table.notes:
        parts += ["", *(f"- {note}" for note in table.notes)]
    if table.quoted:
        parts += ["", f"### {QUOTED_TITLE}", ""]
        if first_part and len(table.quoted) > QUOTED_AT_ONCE:
            parts += [f"{len(table.quoted)} numbers, in [{table.name}.csv](tables/{table.name}.csv)."]
        else:
            parts += markdown_lines(QUOTED_HEADER, quoted_lines(table))
    parts += ["", "Audit of the splits:", "", "```text", audit_text.strip(), "```", ""]
    return "\n".join(parts)


def in_words(cells: Mapping[str, Cell]) -> str:
    """Cells that hold for a whole table, as a phrase."""
    return ", ".join(f"{name} {cell_text(cell)}" for name, cell in cells.items() if cell is not None)


def quoted_lines(table: Table) -> list[list[str]]:
    """The quoted numbers of a table as lines under `QUOTED_HEADER`."""
    return [
        [q.dataset, q.method, q.metric, f"{q.value} ± {q.std}" if q.std else q.value, q.source, q.note]
        for q in table.quoted
    ]


def markdown_lines(header: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table as lines, columns padded to one width; cells that look like numbers go to the right."""
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in [list(header), *lines]]
    widths = [max(3, *(len(line[column]) for line in escaped)) for column in range(len(header))]
    right = [
        all(not line[column] or line[column][0] in "-+0123456789" for line in escaped[1:])
        for column in range(len(header))
    ]

    def join(line: Sequence[str]) -> str:
        cells = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)]
        return f"| {' | '.join(cells)} |"

    rule = [f"{'-' * (width - 1)}{':' if r else '-'}" for width, r in zip(widths, right, strict=True)]
    return [join(escaped[0]), join(rule), *(join(line) for line in escaped[1:])]


def _csv_text(lines: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue()
