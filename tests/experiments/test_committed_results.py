"""The results in the repository are small, and their tables are what their rows give; test_check checks the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.report.verdict_table import verdict_table
from experiments.rows.files import read_rows
from experiments.tables.catalogue import make_tables
from experiments.tables.rendering import to_csv
from experiments.verdicts.catalogue import make_verdicts

RESULTS = Path(__file__).resolve().parents[2] / "results"
FOLDERS = sorted(file.parent for file in RESULTS.glob("*/measures.csv") if file.parent.name != "smoke")


def test_the_profiles_that_the_readme_shows_are_there() -> None:
    assert {"ablations", "default", "ptbxl"} <= {folder.name for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_tables_are_what_the_rows_give(folder: Path) -> None:
    rows = read_rows(folder)
    assert {row.profile for row in rows} == {folder.name}
    for table in (verdict_table(make_verdicts(rows)), *make_tables(rows)):
        assert (folder / "tables" / f"{table.name}.csv").read_text(encoding="utf-8") == to_csv(table)


def test_a_clone_can_carry_them() -> None:
    # What redraw makes of the rest is not committed.
    made = [*RESULTS.glob("*/report.html"), *RESULTS.glob("*/tables/*.md"), *RESULTS.glob("*/tables/*.tex")]
    files = {path for path in RESULTS.rglob("*") if path.is_file()} - set(made) - set((RESULTS / "smoke").rglob("*"))
    assert sum(path.stat().st_size for path in files) <= 15_000_000
