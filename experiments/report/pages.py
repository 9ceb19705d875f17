"""The blocks of ``docs/reproduction.md`` and of the README that hold results, made of ``results/*/measures.csv`` alone.

``python -m experiments.report.pages`` writes each between its two markers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.report.markdown import is_small
from experiments.rows.estimates import cell_text
from experiments.rows.files import read_rows
from experiments.rows.groups import family
from experiments.rows.schema import ResultRow
from experiments.steps.work_folder import ROOT
from experiments.tables.catalogue import make_tables
from experiments.tables.published import PublishedNumber, read_published_numbers
from experiments.tables.rendering import Table, in_words, markdown_lines
from experiments.verdicts.catalogue import make_verdicts

PAGE, README = ROOT / "docs" / "reproduction.md", ROOT / "README.md"
RESULTS = ROOT / "results"
_MARK = re.compile(r"<!-- results: (?P<name>[a-z-]+) -->\n.*?<!-- end of results -->", re.DOTALL)
# Columns of ours that stand in the page; the whole tables are in the reports.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "language-quality": ("method", "family", "accuracy", "BLEU-4", "ROUGE-L", "METEOR", "BERTScore F1"),
    "efficiency": ("layout", "method", "time is", "training time (s)", "samples seen", "time, times ecg-byte's"),
    "control-differences": ("method", "accuracy with the ECG", "minus "),
    "transfer": ("method", "trained on", "tested on", "accuracy", "BLEU-4"),
    "ablations": ("setting", "value", "input", "accuracy", "accuracy, minus base", "BLEU-4"),
    "tokenizer": ("dataset", "method", "vocabulary", "compression", "bits per sample", "reconstruction error"),
}
_QUOTED = {"control-differences": "controls"}


def with_blocks(page: str, results: Path = RESULTS, *, readme: bool = False) -> str:
    """`page` with every marked block made again: those of ``docs/reproduction.md``, or the README's.

    Raises
    ------
    ValueError
        If a marker names no block of that page, or a block that should be there is not.
    """
    runs = {path.parent.name: read_rows(path.parent) for path in sorted(results.glob("*/measures.csv"))}
    blocks: dict[str, Callable[[], list[str]]] = {"summary": lambda: _summary(runs)}
    if not readme:
        blocks = {"verdicts": lambda: _verdicts(runs)}
        blocks |= {name: (lambda name=name: _table(name, runs)) for name in _COLUMNS}  # type: ignore[misc]
    named = [match["name"] for match in _MARK.finditer(page)]
    if sorted(named) != sorted(blocks):
        raise ValueError(f"page: got blocks {', '.join(named) or 'none'}, expected once each {', '.join(blocks)}")

    def made(match: re.Match[str]) -> str:
        lines = [f"<!-- results: {match['name']} -->", "", *blocks[match["name"]](), "<!-- end of results -->"]
        return "\n".join(lines)

    return _MARK.sub(made, page)


def _summary(runs: dict[str, list[ResultRow]]) -> list[str]:
    """One line a method, for every profile that compares methods: quality, what the ECG adds, training time."""
    lines: list[str] = []
    for profile, rows in runs.items():
        tables = {table.name: table for table in make_tables(rows, [])}
        if not any(family(row.method) == "two-stage" for row in rows):
            continue
        quality = part(tables["language-quality"], "all")
        adds, areas = part(tables["control-differences"], "all"), part(tables["roc-areas"], "mean over attributes")
        times = [line for line in tables["efficiency"].rows if line.get("time is") == "measured"]
        columns = {
            "accuracy (%)": (quality.rows, "accuracy"),
            "BLEU-4": (quality.rows, "BLEU-4"),
            "ROC area, yes/no": (areas.rows, "ecg"),
            "ECG adds over another patient's": (adds.rows, "minus other-patient"),
            "over shuffled leads": (adds.rows, "minus shuffled-leads"),
            "training, all stages (s)": (times, "training time (s)"),
        }
        values = {name: {line["method"]: line.get(label) for line in of} for name, (of, label) in columns.items()}
        cells = [
            [
                f"`{line['method']}`",
                cell_text(line["seeds"]),
                *(cell_text(values[name].get(line["method"])) for name in columns),
            ]
            for line in quality.rows
        ]
        words = in_words({key: cell for key, cell in quality.shared_cells().items() if key in ("dataset", "n")})
        lines += [f"[`{profile}`](results/{profile}/report.md){_mark(rows)} ({words}):", ""]
        lines += [*markdown_lines(("method", "runs", *columns), cells), ""]
    return lines


def part(table: Table, name: str) -> Table:
    """One part of a table, or the whole where it has no such part."""
    return dict(table.divided()).get(name, table)


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
    whole = part(table, "all") if "subset" in table.columns else table
    shared = whole.shared_cells()
    wanted = [column for column in whole.columns if any(_is_wanted(column, start) for start in _COLUMNS[table.name])]
    # Lines of other measures, such as the cost of an ablation, would be empty here.
    measured = [row for row in whole.rows if any(row[column] and not isinstance(row[column], str) for column in wanted)]
    cells = [[cell_text(row[column]) for column in wanted] for row in measured]
    where = f"[whole table](../results/{profile}/tables/{table.name}.csv)"
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
    """Write the blocks into both pages."""
    for page in (PAGE, README):
        write_atomically(page, with_blocks(page.read_text(encoding="utf-8"), readme=page == README))
    return 0


if __name__ == "__main__":
    sys.exit(main())
