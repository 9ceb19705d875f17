"""What a report shows, whatever its form: `experiments.report.markdown` and `experiments.report.html` print it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from experiments.report.content import ReportContent
from experiments.rows.estimates import Estimate
from experiments.rows.groups import at_own_input, groups, headline, method_order, most_seeds
from experiments.rows.losses import Curve
from experiments.rows.schema import ResultRow
from experiments.tables.table import Table
from experiments.verdicts.parts import Verdict

ANSWERS_SHOWN = 5
SMALL_RUN = (
    "Few records, a small model, little training. The values show that the path works and how the methods compare "
    "under equal terms here; they are not comparable with published ones."
)
RAN_HEADER = ("method", "data set", "training runs", "inputs", "test questions", "device")
ANSWERS_HEADER = ("question", "reference", "answer", "record")


# Kinds of questions, in words.
KINDS = {
    "single-verify": "yes or no",
    "single-choose": "which of two",
    "single-query": "list of findings",
    "several-findings": "several findings",
    "report": "whole reports",
}


class KindsOfQuestions(NamedTuple):
    """Columns in words, and lines of a method and its values, None where a kind was not asked."""

    columns: list[str]
    rows: list[tuple[str, list[Estimate | None]]]


class ShownFigure(NamedTuple):
    """A figure of a report: its name, its PNG, the table that it stands under, and what it shows in words."""

    name: str
    png: bytes
    under: str
    words: str

    @property
    def file(self) -> str:
        """Where it lies, seen from the report's folder."""
        return f"figures/{self.name}.png"


@dataclass(frozen=True)
class Report:
    """All that a report shows.

    Attributes
    ----------
    rows : sequence of ResultRow
        Of one profile.
    content : ReportContent
        The words around tables and figures.
    verdicts : sequence of Verdict
    tables : sequence of Table
        In this order; those without rows are named, not shown.
    figures : sequence of ShownFigure
        In this order below each table.
    curves : sequence of Curve
        What training and validation said.
    asked : mapping or None
        Every question and answer, as `experiments.report.asked.read_asked` gives them.
    ecgs : mapping or None
        What the questions are about, as `experiments.report.ecg_file.read_ecgs` gives it.

    Raises
    ------
    ValueError
        If there are no rows, or they are of several profiles.
    """

    rows: Sequence[ResultRow]
    content: ReportContent
    verdicts: Sequence[Verdict]
    tables: Sequence[Table]
    figures: Sequence[ShownFigure] = ()
    curves: Sequence[Curve] = ()
    asked: Mapping[str, Any] | None = None
    ecgs: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        profiles = sorted({row.profile for row in self.rows})
        if len(profiles) != 1:
            raise ValueError(f"rows: got rows of {', '.join(profiles) or 'no profile'}, expected those of one profile")

    @property
    def profile(self) -> str:
        """The one profile of the rows."""
        return self.rows[0].profile

    @property
    def is_small(self) -> bool:
        """Whether any value is of a small run."""
        return is_small(self.rows)

    @property
    def shown_tables(self) -> list[Table]:
        """The tables that have rows."""
        return [table for table in self.tables if table.rows]

    @property
    def not_measured(self) -> str:
        """A sentence with the tables that this profile has no rows for; empty where there are none."""
        empty = [table.title[0].lower() + table.title[1:] for table in self.tables if not table.rows]
        return f"Not measured in this profile: {'; '.join(empty)}." if empty else ""

    def figures_under(self, table: str) -> list[ShownFigure]:
        """The figures that stand below a table."""
        return [figure for figure in self.figures if figure.under == table]

    @property
    def other_figures(self) -> list[ShownFigure]:
        """The figures that no shown table has."""
        named = {table.name for table in self.shown_tables}
        return [figure for figure in self.figures if figure.under not in named]

    @cached_property
    def kinds(self) -> KindsOfQuestions:
        """Accuracy of every method on the headline's questions and on each kind of them."""
        measured = [
            row
            for row in at_own_input(most_seeds(row for row in self.rows if row.table == "language-quality"))
            if row.metric == "accuracy"
        ]
        first = [headline(measured, name) for name in sorted({row.dataset for row in measured})][:1]
        there = {row.subset for row in measured}
        columns = [*first, *(name for name in KINDS if name in there)] if there & KINDS.keys() else []
        lines = []
        for (method,), group in groups(measured, "method"):
            found = {row.subset: row for row in group}
            lines.append((str(method), [Estimate.of(found.get(name)) for name in columns]))
        words = [KINDS.get(name, f"{name} questions") for name in columns]
        return KindsOfQuestions(words, lines if columns else [])

    @cached_property
    def what_ran(self) -> list[list[str]]:
        """Lines under `RAN_HEADER`: each method with its training runs and what stood in the place of the ECG."""
        lines = []
        ran = [row for row in self.rows if row.table != "ceilings"]
        for (method, dataset), group in groups(ran, "method", "dataset"):
            inputs = ", ".join(str(name) for (name,), _ in groups(group, "input"))
            runs = max(max(row.seeds for row in group), len({row.seed for row in group if row.seed is not None}))
            asked = max((row.n for row in group if row.table in ("language-quality", "transfer")), default=0)
            device = _distinct(row.device for row in group)
            lines.append([str(method), str(dataset), str(runs), inputs, f"{asked:,}", device])
        return lines

    @cached_property
    def provenance(self) -> list[str]:
        """Fingerprints, versions and code, a paragraph each: what is needed to run the same again."""
        named = {
            "Configuration": _distinct(row.configuration_fingerprint for row in self.rows),
            "data": _distinct(row.data_fingerprint for row in self.rows),
            "tokenizer": _distinct(row.tokenizer_fingerprint for row in self.rows),
        }
        texts = {row.versions for row in self.rows}
        versions = sorted({pair for text in texts for pair in json.loads(text).items()})
        code = _distinct(row.code_version for row in self.rows)
        lines = [", ".join(f"{name} {value}" for name, value in named.items() if value)]
        lines += ["Versions: " + ", ".join(f"{name} {version}" for name, version in versions) if versions else ""]
        lines += [f"Code: {code}" if code else ""]
        return [f"{line}." for line in lines if line]

    @property
    def answers(self) -> list[tuple[str, list[list[str]]]]:
        """Methods with lines under `ANSWERS_HEADER`; those without answers are left out."""
        shown = []
        for method in sorted(self.content.answers, key=method_order):
            answers = self.content.answers[method][:ANSWERS_SHOWN]
            if answers:
                shown.append((method, [[a.question, a.reference, a.answer or "(empty)", a.record_id] for a in answers]))
        return shown

    @property
    def settings(self) -> list[str]:
        """Every configuration of the rows as indented JSON."""
        texts = sorted({row.configuration for row in self.rows})
        return [json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) for text in texts]


def is_small(rows: Iterable[ResultRow]) -> bool:
    """Whether any value is of a small run."""
    return any(row.scale == "small run" for row in rows)


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}))
