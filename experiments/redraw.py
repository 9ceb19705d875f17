"""Make tables, figures and reports again from what a run left: ``python -m experiments.redraw results/default``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from experiments.figures.catalogue import FIGURES, write_figures
from experiments.report.content import read_content
from experiments.report.html import write_html_report
from experiments.report.markdown import write_report
from experiments.report.whole_folder import replaced_folder
from experiments.rows.files import MEASURES_FILE, read_rows
from experiments.rows.losses import LOSSES_FILE
from experiments.tables.catalogue import write_tables
from experiments.tables.rendering import Table
from experiments.verdicts.catalogue import make_verdicts


def draw_results(folder: str | os.PathLike[str]) -> list[Table]:
    """Write ``tables/``, ``figures/``, ``report.md`` and ``report.html`` of a profile's folder of results.

    Everything comes from ``measures.csv`` and the files beside it, ``losses.json.gz`` and ``report.json``; figures of
    single ECGs, which need the recordings, stay as they lie in ``figures/`` and are shown.

    Returns
    -------
    list of Table
        The tables.

    Raises
    ------
    FileNotFoundError
        If one of them is not there.
    ValueError
        If one of them holds something else.
    """
    folder = Path(folder)
    rows, content = read_rows(folder), read_content(folder)
    tables = write_tables(rows, folder / "tables", content.audit)
    for name in FIGURES:
        (folder / "figures" / f"{name}.png").unlink(missing_ok=True)
    others = sorted((folder / "figures").glob("*.png"))
    figures = [*write_figures(rows, folder / "figures", losses=folder / LOSSES_FILE), *others]
    parts = {"rows": rows, "content": content, "verdicts": make_verdicts(rows), "tables": tables, "figures": figures}
    write_report(folder, **parts)  # type: ignore[arg-type]
    write_html_report(folder, **parts)  # type: ignore[arg-type]
    return tables


def main(arguments: list[str] | None = None) -> int:
    """Redraw the folders named on the command line; 2 where one cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m experiments.redraw", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="such as results/default")
    try:
        for folder in parser.parse_args(arguments).folders:
            if not folder.is_dir():
                raise FileNotFoundError(f"folder: there is no file {folder / MEASURES_FILE}")
            # Beside the folder, so that what lies there stays whole if this stops.
            with replaced_folder(folder, made_again=()) as beside:
                draw_results(beside)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
