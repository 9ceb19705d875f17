"""``report.md`` of a profile: the verdicts, what ran, the audit, every table and figure, and answers to read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.report.content import ReportContent
from experiments.rows.groups import groups, method_order
from experiments.rows.schema import ResultRow, check_rows
from experiments.tables.rendering import Table, markdown_lines, to_markdown
from experiments.verdicts.parts import Verdict

ANSWERS_SHOWN = 5
SMALL_RUN = (
    "Few records, a small model, little training. The values show that the path works and how the methods compare "
    "under equal terms here; they are not comparable with published ones."
)
RAN_HEADER = ("method", "data set", "training runs", "inputs", "test questions", "device")


def write_report(
    folder: str | os.PathLike[str],
    *,
    rows: Iterable[ResultRow],
    content: ReportContent,
    verdicts: Sequence[Verdict],
    tables: Sequence[Table],
    figures: Sequence[str | os.PathLike[str]],
) -> Path:
    """Write ``report.md`` into a profile's folder of results.

    Parameters
    ----------
    folder : path-like
        ``results/<profile>``.
    rows : iterable of ResultRow
        The content of its ``runs.csv``.
    content : ReportContent
        The words around tables and figures.
    verdicts : sequence of Verdict
        As `experiments.verdicts.catalogue.make_verdicts` gives them for the rows.
    tables : sequence of Table
        As `experiments.tables.catalogue.write_tables` returned them.
    figures : sequence of path-like
        PNG files below `folder`, linked in this order.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If there are no rows, they are of several profiles or do not go together, or a figure lies elsewhere.
    """
    folder = Path(folder)
    rows = check_rows(rows)
    parts = [f"# Results of profile `{profile_of(rows)}`", "", content.note, ""]
    if is_small(rows):
        parts += [f"> **Small run.** {SMALL_RUN}", ""]
    parts += ["The same as one page with all tables and figures: [report.html](report.html).", ""]
    if content.failed:
        parts += ["## Runs that did not end", ""]
        parts += [*(f"- **{failed.run}**: {failed.error}" for failed in content.failed), ""]
    parts += ["## Claims and verdicts", ""]
    for verdict in verdicts:
        parts += [f"- **{verdict.verdict}**: {verdict.claim} {verdict.evidence} *{verdict.note}*"]
    parts += ["", "## What ran", "", *markdown_lines(RAN_HEADER, what_ran(rows)), "", *provenance(rows), ""]
    parts += ["All values: [measures.csv](measures.csv), one row a run and metric.", ""]
    parts += ["## Where this differs from what was published", ""]
    parts += [f"- {deviation}" for deviation in content.deviations] or ["- Nothing was named."]
    parts += [""]
    for table in tables:
        if table.rows:
            text = to_markdown(table, content.audit, first_part=True)
            parts += [text, f"As CSV: [{table.name}.csv](tables/{table.name}.csv)", ""]
    parts += [not_measured(tables), ""] if not_measured(tables) else []
    if figures:
        parts += ["## Figures", ""]
        for figure in figures:
            place = place_below(folder, Path(figure))
            parts += [f"![{Path(place).stem.replace('-', ' ')}]({place})", ""]
    parts += _answers(content)
    write_atomically(folder / "report.md", "\n".join(parts).rstrip("\n") + "\n")
    return folder / "report.md"


def profile_of(rows: Sequence[ResultRow]) -> str:
    """The one profile of some rows.

    Raises
    ------
    ValueError
        If there is none, or several.
    """
    profiles = sorted({row.profile for row in rows})
    if len(profiles) != 1:
        raise ValueError(f"rows: got rows of {', '.join(profiles) or 'no profile'}, expected those of one profile")
    return profiles[0]


def is_small(rows: Iterable[ResultRow]) -> bool:
    """Whether any value is of a small run."""
    return any(row.scale == "small run" for row in rows)


def what_ran(rows: Sequence[ResultRow]) -> list[list[str]]:
    """Lines under `RAN_HEADER`: each method with its training runs and what stood in the place of the ECG."""
    lines = []
    for (method, dataset), group in groups(rows, "method", "dataset"):
        inputs = ", ".join(str(name) for (name,), _ in groups(group, "input"))
        runs = max(max(row.seeds for row in group), len({row.seed for row in group if row.seed is not None}))
        asked = max((row.n for row in group if row.table in ("language-quality", "transfer")), default=0)
        lines.append([str(method), str(dataset), str(runs), inputs, f"{asked:,}", _distinct(r.device for r in group)])
    return lines


def provenance(rows: Sequence[ResultRow]) -> list[str]:
    """Fingerprints and versions: what is needed to run the same again."""
    named = {
        "Configuration": _distinct(row.configuration_fingerprint for row in rows),
        "data": _distinct(row.data_fingerprint for row in rows),
        "tokenizer": _distinct(row.tokenizer_fingerprint for row in rows),
    }
    lines = []
    if any(named.values()):
        lines = [", ".join(f"{name} {value}" for name, value in named.items() if value) + ".", ""]
    versions = {name: version for text in {row.versions for row in rows} for name, version in json.loads(text).items()}
    if versions:
        lines += ["Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".", ""]
    code = _distinct(row.code_version for row in rows)
    return [*lines, f"Code: {code}."] if code else lines[:-1]


def not_measured(tables: Iterable[Table]) -> str:
    """A sentence with the tables that this profile has no rows for; empty where there are none."""
    empty = [table.title[0].lower() + table.title[1:] for table in tables if not table.rows]
    return f"Not measured in this profile: {'; '.join(empty)}." if empty else ""


def place_below(folder: Path, figure: Path) -> str:
    """Where a figure lies, seen from the report's folder.

    Raises
    ------
    ValueError
        If it lies elsewhere.
    """
    try:
        return figure.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as error:
        raise ValueError(f"figures: {figure} does not lie below {folder}; the report could not be moved") from error


def _answers(content: ReportContent) -> list[str]:
    parts: list[str] = []
    for method in sorted(content.answers, key=method_order):
        answers = content.answers[method][:ANSWERS_SHOWN]
        if answers:
            lines = [[a.question, a.reference, a.answer or "(empty)", a.record_id] for a in answers]
            parts += [f"### {method}", "", *markdown_lines(("question", "reference", "answer", "record"), lines), ""]
    return ["## Generated answers", "", *parts] if parts else []


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}))
