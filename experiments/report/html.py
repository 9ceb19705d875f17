"""``report.html``: one page that holds all of a profile's results and needs nothing from elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.figures.catalogue import FIGURE_WORDS, FIGURES_OF
from experiments.report.content import ReportContent
from experiments.report.html_parts import figure_block, page, table_section, text_table
from experiments.report.markdown import (
    ANSWERS_SHOWN,
    RAN_HEADER,
    SMALL_RUN,
    is_small,
    not_measured,
    place_below,
    profile_of,
    provenance,
    what_ran,
)
from experiments.rows.groups import method_order
from experiments.rows.schema import ResultRow, check_rows
from experiments.tables.rendering import Table
from experiments.verdicts.parts import DEPENDS, FAILS, HOLDS, UNTESTED, Verdict

# A sign beside the words, so that verdicts are told apart without colour.
_SIGNS = {HOLDS: ("holds", "✓"), FAILS: ("fails", "✗"), DEPENDS: ("depends", "±"), UNTESTED: ("untested", "–")}


def write_html_report(
    folder: str | os.PathLike[str],
    *,
    rows: Iterable[ResultRow],
    content: ReportContent,
    verdicts: Sequence[Verdict],
    tables: Sequence[Table],
    figures: Sequence[str | os.PathLike[str]],
) -> Path:
    """Write ``report.html`` into a profile's folder of results; parameters and errors as `write_report`."""
    folder = Path(folder)
    rows = check_rows(rows)
    title = f"Results of profile {profile_of(rows)}"
    places = {Path(figure).stem: (Path(figure), place_below(folder, Path(figure))) for figure in figures}
    shown = [table for table in tables if table.rows]
    body = ["<header>", f"<h1>{escape(title)}</h1>", f"<p>{escape(content.note)}</p>"]
    if is_small(rows):
        body.append(f'<p class="banner" role="note"><strong>Small run.</strong> {escape(SMALL_RUN)}</p>')
    body += [*_failed(content), "</header>", "<main>", *_verdicts(verdicts), _contents(shown)]
    used: set[str] = set()
    for table in shown:
        section = table_section(table)
        names = [name for name in FIGURES_OF.get(table.name, ()) if name in places]
        used |= set(names)
        body += [*section[:-1], *(_figure(places[name]) for name in names), section[-1]]
    others = [name for name in places if name not in used]
    if others:
        body += ['<section id="other-figures"><h2>Other figures</h2>', *(_figure(places[name]) for name in others)]
        body.append("</section>")
    if not_measured(tables):
        body.append(f"<p>{escape(not_measured(tables))}</p>")
    body += [*_what_ran(rows), *_audit(content), *_answers(content), *_configuration(rows), "</main>"]
    write_atomically(folder / "report.html", page(title, body))
    return folder / "report.html"


def _failed(content: ReportContent) -> list[str]:
    if not content.failed:
        return []
    items = [f"<li><strong>{escape(item.run)}</strong>: {escape(item.error)}</li>" for item in content.failed]
    return ['<div class="failed" role="alert"><h2>Runs that did not end</h2><ul>', *items, "</ul></div>"]


def _verdicts(verdicts: Sequence[Verdict]) -> list[str]:
    lines = ['<section id="verdicts"><h2>Claims and verdicts</h2><ul class="verdicts">']
    for verdict in verdicts:
        kind, sign = _SIGNS[verdict.verdict]
        lines += [
            f'<li><p><span class="verdict {kind}">{sign} {escape(verdict.verdict)}</span> '
            f"<strong>{escape(verdict.claim)}</strong></p>",
            f"<p>{escape(verdict.evidence)}</p>",
            f"<details><summary>How it is decided, and who claims it</summary><p>{escape(verdict.note)}</p>"
            f"<p>Claimed by: {escape(verdict.source)}; {escape(verdict.where)}.</p></details></li>",
        ]
    return [*lines, '</ul><p>As CSV: <a href="tables/verdicts.csv">verdicts.csv</a></p></section>']


def _contents(tables: Sequence[Table]) -> str:
    links = [(table.name, table.title) for table in tables]
    links += [("what-ran", "What ran"), ("audit", "Audit and deviations"), ("answers", "Generated answers")]
    items = "".join(f'<li><a href="#{escape(name)}">{escape(title)}</a></li>' for name, title in links)
    return f'<nav aria-label="Contents"><ul>{items}</ul></nav>'


def _figure(place: tuple[Path, str]) -> str:
    path, link = place
    return figure_block(path, link, FIGURE_WORDS.get(path.stem, path.stem.replace("-", " ").capitalize() + "."))


def _what_ran(rows: Sequence[ResultRow]) -> list[str]:
    lines = ['<section id="what-ran"><h2>What ran</h2>', *text_table(RAN_HEADER, what_ran(rows), "What ran")]
    lines += [f"<p>{escape(line)}</p>" for line in provenance(rows) if line]
    lines.append('<p>All values: <a href="measures.csv">measures.csv</a>, one row a run and metric.</p></section>')
    return lines


def _audit(content: ReportContent) -> list[str]:
    items = [f"<li>{escape(deviation)}</li>" for deviation in content.deviations] or ["<li>Nothing was named.</li>"]
    return [
        f'<section id="audit"><h2>Audit of the splits</h2><pre tabindex="0">{escape(content.audit.strip())}</pre>',
        "<h2>Where this differs from what was published</h2><ul>",
        *items,
        "</ul></section>",
    ]


def _answers(content: ReportContent) -> list[str]:
    lines = ['<section id="answers"><h2>Generated answers</h2>']
    lines.append(f"<p>The first {ANSWERS_SHOWN} of each method, taking turns among the types of question.</p>")
    for method in sorted(content.answers, key=method_order):
        answers = content.answers[method][:ANSWERS_SHOWN]
        texts = [[a.question, a.reference, a.answer or "(empty)", a.record_id] for a in answers]
        if texts:
            header = ("question", "reference", "answer", "record")
            table = text_table(header, texts, f"Answers of {method}", words=True)
            lines += [f"<h3>{escape(method)}</h3>", *table]
    return [*lines, "</section>"]


def _configuration(rows: Sequence[ResultRow]) -> list[str]:
    lines = ['<section id="configuration"><h2>Configuration</h2>']
    for text in sorted({row.configuration for row in rows}):
        pretty = json.dumps(json.loads(text), indent=1, sort_keys=True)
        lines.append(f'<details><summary>Settings</summary><pre tabindex="0">{escape(pretty)}</pre></details>')
    return [*lines, "</section>"]
