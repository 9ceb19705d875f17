"""``docs/reproduction.md`` holds what the committed rows give, and keeps published numbers apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.report.page_blocks import Run
from experiments.report.pages import PAGE, README, read_runs, with_blocks
from experiments.rows.files import write_rows
from tests.experiments.made_up_rows import made_up_rows


@pytest.fixture(scope="module")
def committed() -> list[Run]:
    return read_runs()


@pytest.fixture(scope="module")
def made_up() -> list[Run]:
    return [Run("made-up", made_up_rows())]


@pytest.mark.parametrize("path", [PAGE, README])
def test_the_pages_are_what_the_rows_give(path: Path, committed: list[Run]) -> None:
    page = path.read_text(encoding="utf-8")
    assert with_blocks(page, committed, readme=path == README) == page


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert all((PAGE.parent / link).is_file() for link in links)


def test_runs_are_read_by_name(tmp_path: Path) -> None:
    rows = [row for row in made_up_rows() if row.table == "tokenizer"]
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        write_rows(tmp_path / name, rows)
    found = read_runs(tmp_path)
    assert [run.profile for run in found] == ["a", "b"] and len(found[0].rows) == len(rows)


def test_blocks_of_a_whole_run(made_up: list[Run]) -> None:
    page = with_blocks(PAGE.read_text(encoding="utf-8"), made_up)
    for expected in ("| `made-up` (small run)", "nearest-question", "tokenizer.num_merges", "minus shuffled-leads"):
        assert expected in page, expected
    assert "not measured." not in page
    # Quoted numbers stand in quoted blocks alone.
    quoted = [line for line in page.splitlines() if "arXiv:2510.00261" in line]
    assert quoted and all(line.startswith("> |") for line in quoted)


def test_no_two_lines_of_a_table_say_the_same_of_different_numbers(committed: list[Run]) -> None:
    page = with_blocks(PAGE.read_text(encoding="utf-8"), committed)
    block = page.split("<!-- results: transfer -->")[1].split("<!-- end of results -->")[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines() if line.startswith("| ")]
    header = next(line for line in lines if line[0] == "method")
    named = [tuple(line[: header.index("n")]) for line in lines if line is not header and not line[0].startswith("-")]
    assert "input" in header and named and len(named) == len(set(named))


def test_summary_of_a_whole_run(made_up: list[Run]) -> None:
    rows = made_up[0].rows
    page = with_blocks("<!-- results: summary -->\n<!-- end of results -->\n", made_up, readme=True)
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    # A line a method, and one of perfect answers.
    assert len(lines) == len({row.method for row in rows})
    merl = next(line for line in lines if line.startswith("| `merl` "))
    accuracy = next(
        r
        for r in rows
        if (r.table, r.method, r.metric, r.input, r.subset, r.seeds)
        == ("language-quality", "merl", "accuracy", "ecg", "generated", 3)
    )
    assert f"{accuracy.value:.2f} [{accuracy.ci_low:.2f}, {accuracy.ci_high:.2f}]" in merl
    assert merl.count("[") == 6


def test_other_blocks_are_refused(made_up: list[Run]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="expected once each verdicts"):
        with_blocks(page.replace("<!-- results: transfer -->", "<!-- results: transport -->"), made_up)
    with pytest.raises(ValueError, match="got blocks none"):
        with_blocks("", made_up)
