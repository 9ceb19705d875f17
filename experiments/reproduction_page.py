"""The blocks of ``docs/reproduction.md`` that hold numbers, made of ``results/*/runs.csv`` and nothing else.

``python -m experiments.reproduction_page`` writes each between its two markers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.published import PublishedNumber, read_published_numbers
from experiments.report import is_small
from experiments.results_rows import ResultRow
from experiments.row_files import read_rows
from experiments.table_rendering import Table, cell_text, in_words, markdown_lines
from experiments.tables import make_tables
from experiments.verdicts import make_verdicts
from experiments.work import ROOT

PAGE = ROOT / "docs" / "reproduction.md"
RESULTS = ROOT / "results"
_MARK = re.compile(r"<!-- results: (?P<name>[a-z-]+) -->\n.*?<!-- end of results -->", re.DOTALL)
# Columns of ours that stand in the page; the whole tables are in the reports.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "language-quality": ("method", "family", "accuracy", "BLEU-4", "ROUGE-L", "METEOR", "BERTScore F1"),
    "efficiency": ("layout", "method", "time is", "training time (s)", "samples seen", "time, times ecg-byte's"),
    "control-differences": ("method", "accuracy with the ECG", "minus "),
    "transfer": ("method", "trained on", "tested on", "accuracy", "BLEU-4"),
    "ablations": ("setting", "value", "accuracy", "accuracy, minus base", "BLEU-4"),
    "tokenizer": ("dataset", "method", "vocabulary", "compression", "bits per sample", "reconstruction error"),
}
_QUOTED = {"control-differences": "controls"}


def with_blocks(page: str, results: Path = RESULTS) -> str:
    """`page` with every marked block made again.

    Raises
    ------
    ValueError
        If a marker names no block, or a block that should be there is not.
    """
    runs = {path.parent.name: read_rows(path) for path in sorted(results.glob("*/runs.csv"))}
    blocks: dict[str, Callable[[], list[str]]] = {"verdicts": lambda: _verdicts(runs)}
    blocks |= {name: (lambda name=name: _table(name, runs)) for name in _COLUMNS}  # type: ignore[misc]
    named = [match["name"] for match in _MARK.finditer(page)]
    if sorted(named) != sorted(blocks):
        raise ValueError(f"page: got blocks {', '.join(named) or 'none'}, expected once each {', '.join(blocks)}")

    def made(match: re.Match[str]) -> str:
        lines = [f"<!-- results: {match['name']} -->", "", *blocks[match["name"]](), "<!-- end of results -->"]
        return "\n".join(lines)

    return _MARK.sub(made, page)


def _verdicts(runs: dict[str, list[ResultRow]]) -> list[str]:
    """One line a claim, one column a profile."""
    found = {name: make_verdicts(rows) for name, rows in runs.items()}
    claims = list(dict.fromkeys(verdict.claim for verdicts in found.values() for verdict in verdicts))
    lines = []
    for claim in claims:
        by_profile = [
            {v.claim: v.verdict for v in verdicts}.get(claim, "not tested here") for verdicts in found.values()
        ]
        lines.append([claim, *by_profile])
    header = ("claim", *(f"`{name}`{_mark(runs[name])}" for name in found))
    return [*markdown_lines(header, lines), ""]


def _table(name: str, runs: dict[str, list[ResultRow]]) -> list[str]:
    """The same table of every profile that has rows for it, then the published numbers in a block of their own."""
    lines: list[str] = []
    for profile, rows in runs.items():
        table = next(table for table in make_tables(rows, []) if table.name == name)
        if not table.rows:
            lines += [f"Ours, profile `{profile}`: not measured.", ""]
            continue
        lines += _ours(table, profile, rows)
    quoted = [number for number in read_published_numbers() if number.table == _QUOTED.get(name, name)]
    return [*lines, *_published(quoted)]


def _ours(table: Table, profile: str, rows: Sequence[ResultRow]) -> list[str]:
    whole = table if "subset" not in table.columns else dict(table.divided()).get("all", table)
    shared = whole.shared_cells()
    wanted = [column for column in whole.columns if any(_is_wanted(column, start) for start in _COLUMNS[table.name])]
    cells = [[cell_text(row[column]) for column in wanted] for row in whole.rows]
    where = f"[whole table](../results/{profile}/tables/{table.name}.md)"
    words = in_words({key: cell for key, cell in shared.items() if key not in wanted})
    return [
        f"Ours, profile `{profile}`{_mark(rows)} ({words or 'one data set'}; {where}):",
        "",
        *markdown_lines(wanted, cells),
        "",
    ]


def _is_wanted(column: str, start: str) -> bool:
    return column == start or (start.endswith(" ") and column.startswith(start)) or column.startswith(f"{start}, at")


def _published(quoted: Sequence[PublishedNumber]) -> list[str]:
    """Quoted numbers, one line a method and data set, apart from ours and each with its source."""
    if not quoted:
        return ["Published: no numbers could be had.", ""]
    metrics = list(dict.fromkeys(number.metric for number in quoted))
    cells: dict[tuple[str, str, str, str], dict[str, str]] = {}
    for number in quoted:
        text = f"{number.value} ± {number.std}" if number.std else number.value
        key = (number.dataset, number.method, number.source, number.note)
        # Two versions of the paper claim different numbers in the same words.
        cells.setdefault(key, {})[number.metric] = text
    header = ("data set", "method", *metrics, "source", "conditions")
    lines = [[key[0], key[1], *(found.get(m, "") for m in metrics), key[2], key[3]] for key, found in cells.items()]
    return [
        "> **Published, not measured here; other data and models, so not comparable with ours:**",
        ">",
        *(f"> {line}" for line in markdown_lines(header, lines)),
        "",
    ]


def _mark(rows: Sequence[ResultRow]) -> str:
    return " (small run)" if is_small(rows) else ""


def main() -> int:
    """Write the blocks into the page."""
    write_atomically(PAGE, with_blocks(PAGE.read_text(encoding="utf-8")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
