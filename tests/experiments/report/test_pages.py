"""``docs/reproduction.md`` holds what the committed rows give, and keeps published numbers apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.report.pages import PAGE, README, with_blocks
from experiments.rows.files import write_rows
from tests.experiments.made_up_rows import made_up_rows


@pytest.mark.parametrize("path", [PAGE, README])
def test_the_pages_are_what_the_rows_give(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert with_blocks(page, readme=path == README) == page


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert all((PAGE.parent / link).is_file() for link in links)


def test_blocks_of_a_whole_run(tmp_path: Path) -> None:
    folder = tmp_path / "made-up"
    folder.mkdir()
    write_rows(folder, made_up_rows())
    page = with_blocks(PAGE.read_text(encoding="utf-8"), tmp_path)
    for expected in ("| `made-up` (small run)", "nearest-question", "tokenizer.num_merges", "minus shuffled-leads"):
        assert expected in page, expected
    assert "not measured." not in page
    # Quoted numbers stand in quoted blocks alone.
    quoted = [line for line in page.splitlines() if "arXiv:2510.00261" in line]
    assert quoted and all(line.startswith("> |") for line in quoted)


def test_summary_of_a_whole_run(tmp_path: Path) -> None:
    folder = tmp_path / "made-up"
    folder.mkdir()
    rows = made_up_rows()
    write_rows(folder, rows)
    page = with_blocks("<!-- results: summary -->\n<!-- end of results -->\n", tmp_path, readme=True)
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(lines) == len({row.method for row in rows})
    merl = next(line for line in lines if line.startswith("| `merl` "))
    accuracy = next(
        r
        for r in rows
        if (r.table, r.method, r.metric, r.input, r.subset, r.seeds)
        == ("language-quality", "merl", "accuracy", "ecg", "all", 3)
    )
    assert f"{accuracy.value:.2f} [{accuracy.ci_low:.2f}, {accuracy.ci_high:.2f}]" in merl
    assert merl.count("[") == 6


def test_other_blocks_are_refused() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="expected once each verdicts"):
        with_blocks(page.replace("<!-- results: transfer -->", "<!-- results: transport -->"))
    with pytest.raises(ValueError, match="got blocks none"):
        with_blocks("")
