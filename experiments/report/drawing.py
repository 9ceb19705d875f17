"""Tables, figures and reports of a folder of results, made of the files there and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.figures.catalogue import FIGURES, draw_figures, find_figure
from experiments.figures.data import FigureData
from experiments.report.asked import read_asked
from experiments.report.content import read_content
from experiments.report.ecg_file import ECGS_FILE, read_ecgs
from experiments.report.html import html_report
from experiments.report.markdown import markdown_report
from experiments.report.report import Report, ShownFigure
from experiments.report.verdict_table import verdict_table
from experiments.rows.files import read_rows
from experiments.rows.losses import LOSSES_FILE, read_curves
from experiments.steps.token_usage import TOKENS_FILE, read_token_usage
from experiments.tables.catalogue import TABLES, make_tables, table_files
from experiments.tables.table import Table
from experiments.verdicts.catalogue import make_verdicts


def draw_results(folder: str | os.PathLike[str], into: str | os.PathLike[str] | None = None) -> list[Table]:
    """Write ``tables/``, ``figures/``, ``report.md`` and ``report.html`` of a profile's folder of results.

    Everything comes from ``measures.csv`` and the files beside it: ``losses.json.gz``, ``tokens.json`` (where there is
    one), ``report.json`` and, for questions and answers, ``answers/`` and ``ecgs.json.gz`` (where they are). Figures of
    single ECGs, which need the recordings, stay as they lie in ``figures/`` and are shown. All is made before the first
    file is written, and each file is written whole.

    Parameters
    ----------
    folder : path-like
        What is read, such as ``results/default``.
    into : path-like or None
        Where to write; into `folder` itself by default.

    Returns
    -------
    list of Table
        The tables.

    Raises
    ------
    FileNotFoundError
        If one of the files is not there.
    ValueError
        If one of them holds something else.
    """
    folder, into = Path(folder), Path(folder if into is None else into)
    rows, content = read_rows(folder), read_content(folder)
    usage = read_token_usage(folder / TOKENS_FILE) if (folder / TOKENS_FILE).is_file() else {}
    curves = read_curves(folder / LOSSES_FILE)
    drawn = draw_figures(FigureData(rows, curves, usage))
    tables, verdicts = make_tables(rows), make_verdicts(rows)
    figures = _shown_figures(folder / "figures", drawn)
    asked, ecgs = read_asked(folder / "answers"), read_ecgs(folder / ECGS_FILE)
    report = Report(rows, content, verdicts, tables, figures, curves, asked, ecgs)
    files: dict[str, str | bytes] = {"report.md": markdown_report(report), "report.html": html_report(report)}
    latex = {table.name: entry.latex for table, entry in zip(tables, TABLES, strict=True)}
    for table in (verdict_table(verdicts), *tables):
        found = table_files(table, content.audit, latex.get(table.name, ()))
        files |= {f"tables/{name}": text for name, text in found.items()}
    files |= {f"figures/{name}.png": png for name, png in drawn.items() if png is not None}
    for name, written in files.items():
        (into / name).parent.mkdir(exist_ok=True)
        write_atomically(into / name, written)
    for name in (name for name, png in drawn.items() if png is None):
        (into / "figures" / f"{name}.png").unlink(missing_ok=True)
    return tables


def _shown_figures(folder: Path, drawn: Mapping[str, bytes | None]) -> list[ShownFigure]:
    """The figures just drawn and those that lie in the folder beside them, in the order of the catalogue."""
    pictures = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.png")) if path.stem not in drawn}
    pictures |= {name: png for name, png in drawn.items() if png is not None}
    order = {entry.name: place for place, entry in enumerate(FIGURES)}
    entries = {name: find_figure(name) for name in pictures}
    names = sorted(pictures, key=lambda name: (order.get(entries[name].name, len(order)), name))
    return [ShownFigure(name, pictures[name], entries[name].under, entries[name].words) for name in names]
