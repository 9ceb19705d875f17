"""A table as LaTeX, for a paper: one float a part, with the rules of booktabs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from experiments.rows.estimates import Cell, Estimate, cell_text
from experiments.tables.rendering import in_words
from experiments.tables.table import Table

# Each of these means something to TeX.
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "±": r"\textpm{}",
    "×": r"\texttimes{}",
}


def latex_text(text: str) -> str:
    """Text as LaTeX prints it: every character that means something to TeX escaped, white space as one space."""
    return "".join(_ESCAPES.get(character, character) for character in re.sub(r"\s+", " ", text))


def to_latex(table: Table, columns: Sequence[str]) -> str:
    """A float for every part of a table, with some of its columns; notes stand below, as comments.

    What all rows of a part share stands in its caption. Needs the packages booktabs, graphicx and textcomp, and T1
    fonts.
    """
    lines = [r"% Needs \usepackage[T1]{fontenc} and \usepackage{booktabs,graphicx,textcomp}.", ""]
    for name, part in table.divided():
        shared, shown = part.folded()
        shown = shown.without(set(shown.columns) - set(columns))
        words = [f"{table.title}, {table.parts} {name}" if name else table.title]
        words += [f"In all rows: {in_words(shared)}"] if any(cell is not None for cell in shared.values()) else []
        label = re.sub("[^a-z0-9]+", "-", f"{table.name} {name}".lower()).strip("-")
        lines += [r"\begin{table}", rf"\caption{{{latex_text('. '.join(words))}.}}", rf"\label{{tab:{label}}}"]
        lines += [r"\centering", *_tabular(shown), r"\end{table}", ""]
    # Notes of code stand between backticks, which people need not see here.
    lines += [f"% {latex_text(note.replace('`', ''))}" for note in table.notes]
    return "\n".join(lines).rstrip("\n") + "\n"


def _tabular(table: Table) -> list[str]:
    numbers = [all(not isinstance(row[name], str) for row in table.rows) for name in table.columns]
    kinds = "".join("r" if number else "l" for number in numbers)
    return [
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        _line([latex_text(name) for name in table.columns]),
        r"\midrule",
        *(_line([_cell(row[name]) for name in table.columns]) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}}",
    ]


def _line(cells: Sequence[str]) -> str:
    # A line that begins with a bracket would be an argument of the line break before it.
    return " & ".join(f"{{}}{cell}" if cell.startswith(("[", "*")) else cell for cell in cells) + r" \\"


def _cell(cell: Cell) -> str:
    text = latex_text(cell_text(cell))
    if isinstance(cell, Estimate):
        # A minus sign, not a hyphen; the interval small, so that values stand out.
        text = text.replace("-", "$-$")
        if not math.isnan(cell.low):
            value, interval = text.split(" ", 1)
            return rf"{value} {{\scriptsize {interval}}}"
    return text
