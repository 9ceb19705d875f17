"""The pages that hold results: the README, ``results/README.md`` and ``docs/reproduction.md``.

``python -m experiments.report.pages`` writes each block between its two markers, from ``results/*/measures.csv`` alone.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ecgbyte.files import write_atomically
from experiments.report.page_blocks import (
    TABLE_BLOCKS,
    Run,
    outcome_block,
    state_block,
    summary_block,
    table_block,
    verdicts_block,
)
from experiments.rows.files import read_rows
from experiments.steps.work_folder import ROOT

RESULTS = ROOT / "results"
_MARK = re.compile(r"<!-- results: (?P<name>[a-z-]+) -->\n.*?<!-- end of results -->", re.DOTALL)


class Page(NamedTuple):
    """A page with results.

    Attributes
    ----------
    path : Path
        Its file.
    results : str
        The folder ``results``, as a link on the page has it, with a slash at its end; empty in that folder.
    blocks : tuple of str
        What stands on it, each once.
    """

    path: Path
    results: str
    blocks: tuple[str, ...]


README = Page(ROOT / "README.md", "results/", ("outcome",))
RESULTS_PAGE = Page(RESULTS / "README.md", "", ("state", "verdicts", "summary", *TABLE_BLOCKS))
REPRODUCTION = Page(ROOT / "docs" / "reproduction.md", "../results/", ("verdicts",))
PAGES = (README, RESULTS_PAGE, REPRODUCTION)


def read_runs(results: str | os.PathLike[str] = RESULTS) -> list[Run]:
    """Every profile with results in a folder, by name."""
    return [Run(path.parent.name, read_rows(path.parent)) for path in sorted(Path(results).glob("*/measures.csv"))]


def with_blocks(text: str, runs: Sequence[Run], page: Page) -> str:
    """`text` with every marked block made again.

    Parameters
    ----------
    text : str
        What the page holds now.
    runs : sequence of Run
        Where the results come from.
    page : Page
        Which blocks it has, and where it lies.

    Raises
    ------
    ValueError
        If a marker names no block of that page, or a block that should be there is not.
    """
    makers: dict[str, Callable[[Sequence[Run], str], list[str]]] = {
        "outcome": outcome_block,
        "state": state_block,
        "verdicts": verdicts_block,
        "summary": summary_block,
    }
    makers |= {name: partial(table_block, name) for name in TABLE_BLOCKS}
    named = [match["name"] for match in _MARK.finditer(text)]
    if sorted(named) != sorted(page.blocks):
        expected = ", ".join(page.blocks)
        raise ValueError(f"{page.path.name}: got blocks {', '.join(named) or 'none'}, expected once each {expected}")

    def made(match: re.Match[str]) -> str:
        lines = makers[match["name"]](runs, page.results)
        return "\n".join([f"<!-- results: {match['name']} -->", "", *lines, "<!-- end of results -->"])

    return _MARK.sub(made, text)


def main() -> int:
    """Write the blocks into every page."""
    runs = read_runs()
    for page in PAGES:
        write_atomically(page.path, with_blocks(page.path.read_text(encoding="utf-8"), runs, page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
