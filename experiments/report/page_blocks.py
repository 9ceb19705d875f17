"""The blocks of pages that hold results, each made of the rows of ``results/*/measures.csv`` alone.

Each takes the runs and the folder ``results`` as a link on the page has it, and gives lines of Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from experiments.report.report import is_small
from experiments.rows.estimates import Estimate, cell_text
from experiments.rows.groups import GENERATED, PERFECT, REFERENCE_METHOD, family
from experiments.rows.metrics import FROM_BEST, METRICS
from experiments.rows.schema import ResultRow
from experiments.rows.variants import BASE
from experiments.tables.catalogue import make_tables
from experiments.tables.published import PublishedNumber, read_published_numbers
from experiments.tables.rendering import in_words, markdown_lines
from experiments.tables.table import Table
from experiments.verdicts.catalogue import make_verdicts
from experiments.verdicts.parts import UNTESTED, Verdict


class Block(NamedTuple):
    """A table of the page: those of our columns that stand there, and under which table numbers are quoted."""

    columns: tuple[str, ...]
    quotes: str = ""


# By the name of the table. A column that ends in a space stands for all that begin with it.
TABLE_BLOCKS = {
    "language-quality": Block(
        ("method", "family", "accuracy", "F1 of findings", "BLEU-4", "ROUGE-L", "METEOR", "BERTScore F1"),
        "language-quality",
    ),
    "efficiency": Block(
        ("layout", "method", "time is", "training time (s)", "samples seen", f"time, times {REFERENCE_METHOD}'s"),
        "efficiency",
    ),
    "control-differences": Block(("method", "accuracy with the ECG", "minus "), "controls"),
    "transfer": Block(("method", "trained on", "tested on", "input", "n", "accuracy", "BLEU-4")),
    "ablations": Block(
        ("setting", "value", "input", "accuracy", "accuracy, minus base", METRICS[FROM_BEST].label, "BLEU-4")
    ),
    "tokenizer": Block(("dataset", "method", "vocabulary", "compression", "bits per sample", "reconstruction error")),
}


@dataclass(frozen=True)
class Run:
    """What the rows of a profile give.

    Attributes
    ----------
    profile : str
        Its name.
    rows : sequence of ResultRow
    """

    profile: str
    rows: Sequence[ResultRow]

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Our tables by name, without quoted numbers."""
        return {table.name: table for table in make_tables(self.rows, [])}

    @property
    def data(self) -> str:
        """The data sets that methods were trained on."""
        return ", ".join(sorted({row.trained_on or row.dataset for row in self.rows if row.dataset}))

    @property
    def compares(self) -> bool:
        """Whether end-to-end training stands beside two-stage methods."""
        return any(family(row.method) == "two-stage" for row in self.rows)

    @property
    def is_repeated(self) -> bool:
        """Whether a method was trained more than once, so that its numbers are not those of one seed."""
        return any(row.table == "language-quality" and row.seeds > 1 and row.method != PERFECT for row in self.rows)

    @property
    def mark(self) -> str:
        """What stands behind the name of a small run."""
        return " (small run)" if is_small(self.rows) else ""


def state_block(runs: Sequence[Run], results: str) -> list[str]:
    """One line a profile: what was run, and how far it had converged; then where the reports lie."""
    header = (
        *("profile", "data", "scale", "methods", "changed settings", "training runs, at most", "test questions"),
        "converged",
    )
    table = [*markdown_lines(header, [_state(run) for run in runs]), ""] if runs else []
    return [*table, *_reports(runs, results), ""]


def _state(run: Run) -> list[str]:
    rows = run.rows
    measured = [
        row
        for row in rows
        if row.table in ("language-quality", "ablations") and row.metric == "accuracy" and row.method != PERFECT
    ]
    settings = {row.variant for row in rows if row.table == "ablations" and row.variant not in ("", BASE)}
    checked = [row.value for row in rows if (row.table, row.metric) == ("convergence", "converged")]
    return [
        f"`{run.profile}`",
        run.data,
        ", ".join(sorted({row.scale for row in rows})),
        cell_text(len({row.method for row in measured})),
        cell_text(len(settings) or None),
        cell_text(max((row.seeds for row in measured), default=None)),
        cell_text(max((row.n for row in measured), default=None)),
        f"{sum(value == 1 for value in checked)} of {len(checked)} runs" if checked else "not checked",
    ]


