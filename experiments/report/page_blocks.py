"""The blocks of pages that hold results, each made of the rows of ``results/*/measures.csv`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from experiments.report.report import is_small
from experiments.rows.estimates import Estimate, cell_text
from experiments.rows.groups import GENERATED, REFERENCE_METHOD, family
from experiments.rows.schema import ResultRow
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
    "ablations": Block(("setting", "value", "input", "accuracy", "accuracy, minus base", "BLEU-4")),
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
    def mark(self) -> str:
        """What stands behind the name of a small run."""
        return " (small run)" if is_small(self.rows) else ""


def summary_block(runs: Sequence[Run]) -> list[str]:
    """One line a method, for every profile that compares methods: quality, what the ECG adds, training time."""
    lines: list[str] = []
    for run in runs:
        if not any(family(row.method) == "two-stage" for row in run.rows):
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
        lines += [f"[`{run.profile}`](results/{run.profile}/report.md){run.mark} ({words}):", ""]
        lines += [*markdown_lines(("method", "runs", *columns), cells), ""]
    return lines


def headline_part(table: Table) -> Table:
    """The part of a table that is the headline: the generated questions where others stand beside them, or all."""
    names = {name for name, _ in table.divided()}
    return part(table, GENERATED if GENERATED in names else "all")


def part(table: Table, name: str) -> Table:
    """One part of a table, or the whole where it has no such part."""
    return dict(table.divided()).get(name, table)


def verdicts_block(runs: Sequence[Run]) -> list[str]:
    """One line a claim, one column a profile: the verdict and its number."""
    found = [{verdict.claim: _with_number(verdict) for verdict in make_verdicts(run.rows)} for run in runs]
    claims = dict.fromkeys(claim for verdicts in found for claim in verdicts)
    lines = [[claim, *(verdicts.get(claim, UNTESTED) for verdicts in found)] for claim in claims]
    return [*markdown_lines(("claim", *(f"`{run.profile}`{run.mark}" for run in runs)), lines), ""]


def _with_number(verdict: Verdict) -> str:
    return verdict.verdict if verdict.number is None else f"{verdict.verdict}: {cell_text(verdict.number)}"


def table_block(name: str, block: Block, runs: Sequence[Run]) -> list[str]:
    """The same table of every profile that has rows for it, then the published numbers in a block of their own."""
    lines: list[str] = []
    for run in runs:
        if run.tables[name].rows:
            lines += _ours(run.tables[name], block, run)
        else:
            lines += [f"Ours, profile `{run.profile}`: not measured.", ""]
    quoted = [number for number in read_published_numbers() if number.table == block.quotes]
    return [*lines, *_published(quoted)]


def _ours(table: Table, block: Block, run: Run) -> list[str]:
    whole = headline_part(table) if "subset" in table.columns else table
    shared = whole.shared_cells()
    wanted = [column for column in whole.columns if any(_is_wanted(column, start) for start in block.columns)]
    # Lines of other measures, such as the cost of an ablation, would be empty here.
    measured = [row for row in whole.rows if any(isinstance(row[column], Estimate) for column in wanted)]
    cells = [[cell_text(row[column]) for column in wanted] for row in measured]
    where = f"[whole table](../results/{run.profile}/tables/{table.name}.csv)"
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
