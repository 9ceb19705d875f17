"""``report.html``: one page that holds all of a profile's results and needs nothing from elsewhere.

Its form is in ``templates/``; whatever they print is escaped.
"""

from __future__ import annotations

import base64
import io
import math
import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from experiments.report import report as shared
from experiments.report.report import Report
from experiments.rows.estimates import Cell, Estimate, cell_text
from experiments.tables.rendering import QUOTED_AT_ONCE, QUOTED_HEADER, QUOTED_TITLE, in_words, quoted_lines
from experiments.tables.table import Table
from experiments.verdicts.parts import FAILS, HOLDS, UNCONVERGED, UNDECIDED, UNTESTED

# A class and a sign beside the words, so that verdicts are told apart without colour.
_SIGNS = {
    HOLDS: ("holds", "✓"),
    FAILS: ("fails", "✗"),
    UNDECIDED: ("undecided", "±"),
    UNCONVERGED: ("unconverged", "…"),
    UNTESTED: ("untested", "–"),
}


def html_report(report: Report) -> str:
    """A report as a page that asks for nothing from elsewhere."""
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            content=report.content,
            signs=_SIGNS,
            small_run=shared.SMALL_RUN,
            ran_header=shared.RAN_HEADER,
            answers_header=shared.ANSWERS_HEADER,
            answers_shown=shared.ANSWERS_SHOWN,
            values_files=Markup('<a href="measures.csv">measures.csv</a>, one row a run and metric'),
            quoted_title=QUOTED_TITLE,
            quoted_header=QUOTED_HEADER,
            quoted_at_once=QUOTED_AT_ONCE,
        )
    )


def environment() -> Environment:
    """The templates, which escape whatever they print, and fail at a name that is not there."""
    made = Environment(
        loader=PackageLoader("experiments.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = (in_two, in_words, numeric_columns, quoted_lines, code, picture_size)
    made.filters.update({function.__name__: function for function in filters})
    made.filters["base64"] = lambda content: base64.b64encode(content).decode("ascii")
    return made


def in_two(cell: Cell) -> tuple[str, str]:
    """A cell as a value and its interval, which may be empty."""
    text = cell_text(cell)
    if isinstance(cell, Estimate) and not math.isnan(cell.low):
        value, interval = text.split(" ", 1)
        return value, interval
    return text, ""


def numeric_columns(table: Table) -> list[str]:
    """The columns that hold no text, which go to the right."""
    return [name for name in table.columns if all(not isinstance(row[name], str) for row in table.rows)]


def code(note: str) -> Markup:
    """A note in which what stands between backticks, as in Markdown, is code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(note))))  # noqa: S704 -- escaped just here


def picture_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return image.size
