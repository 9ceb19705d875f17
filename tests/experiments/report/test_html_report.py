"""``report.html``: valid, self-contained, accessible; in a real browser without overflow and with every image."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from experiments.figures.catalogue import draw_figures, find_figure
from experiments.figures.data import FigureData
from experiments.report.content import Answer, FailedRun, ReportContent
from experiments.report.html import as_json, environment, html_report
from experiments.report.opening import changed_settings, title
from experiments.report.report import Report, ShownFigure
from experiments.rows.estimates import Estimate
from experiments.tables.catalogue import make_tables, table_files
from experiments.tables.table import Table
from experiments.verdicts.catalogue import make_verdicts
from tests.experiments.made_up_rows import around, made_up_rows, row
from tests.experiments.report.made_up_report import CONTENT, made_up_report

_VOID = {"meta", "link", "img", "br", "input", "wbr"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a whole run with some of its figures, beside its tables."""
    folder = tmp_path_factory.mktemp("results")
    made = made_up_report(folder)
    for name in ("tables", "figures"):
        (folder / name).mkdir()
    for figure in made.figures:
        (folder / figure.file).write_bytes(figure.png)
    for table in made.tables:
        for name, text in table_files(table, CONTENT.audit).items():
            (folder / "tables" / name).write_text(text)
    (folder / "tables" / "verdicts.csv").write_text("")
    (folder / "measures.csv").write_text("")
    (folder / "report.html").write_text(html_report(made), encoding="utf-8")
    return folder / "report.html"


