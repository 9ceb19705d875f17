"""The blocks of ``docs/reproduction.md`` and of the README that hold results, made of ``results/*/measures.csv`` alone.

``python -m experiments.report.pages`` writes each between its two markers.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.report.page_blocks import TABLE_BLOCKS, Run, summary_block, table_block, verdicts_block
from experiments.rows.files import read_rows
from experiments.steps.work_folder import ROOT

PAGE, README = ROOT / "docs" / "reproduction.md", ROOT / "README.md"
RESULTS = ROOT / "results"
_MARK = re.compile(r"<!-- results: (?P<name>[a-z-]+) -->\n.*?<!-- end of results -->", re.DOTALL)


def read_runs(results: str | os.PathLike[str] = RESULTS) -> list[Run]:
    """Every profile with results in a folder, by name."""
    return [Run(path.parent.name, read_rows(path.parent)) for path in sorted(Path(results).glob("*/measures.csv"))]


def with_blocks(page: str, runs: Sequence[Run], *, readme: bool = False) -> str:
    """`page` with every marked block made again: those of ``docs/reproduction.md``, or the README's.

    Raises
    ------
    ValueError
        If a marker names no block of that page, or a block that should be there is not.
    """
    blocks: dict[str, Callable[[], list[str]]] = {"summary": lambda: summary_block(runs)}
    if not readme:
        blocks = {"verdicts": lambda: verdicts_block(runs)}
        blocks |= {name: partial(table_block, name, block, runs) for name, block in TABLE_BLOCKS.items()}
    named = [match["name"] for match in _MARK.finditer(page)]
    if sorted(named) != sorted(blocks):
        raise ValueError(f"page: got blocks {', '.join(named) or 'none'}, expected once each {', '.join(blocks)}")

    def made(match: re.Match[str]) -> str:
        lines = [f"<!-- results: {match['name']} -->", "", *blocks[match["name"]](), "<!-- end of results -->"]
        return "\n".join(lines)

    return _MARK.sub(made, page)


def main() -> int:
    """Write the blocks into both pages."""
    runs = read_runs()
    for page in (PAGE, README):
        write_atomically(page, with_blocks(page.read_text(encoding="utf-8"), runs, readme=page == README))
    return 0


if __name__ == "__main__":
    sys.exit(main())
