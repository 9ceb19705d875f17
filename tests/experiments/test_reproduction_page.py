"""``docs/reproduction.md`` holds what the committed rows give, and keeps published numbers apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.reproduction_page import PAGE, with_blocks
from experiments.row_files import write_rows
from tests.experiments.made_up_rows import made_up_rows


def test_the_page_is_what_the_rows_give() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_blocks(page) == page


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert all((PAGE.parent / link).is_file() for link in links)


def test_blocks_of_a_whole_run(tmp_path: Path) -> None:
    folder = tmp_path / "made-up"
    folder.mkdir()
    write_rows(folder / "runs.csv", made_up_rows())
    page = with_blocks(PAGE.read_text(encoding="utf-8"), tmp_path)
    for expected in ("| `made-up` (small run)", "nearest-question", "tokenizer.num_merges", "minus shuffled-leads"):
        assert expected in page, expected
    assert "not measured." not in page
    # Quoted numbers stand in quoted blocks alone.
    quoted = [line for line in page.splitlines() if "arXiv:2510.00261" in line]
    assert quoted and all(line.startswith("> |") for line in quoted)


def test_other_blocks_are_refused() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="expected once each verdicts"):
        with_blocks(page.replace("<!-- results: transfer -->", "<!-- results: transport -->"))
    with pytest.raises(ValueError, match="got blocks none"):
        with_blocks("")
