"""The pages with results hold what the committed rows give, and keep published numbers apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.report.page_blocks import TABLE_BLOCKS, Run, state_block, table_block, verdicts_block
from experiments.report.pages import PAGES, README, REPRODUCTION, RESULTS_PAGE, Page, read_runs, with_blocks
from experiments.rows.files import write_rows
from experiments.verdicts.catalogue import CLAIMS
from tests.experiments.made_up_rows import made_up_rows


@pytest.fixture(scope="module")
def committed() -> list[Run]:
    return read_runs()


def empty(page: Page) -> str:
    """A page that holds its markers and nothing else."""
    return "\n".join(f"<!-- results: {name} -->\n<!-- end of results -->" for name in page.blocks)


def table_lines(lines: list[str]) -> list[list[str]]:
    """The cells of the lines of a table, its header first, the rule below that left out."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    return [line for line in cells if not line[0].startswith("--")]


@pytest.fixture(scope="module")
def made_up() -> list[Run]:
    return [Run("made-up", made_up_rows())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_the_pages_are_what_the_rows_give(page: Page, committed: list[Run]) -> None:
    text = page.path.read_text(encoding="utf-8")
    assert with_blocks(text, committed, page) == text, "run `python -m experiments.report.pages`"


def test_runs_are_read_by_name(tmp_path: Path) -> None:
    rows = [row for row in made_up_rows() if row.table == "tokenizer"]
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        write_rows(tmp_path / name, rows)
    found = read_runs(tmp_path)
    assert [run.profile for run in found] == ["a", "b"] and len(found[0].rows) == len(rows)


def test_blocks_of_a_whole_run(made_up: list[Run]) -> None:
    page = with_blocks(empty(RESULTS_PAGE), made_up, RESULTS_PAGE)
    for expected in ("`made-up` (small run)", "nearest-question", "tokenizer.num_merges", "minus shuffled-leads"):
        assert expected in page, expected
    assert "not measured." not in page
    assert all(f"(made-up/tables/{name}.csv)" in page for name in TABLE_BLOCKS)
    # Quoted numbers stand in quoted blocks alone.
    quoted = [line for line in page.splitlines() if "arXiv:2510.00261" in line]
    assert quoted and all(line.startswith("> |") for line in quoted)


def test_no_two_lines_of_a_table_say_the_same_of_different_numbers(made_up: list[Run]) -> None:
    header, *lines = table_lines(table_block("transfer", made_up, "results/"))
    named = [tuple(line[: header.index("n")]) for line in lines]
    assert "input" in header and named and len(named) == len(set(named))


def test_state_of_the_runs(made_up: list[Run]) -> None:
    rows = made_up[0].rows
    header, line = table_lines(state_block(made_up, "results/"))
    state = dict(zip(header, line, strict=True))
    assert state["profile"] == "`made-up`" and state["training runs, at most"] == "3"
    methods = {row.method for row in rows if row.table == "language-quality" and row.method != "perfect answers"}
    assert state["methods"] == str(len(methods)) and state["test questions"] == "1,500"
    checked = [row.value for row in rows if row.metric == "converged"]
    assert state["converged"] == f"{int(sum(checked))} of {len(checked)} runs" and checked
    assert "[made-up](results/made-up/report.md)" in "\n".join(state_block(made_up, "results/"))
    unchecked = [row for row in rows if row.table != "convergence"]
    assert table_lines(state_block([Run("early", unchecked)], ""))[1][-1] == "not checked"


def test_verdicts_of_a_page(made_up: list[Run]) -> None:
    only_tokens = Run(
        "ours", [row for row in made_up[0].rows if row.method == "ecg-byte" and row.table != "comparisons"]
    )
    header, *lines = table_lines(verdicts_block([only_tokens, *made_up], ""))
    assert header[1].startswith("`ours`: ") and header[2].startswith("`made-up`: ") and len(header) == 4
    assert len(lines) == len(CLAIMS)
    # A number never stands without what it is.
    assert all(line[-1] for line in lines if any(": " in cell for cell in line[1:-1]))
    # The README leaves out what compares nothing, and what was trained once.
    once = Run("once", [row for row in made_up[0].rows if row.seeds == 1])
    short = with_blocks(empty(README), [only_tokens, once, *made_up], README)
    assert (
        "`ours`" not in short
        and "`once`" not in short
        and "`made-up`" in short
        and "(results/made-up/report.md)" in short
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_pages_without_results_say_so(page: Page) -> None:
    text = with_blocks(empty(page), [], page)
    assert "No results yet." in text and "| `" not in text


def test_summary_of_a_whole_run(made_up: list[Run]) -> None:
    rows = made_up[0].rows
    page = with_blocks(empty(RESULTS_PAGE), made_up, RESULTS_PAGE)
    block = page.split("<!-- results: summary -->")[1].split("<!-- end of results -->")[0]
    lines = [line for line in block.splitlines() if line.startswith("| `")]
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
    text = empty(RESULTS_PAGE)
    with pytest.raises(ValueError, match=r"README\.md: got blocks .*transport.*, expected once each state, verdicts"):
        with_blocks(text.replace("<!-- results: transfer -->", "<!-- results: transport -->"), made_up, RESULTS_PAGE)
    with pytest.raises(ValueError, match=r"reproduction\.md: got blocks none, expected once each verdicts"):
        with_blocks("", made_up, REPRODUCTION)