def _reports(runs: Sequence[Run], results: str) -> list[str]:
    """Where the reports lie, in a line: cells of tables hold no links."""
    if not runs:
        return ["No results yet."]
    links = ", ".join(f"[{run.profile}]({results}{run.profile}/report.md)" for run in runs)
    return [f"Reports with all tables, figures and intervals: {links}."]


def outcome_block(runs: Sequence[Run], results: str) -> list[str]:
    """The verdicts of the profiles that compare methods over several trainings; those on real ECGs first."""
    chosen = (run for run in runs if run.compares and run.is_repeated)
    return verdicts_block(sorted(chosen, key=lambda run: (run.data == "synthetic", run.profile)), results)


def verdicts_block(runs: Sequence[Run], results: str) -> list[str]:
    """One line a claim, one column a profile: the verdict and its number."""
    found = [{verdict.claim: verdict for verdict in make_verdicts(run.rows)} for run in runs]
    lines = []
    for claim in dict.fromkeys(claim for verdicts in found for claim in verdicts):
        said = [verdicts.get(claim) for verdicts in found]
        units = [verdict.number_is for verdict in said if verdict is not None and verdict.number is not None]
        lines.append([claim, *(_with_number(verdict) for verdict in said), units[0] if units else ""])
    heads = [f"`{run.profile}`: {run.data}{run.mark}" for run in runs]
    table = [*markdown_lines(("claim", *heads, "the number is"), lines), ""] if runs else []
    return [*table, *_reports(runs, results), ""]


def _with_number(verdict: Verdict | None) -> str:
    if verdict is None:
        return UNTESTED
    return verdict.verdict if verdict.number is None else f"{verdict.verdict}: {cell_text(verdict.number)}"


def summary_block(runs: Sequence[Run], results: str) -> list[str]:
    """One line a method, for every profile that compares methods: quality, what the ECG adds, training time."""
    lines: list[str] = []
    for run in runs:
        if not run.compares:
            continue
        tables = run.tables
        quality, adds = (headline_part(tables[name]) for name in ("language-quality", "control-differences"))
        areas = part(tables["roc-areas"], "mean over attributes")
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
        lines += [f"[`{run.profile}`]({results}{run.profile}/report.md){run.mark} ({words}):", ""]
        lines += [*markdown_lines(("method", "runs", *columns), cells), ""]
    return lines


def headline_part(table: Table) -> Table:
    """The part of a table that is the headline: the generated questions where others stand beside them, or all."""
    names = {name for name, _ in table.divided()}
    return part(table, GENERATED if GENERATED in names else "all")


def part(table: Table, name: str) -> Table:
    """One part of a table, or the whole where it has no such part."""
    return dict(table.divided()).get(name, table)


def table_block(name: str, runs: Sequence[Run], results: str) -> list[str]:
    """The same table of every profile that has rows for it, then the published numbers in a block of their own."""
    block = TABLE_BLOCKS[name]
    lines: list[str] = []
    for run in runs:
        if run.tables[name].rows:
            lines += _ours(run.tables[name], block, run, results)
        else:
            lines += [f"Ours, profile `{run.profile}`: not measured.", ""]
    quoted = [number for number in read_published_numbers() if number.table == block.quotes]
    return [*lines, *_published(quoted)]


def _ours(table: Table, block: Block, run: Run, results: str) -> list[str]:
    whole = headline_part(table) if "subset" in table.columns else table
    shared = whole.shared_cells()
    wanted = [column for column in whole.columns if any(_is_wanted(column, start) for start in block.columns)]
    # Lines of other measures, such as the cost of an ablation, would be empty here.
    measured = [row for row in whole.rows if any(isinstance(row[column], Estimate) for column in wanted)]
    cells = [[cell_text(row[column]) for column in wanted] for row in measured]
    where = f"[whole table]({results}{run.profile}/tables/{table.name}.csv)"
    words = in_words({key: cell for key, cell in shared.items() if key not in wanted})
    return [
        f"Ours, profile `{run.profile}`{run.mark} ({words or 'one data set'}; {where}):",
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
