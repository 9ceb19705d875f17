"""Pieces of an HTML page: tables that scroll inside a box of their own, figures as part of the page, and its style."""

from __future__ import annotations

import base64
import math
import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from experiments.rows.estimates import Cell, Estimate, cell_text
from experiments.tables.rendering import QUOTED_AT_ONCE, QUOTED_HEADER, QUOTED_TITLE, Table, in_words, quoted_lines

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a;
  background: #fff; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; border-top: 1px solid #ccc; padding-top: .8rem; }
h3 { font-size: 1.05rem; margin: 1.2rem 0 .3rem; }
a { color: #004f7c; }
nav ul { columns: 16rem; padding-left: 1.2rem; margin: .3rem 0; }
.banner, .failed { padding: .6rem .9rem; border-left: .4rem solid #e69f00; background: #fff6e0; }
.failed { border-color: #b00020; background: #fdecee; }
.failed h2 { border: 0; margin: 0; padding: 0; }
.box { overflow: auto; max-height: 80vh; border: 1px solid #ccc; margin: .5rem 0; }
.box:focus { outline: 2px solid #0072b2; }
table { border-collapse: separate; border-spacing: 0; font-size: .85rem; min-width: 100%; }
caption { text-align: left; padding: .4rem .6rem; font-weight: 600; }
caption span { position: sticky; left: .6rem; display: inline-block; max-width: min(70rem, 88vw); }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #e2e2e2; text-align: left; vertical-align: top;
  white-space: nowrap; overflow-wrap: normal; }
thead th { position: sticky; top: 0; z-index: 2; background: #eef3f7; white-space: normal; min-width: 4.5rem;
  vertical-align: bottom; border-bottom: 1px solid #999; }
tbody th { font-weight: 600; position: sticky; left: 0; z-index: 1; background: #fff; }
.words tbody th { white-space: normal; max-width: 45vw; }
thead th:first-child { left: 0; z-index: 3; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.interval { color: #555; font-size: .92em; }
.words td { white-space: normal; min-width: 9rem; }
.quoted { border: 1px dashed #999; background: #f7f7f7; padding: .3rem .8rem .6rem; margin: .8rem 0; }
.quoted thead th, .quoted tbody th { background: #f0f0f0; }
.notes { font-size: .88rem; color: #333; margin: .3rem 0 .6rem; padding-left: 1.2rem; }
.verdicts { list-style: none; padding: 0; }
.verdicts > li { border: 1px solid #ddd; border-radius: .3rem; padding: .5rem .8rem; margin: .5rem 0; }
.verdicts p { margin: .15rem 0; } .verdicts details { font-size: .88rem; color: #333; }
.verdict { font-weight: 700; white-space: nowrap; border: 2px solid; border-radius: .3rem; padding: 0 .4rem; }
.holds { color: #00664a; } .fails { color: #a03a00; } .depends { color: #5b4200; } .untested { color: #555; }
figure { margin: 1rem 0; } figcaption { font-size: .88rem; }
img { max-width: 100%; height: auto; border: 1px solid #eee; display: block; }
pre { overflow: auto; background: #f5f5f5; padding: .6rem; font-size: .8rem; }
summary { cursor: pointer; padding: .2rem 0; }
@media (max-width: 40rem) { body { padding: .6rem; } th, td { padding: .2rem .4rem; }
  tbody th { max-width: 34vw; white-space: normal; } }
@media print { .box { max-height: none; overflow: visible; } }
"""


def page(title: str, body: Sequence[str]) -> str:
    """A whole page that asks for nothing from elsewhere."""
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n'
    )
    return head + "\n".join(body) + "\n</body>\n</html>\n"


def table_section(table: Table) -> list[str]:
    """A table with its parts, notes, quoted numbers and links to its CSV files, under a heading of its own."""
    lines = [f'<section id="{escape(table.name)}">', f"<h2>{escape(table.title)}</h2>"]
    for number, (name, part) in enumerate(table.divided()):
        words = f"{table.title}, {table.parts} {name}" if name else table.title
        block = data_table(part, words)
        if number:
            block = [f"<details><summary>{escape(table.parts)}: {escape(name)}</summary>", *block, "</details>"]
        lines += block
    if table.notes:
        lines += ['<ul class="notes">', *(f"<li>{_note(note)}</li>" for note in table.notes), "</ul>"]
    lines += [f'<p>As CSV: <a href="tables/{escape(table.name)}.csv">{escape(table.name)}.csv</a></p>']
    if table.quoted:
        file = f"{escape(table.name)}-quoted.csv"
        lines += ['<div class="quoted">', f"<h3>{QUOTED_TITLE}</h3>"]
        numbers = text_table(QUOTED_HEADER, quoted_lines(table), f"{QUOTED_TITLE}: {table.title}")
        if len(table.quoted) > QUOTED_AT_ONCE:
            numbers = [f"<details><summary>{len(table.quoted)} numbers</summary>", *numbers, "</details>"]
        lines += numbers
        lines += [f'<p>As CSV: <a href="tables/{file}">{file}</a></p>', "</div>"]
    return [*lines, "</section>"]


def data_table(table: Table, caption: str) -> list[str]:
    """One table in its box; what all its rows share stands in the caption."""
    shared = table.shared_cells() if len(table.rows) > 1 else {}
    kept = table.without(shared)
    words = f"{caption}. In all rows: {in_words(shared)}" if any(shared.values()) else caption
    numbers = [all(not isinstance(row[name], str) for row in kept.rows) for name in kept.columns]
    lines = [
        *_open(caption),
        f"<caption><span>{escape(words)}.</span></caption>",
        _header(kept.columns, numbers),
        "<tbody>",
    ]
    for row in kept.rows:
        cells = [_cell(cell, number) for cell, number in zip(row.values(), numbers, strict=True)]
        cells[0] = f'<th scope="row">{_content(next(iter(row.values())))}</th>'
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return [*lines, "</tbody></table></div>"]


def text_table(
    header: Sequence[str], lines: Sequence[Sequence[str]], caption: str, *, words: bool = False
) -> list[str]:
    """A table of texts; with `words`, of sentences that may break."""
    parts = [*_open(caption, "words" if words else "")]
    parts += [f"<caption><span>{escape(caption)}.</span></caption>", _header(header, [False] * len(header)), "<tbody>"]
    for line in lines:
        cells = [f'<th scope="row">{escape(line[0])}</th>', *(f"<td>{escape(cell)}</td>" for cell in line[1:])]
        parts.append(f"<tr>{''.join(cells)}</tr>")
    return [*parts, "</tbody></table></div>"]


def figure_block(path: str | os.PathLike[str], place: str, words: str) -> str:
    """A PNG as part of the page, with a link to its file."""
    from PIL import Image

    path = Path(path)
    with Image.open(path) as image:
        width, height = image.size
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    source = f'src="data:image/png;base64,{data}" width="{width}" height="{height}"'
    caption = f'{escape(words)} <a href="{escape(place)}">{escape(Path(place).name)}</a>'
    return f'<figure><img alt="{escape(words)}" {source}><figcaption>{caption}</figcaption></figure>'


def _note(note: str) -> str:
    """A note as HTML; what stands between backticks, as in Markdown, is code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(note))


def _open(label: str, kind: str = "") -> list[str]:
    named = f' class="{kind}"' if kind else ""
    return [f'<div class="box" role="region" tabindex="0" aria-label="{escape(label)}"><table{named}>']


def _header(names: Sequence[str], numbers: Sequence[bool]) -> str:
    cells = [
        f'<th scope="col"{" class=number" if number else ""}>{escape(name)}</th>'
        for name, number in zip(names, numbers, strict=True)
    ]
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _cell(cell: Cell, number: bool) -> str:
    return f"<td{' class=number' if number else ''}>{_content(cell)}</td>"


def _content(cell: Cell) -> str:
    text = escape(cell_text(cell))
    if isinstance(cell, Estimate) and not math.isnan(cell.low):
        value, interval = text.split(" ", 1)
        return f'{value} <span class="interval">{interval}</span>'
    return text
