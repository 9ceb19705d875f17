"""``report.html``: one page that holds all of a profile's results and needs nothing from elsewhere.

Its form is in ``templates/``; whatever they print is escaped.
"""

from __future__ import annotations

import base64
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from experiments.report import report as shared
from experiments.report.opening import Change, changed_settings, title
from experiments.report.page_data import page_data
from experiments.report.report import Report
from experiments.rows.estimates import Cell, Estimate, cell_text
from experiments.rows.groups import family
from experiments.tables.rendering import QUOTED_AT_ONCE, QUOTED_HEADER, QUOTED_TITLE, in_words, quoted_lines
from experiments.tables.table import Table
from experiments.verdicts.parts import FAILS, HOLDS, MARGIN, UNCONVERGED, UNDECIDED, UNTESTED

# In the order in which they build on one another.
_SCRIPTS = ("elements.js", "main_table.js", "curve.js", "ecg.js", "questions.js", "start.js")
# A class and a sign beside the words, so that verdicts are told apart without colour.
_SIGNS = {
    HOLDS: ("holds", "✓"),
    FAILS: ("fails", "✗"),
    UNDECIDED: ("undecided", "±"),
    UNCONVERGED: ("unconverged", "…"),
    UNTESTED: ("untested", "–"),
}


def html_report(report: Report) -> str:
    """A report as a page that asks for nothing from elsewhere; its data stands in it once, as JSON."""
    changes = changed_settings(report.rows)
    question, answer = title(report.verdicts, changes, report.rows)
    data = page_data(report)
    # A run that compares no methods is about its changes.
    compares = any(family(row.method) == "two-stage" for row in report.rows)
    parts = {
        "has_values": bool(data["table"]["values"]),
        "has_curves": bool(data["curves"]["lines"]),
    }
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            content=report.content,
            question=question,
            answer=answer,
            asked_about=_asked_about(report),
            contents=_contents(report, bool(changes), first=not compares, **parts),
            changes_first=not compares,
            # In order of size, as forest plots are read.
            changes=sorted(changes, key=lambda change: change.difference.value),
            forest=ForestScale(changes) if changes else None,
            margin=f"{MARGIN:g}",
            **parts,
            signs=_SIGNS,
            small_run=shared.SMALL_RUN,
            ran_header=shared.RAN_HEADER,
            answers_header=shared.ANSWERS_HEADER,
            answers_shown=shared.ANSWERS_SHOWN,
            values_files=Markup('<a href="measures.csv">measures.csv</a>, one row a run and metric'),
            quoted_title=QUOTED_TITLE,
            quoted_header=QUOTED_HEADER,
            quoted_at_once=QUOTED_AT_ONCE,
            data=as_json(data),
            scripts=[("packing.js", _source("ecgbyte.viz", "packing.js")), *_scripts()],
        )
    )


def _asked_about(report: Report) -> str:
    """How many questions of which data were asked, and in how many training runs."""
    rows = [row for row in report.rows if row.table == "language-quality" and row.subset == "all"]
    if not rows:
        return ""
    seeds = max(row.seeds for row in rows)
    runs = f"up to {seeds} training runs a method" if seeds > 1 else "one training run a method"
    names = ", ".join(sorted({row.dataset for row in rows}))
    return f"{max(row.n for row in rows):,} test questions about {names}, {runs}"


def _contents(
    report: Report, changes: bool, *, first: bool, has_values: bool, has_curves: bool
) -> list[tuple[str, str]]:
    """The parts of the page, each with its words, in order; changed settings come `first` or later."""
    words = "What each change does"
    parts = [
        ("changes", words, changes and first),
        ("verdicts", "Claims and verdicts", True),
        ("results", "Results", has_values),
        ("kinds", "By kind of question", bool(report.kinds.rows)),
        ("changes", words, changes and not first),
        ("curve", "While training", has_curves),
        ("questions", "Questions and answers", report.asked is not None),
        ("everything", "Everything else", True),
    ]
    return [(target, words) for target, words, there in parts if there]


class ForestScale:
    """Where changes lie on one scale of points that holds them all, as CSS.

    Parameters
    ----------
    changes : sequence of Change
        One at least.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        ends = [end for change in changes for end in change.difference[:3] if not math.isnan(end)]
        self.low, self.high = math.floor(min(*ends, -1.0)), math.ceil(max(*ends, 1.0))

    @property
    def zero(self) -> str:
        """Where no difference lies, in percent of the width."""
        return self._place(0.0)

    def line(self, change: Change) -> str:
        """The interval, empty where there is none."""
        _, low, high, _ = change.difference
        if math.isnan(low):
            return ""
        return f"left: {self._place(low)}%; width: {100 * (high - low) / (self.high - self.low):.2f}%"

    def dot(self, change: Change) -> str:
        """The value."""
        return f"left: {self._place(change.difference.value)}%"

    @staticmethod
    def is_small(change: Change) -> bool:
        """Whether a change is less than what counts."""
        return abs(change.difference.value) < MARGIN

    def _place(self, value: float) -> str:
        return f"{100 * (value - self.low) / (self.high - self.low):.2f}"


def as_json(content: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _scripts() -> list[tuple[str, str]]:
    return [(name, _source("experiments.report", name)) for name in _SCRIPTS]


def _source(package: str, name: str) -> str:
    return (resources.files(package) / "scripts" / name).read_text(encoding="utf-8")


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
    filters = (in_two, in_words, numeric_columns, quoted_lines, code, picture_size, shade, breakable)
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


def shade(cell: Estimate | None) -> int:
    """How dark a cell in percent is, 0 to 4."""
    return 0 if cell is None else min(4, int(cell.value // 20))


def breakable(name: str) -> Markup:
    """A name that may go on in the next line after a point or an underscore."""
    return Markup(re.sub(r"(?<=[._])(?=\w)", "<wbr>", str(escape(name))))  # noqa: S704 -- escaped just here


def code(note: str) -> Markup:
    """A note in which what stands between backticks, as in Markdown, is code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(note))))  # noqa: S704 -- escaped just here


def picture_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return image.size
