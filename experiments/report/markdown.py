"""``report.md`` of a profile: the verdicts, what ran, the audit, every table and figure, and answers to read."""

from __future__ import annotations

from experiments.report.report import ANSWERS_HEADER, RAN_HEADER, SMALL_RUN, Report, ShownFigure
from experiments.tables.rendering import markdown_lines, markdown_text, to_markdown


def markdown_report(report: Report) -> str:
    """A report as Markdown, in which whatever comes from data or models is text and no HTML."""
    content = report.content
    parts = [f"# Results of profile `{markdown_text(report.profile)}`", "", markdown_text(content.note), ""]
    if report.is_small:
        parts += [f"> **Small run.** {SMALL_RUN}", ""]
    parts += [
        "`python -m experiments.redraw` writes the same as one page, `report.html`, with all parts of all tables.",
        "",
    ]
    if content.failed:
        parts += ["## Runs that did not end", ""]
        parts += [*(f"- **{markdown_text(run)}**: {markdown_text(error)}" for run, error in content.failed), ""]
    parts += ["## Claims and verdicts", ""]
    for verdict in report.verdicts:
        texts = (verdict.name, verdict.verdict, verdict.claim, verdict.evidence, verdict.note)
        parts += ["- {}: **{}**. {} {} *{}*".format(*(markdown_text(text) for text in texts))]
        parts += [f"  Depends on: {markdown_text(verdict.depends_on)}."] if verdict.depends_on else []
    parts += ["", "## What ran", "", *markdown_lines(RAN_HEADER, report.what_ran), ""]
    for line in report.provenance:
        parts += [markdown_text(line), ""]
    parts += ["All values: [measures.csv](measures.csv), one row a run and metric.", ""]
    parts += ["## Where this differs from what was published", ""]
    parts += [f"- {markdown_text(deviation)}" for deviation in content.deviations] or ["- Nothing was named."]
    parts += [""]
    for table in report.shown_tables:
        parts += [to_markdown(table, content.audit, first_part=True)]
        parts += [f"As CSV: [{table.name}.csv](tables/{table.name}.csv)", ""]
        parts += [line for figure in report.figures_under(table.name) for line in _figure(figure)]
    if report.not_measured:
        parts += [markdown_text(report.not_measured), ""]
    if report.other_figures:
        parts += ["## Other figures", "", *(line for figure in report.other_figures for line in _figure(figure))]
    if report.answers:
        parts += ["## Generated answers", ""]
    for method, lines in report.answers:
        parts += [f"### {markdown_text(method)}", "", *markdown_lines(ANSWERS_HEADER, lines), ""]
    return "\n".join(parts).rstrip("\n") + "\n"


def _figure(figure: ShownFigure) -> list[str]:
    return [f"![{markdown_text(figure.words)}]({figure.file})", ""]
