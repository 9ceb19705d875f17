"""The results in the repository are small, and their tables are what their rows give; test_check checks the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.report.verdict_table import verdict_table
from experiments.rows.files import read_rows
from experiments.rows.metrics import FROM_BEST
from experiments.tables.catalogue import make_tables
from experiments.tables.rendering import to_csv
from experiments.verdicts.catalogue import make_verdicts
from experiments.verdicts.values import best_of, quality

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
    # What redraw makes of the rest is not committed. Most of it is text.
    made = [*RESULTS.glob("*/report.html"), *RESULTS.glob("*/tables/*.md"), *RESULTS.glob("*/tables/*.tex")]
    files = {path for path in RESULTS.rglob("*") if path.is_file()} - set(made) - set((RESULTS / "smoke").rglob("*"))
    assert sum(path.stat().st_size for path in files) <= 18_000_000


@pytest.mark.parametrize("profile", ["ablations", "ptbxl"])
def test_ablations_stand_beside_the_best_two_stage_method(profile: str) -> None:
    rows = [row for row in read_rows(RESULTS / profile) if row.input == "ecg"]
    best = best_of(rows, rows[0].dataset, "two-stage")
    assert best is not None
    whole = quality(rows, rows[0].dataset, best, "accuracy")
    assert whole is not None
    compared = [row for row in rows if row.metric == FROM_BEST]
    assert {row.method for row in compared} >= {"ecg-byte", "ecg-byte-plus"} and best not in {
        r.method for r in compared
    }
    for row in compared:
        (own,) = (
            other
            for other in rows
            if (other.table, other.metric, other.method, other.variant, other.seeds, other.seed)
            == ("ablations", "accuracy", row.method, row.variant, row.seeds, row.seed)
        )
        assert row.value == pytest.approx(own.value - whole.value, abs=3e-6)
        # Paired, so no wider than from the outermost ends of both.
        assert own.ci_low - whole.high < row.ci_low < row.value < row.ci_high < own.ci_high - whole.low
