"""A table as text: CSV for programs, aligned Markdown for people. LaTeX is in `experiments.tables.latex`."""

from __future__ import annotations

import csv
import html
import io
import math
import re
from collections.abc import Mapping, Sequence

from experiments.rows.estimates import Cell, Estimate, cell_text
from experiments.rows.files import format_cell
from experiments.tables.table import Table

QUOTED_TITLE = "Quoted from elsewhere, not measured here"
QUOTED_HEADER = ("dataset", "method", "metric", "value", "source", "conditions")
QUOTED_AT_ONCE = 20  # a page shows more of them only on demand


def to_csv(table: Table) -> str:
    """CSV text; a column of estimates with intervals becomes three columns. A table without rows has its header."""
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
    parts = [f"## {markdown_text(table.title)}", ""]
    divided = table.divided() if first_part else [("", table)]
    if divided[0][0]:
        parts += [f"{table.parts}: {markdown_text(divided[0][0])}", ""]
    shared, shown = divided[0][1].folded()
    if shared:
        parts += [f"In all rows: {markdown_text(in_words(shared))}.", ""]
    if shown.rows:
        parts += markdown_lines(shown.columns, [[cell_text(cell) for cell in row.values()] for row in shown.rows])
    else:
        parts += ["No rows."]
    if len(divided) > 1:
        names = ", ".join(markdown_text(name) for name, _ in divided[1:])
        parts += ["", f"Other parts, by {table.parts}, in [{table.name}.csv](tables/{table.name}.csv): {names}."]
    if table.notes:
        parts += ["", *(f"- {markdown_text(note)}" for note in table.notes)]
    if table.quoted:
        parts += ["", f"### {QUOTED_TITLE}", ""]
        if first_part and len(table.quoted) > QUOTED_AT_ONCE:
            file = f"{table.name}-quoted.csv"
            parts += [f"{len(table.quoted)} numbers, in [{file}](tables/{file})."]
        else:
            parts += markdown_lines(QUOTED_HEADER, quoted_lines(table))
    parts += ["", "Audit of the splits:", "", *fenced(audit_text), ""]
    return "\n".join(parts)


def markdown_text(text: str) -> str:
    """Text in one line of Markdown, in which nothing is HTML, a link or a picture; backticks mark code, as ever."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    # With such runs, what is code for one reader is none for another.
    pieces = [escaped] if re.search(r"``|\\`", escaped) else re.split("(`[^`]*`)", escaped)
    # A bracket closes the text of a link only where another follows, or a colon; it may be escaped already.
    closing = re.compile(r"(\\*)\](?=[(\[:])")
    return "".join(piece if place % 2 else closing.sub(r"\1\1\\]", piece) for place, piece in enumerate(pieces))


def fenced(text: str, language: str = "text") -> list[str]:
    """Lines of text in a fence that is longer than any inside it."""
    fence = "`" * max(3, *(len(found) + 1 for found in re.findall("`+", text)), 3)
    return [f"{fence}{language}", text.strip(), fence]


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
    escaped = [[markdown_text(cell).replace("|", "\\|") for cell in line] for line in [list(header), *lines]]
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