class Page(HTMLParser):
    """Elements in order, each with its attributes; fails where tags do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_page_is_whole_and_accessible(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    page = Page(text)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(page.all("table")) == len(page.all("caption")) == len(page.all("thead")) > 20
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.all("th"))
    assert page.all("img") and all(len(str(attributes["alt"])) > 20 for attributes in page.all("img"))
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    for link in page.all("a"):
        target = str(link["href"])
        assert target[1:] in identities if target.startswith("#") else (report.parent / target).is_file(), target


def test_page_asks_for_nothing_from_elsewhere(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    page = Page(text)
    assert all("src" not in attributes for attributes in page.all("script"))
    assert not page.all("iframe") and "@import" not in text and "url(" not in text
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert str(policy).startswith("default-src 'none'")
    assert all(str(attributes["src"]).startswith("data:image/png;base64,") for attributes in page.all("img"))
    assert [attributes["href"] for attributes in page.all("link")] == ["data:,"]
    assert str(report.parent) not in text


def test_page_says_what_matters_first(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    order = ["Do ECG tokens match", "Small run.", "vit, seed 2", "as well as the best two-stage", 'id="main-table"']
    order += ['id="kinds"', 'id="curve"', 'id="questions"', 'id="language-quality"', 'id="tokenizer"']
    places = [text.index(words) for words in [*order, 'id="what-ran"', 'id="audit"', 'id="answers"', 'id="data"']]
    assert places == sorted(places)
    for escaped in ("A run &amp; nothing &lt;else&gt;.", "RuntimeError: &lt;lost&gt;", "&lt;b&gt;this", "(empty)"):
        assert escaped in text
    for kind in ("fails", "untested"):
        assert f'<p class="verdict {kind}">' in text


HOSTILE = "<script>alert(1)</script>&\"'><img src=x onerror=y>"


def test_whatever_is_printed_is_escaped() -> None:
    content = ReportContent(
        note=HOSTILE,
        audit=HOSTILE,
        deviations=(HOSTILE,),
        failed=(FailedRun(HOSTILE, HOSTILE),),
        answers={HOSTILE: (Answer(HOSTILE, HOSTILE, HOSTILE, HOSTILE),)},
    )
    named = {"method": HOSTILE, "dataset": HOSTILE, "profile": HOSTILE, "device": HOSTILE}
    rows = [row._replace(**named) for row in made_up_rows() if row.method == "merl" and row.table != "ablations"]
    tables = [dataclasses.replace(table, title=HOSTILE, notes=(HOSTILE, f"`{HOSTILE}`")) for table in make_tables(rows)]
    verdicts = [dataclasses.replace(verdict, claim=HOSTILE, evidence=HOSTILE) for verdict in make_verdicts(rows)]
    png = draw_figures(FigureData(made_up_rows()), [find_figure("transfer")])["transfer"]
    assert png is not None
    figures = [ShownFigure(HOSTILE.replace("/", ""), png, "", HOSTILE)]
    asked = {"samples": ["s0"], "texts": [HOSTILE], "forms": [0], "questions": [["single-verify", 0, 0, HOSTILE, ""]]}
    asked |= {"methods": {HOSTILE: [[0]]}}
    text = html_report(Report(rows, content, verdicts, tables, figures, asked=asked))
    page = Page(text)
    scripts = len(Page(html_report(Report(rows, CONTENT, [], tables))).all("script"))
    assert len(page.all("script")) == scripts and HOSTILE not in text
    assert all(str(image["src"]).startswith("data:image/png;base64,") for image in page.all("img"))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.all("img")[0]["alt"] == HOSTILE
    # It is there to be read: note, audit, deviation, failed run and its error, answers, methods, titles ...
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#34;&#39;&gt;") > 30


def test_a_template_that_names_what_is_not_there_fails() -> None:
    with pytest.raises(UndefinedError, match="nothing_such"):
        environment().from_string("{{ nothing_such }}").render()


def test_cells() -> None:
    rows = [{"method": "a<b", "seeds": 3, "x": Estimate(1.5, 1.0, 2.0)}, {"method": "c", "seeds": 3}]
    table = Table.of("name", "Title", ("method", "seeds", "x"), rows)
    macros = environment().get_template("tables.html.j2").module
    text = str(macros.data_table(table, "Words & more"))  # type: ignore[attr-defined]
    assert "Words &amp; more. In all rows: seeds 3.</span></caption>" in text
    assert '<th scope="row">a&lt;b</th><td class="number">1.50 <span class="interval">[1.00, 2.00]</span></td>' in text
    assert '<th scope="row">c</th><td class="number"></td>' in text
    written = str(macros.text_table(("a", "b"), [["1", "<x>"]], "Caption"))  # type: ignore[attr-defined]
    assert "<td>&lt;x&gt;</td>" in written


def test_data_in_the_page_cannot_end_its_element() -> None:
    hostile = {"a": "</script><!--", "b": ["&amp;"]}
    text = as_json(hostile)
    assert json.loads(text) == hostile and not set("<>&") & set(text)
    with pytest.raises(ValueError, match="Out of range float"):
        as_json({"a": float("nan")})


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ([], "These runs do not compare them."),
        (["quality"], "Not known yet: training had not converged."),
        (["quality", "converged"], "Not in these runs: 30 points of accuracy behind."),
        (["better", "converged"], "Yes, in these runs."),
        (["changes"], "Not known yet: training had not converged."),
        (["changes", "converged"], "1 of 2 changes make a difference of 2 points of accuracy or more."),
    ],
)
def test_the_title_answers(rows: list[str], answer: str) -> None:
    made = {
        "quality": [row("language-quality", name, "accuracy", v) for name, v in (("ecg-byte", 50), ("merl", 80))],
        "better": [row("language-quality", name, "accuracy", v) for name, v in (("ecg-byte", 90), ("merl", 80))],
        "converged": [row("convergence", name, "converged", 1) for name in ("ecg-byte", "merl")],
        "changes": [
            row("ablations", "ecg-byte", metric, value, variant=variant, **around(value, 1))
            for variant, metric, value in (
                ("base", "accuracy", 50),
                ("a.b=1", "accuracy", 45),
                ("a.b=1", "accuracy-difference", -5),
                ("a.b=2", "accuracy", 51),
                ("a.b=2", "accuracy-difference", 1),
            )
        ],
    }
    chosen = [one for name in rows for one in made[name]]
    assert title(make_verdicts(chosen), changed_settings(chosen), chosen)[1] == answer


def test_templates_go_with_the_sources() -> None:
    root = Path(__file__).resolve().parents[3]
    manifest = (root / "MANIFEST.in").read_text(encoding="utf-8")
    line = next(line for line in manifest.splitlines() if line.startswith("recursive-include experiments "))
    folders = [root / "experiments" / "report" / name for name in ("templates", "scripts")]
    kinds = {path.suffix for folder in folders for path in folder.iterdir()}
    assert ".js" in kinds and all(f"*{kind}" in line.split() for kind in kinds)
