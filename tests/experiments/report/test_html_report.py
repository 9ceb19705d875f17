"""``report.html``: valid, self-contained, accessible; in a real browser without overflow and with every image."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from experiments.figures.catalogue import draw_figures, find_figure
from experiments.figures.data import FigureData
from experiments.report.content import Answer, FailedRun, ReportContent
from experiments.report.html import environment, html_report
from experiments.report.report import Report, ShownFigure
from experiments.rows.estimates import Estimate
from experiments.tables.catalogue import make_tables, table_files
from experiments.tables.table import Table
from experiments.verdicts.catalogue import make_verdicts
from tests.experiments.made_up_rows import made_up_rows

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_VOID = {"meta", "link", "img", "br"}
CONTENT = ReportContent(
    note="A run & nothing <else>.",
    audit="patients in two splits: 0",
    deviations=("Less than <published>.",),
    failed=(FailedRun("vit, seed 2", "RuntimeError: <lost>"),),
    answers={"merl": (Answer("Is <b>this</b> normal?", "yes", "", "00017"),)},
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a whole run with some of its figures, beside its tables."""
    folder = tmp_path_factory.mktemp("results")
    rows = made_up_rows()
    drawn = draw_figures(FigureData([row for row in rows if row.table in ("ablations", "transfer")]))
    tables = make_tables(rows)
    for name in ("tables", "figures"):
        (folder / name).mkdir()
    figures = [
        ShownFigure(name, png, find_figure(name).under, find_figure(name).words)
        for name, png in drawn.items()
        if png is not None
    ]
    for figure in figures:
        (folder / figure.file).write_bytes(figure.png)
    for name, text in {
        name: text for table in tables for name, text in table_files(table, CONTENT.audit).items()
    }.items():
        (folder / "tables" / name).write_text(text)
    (folder / "tables" / "verdicts.csv").write_text("")
    (folder / "measures.csv").write_text("")
    page = html_report(Report(rows, CONTENT, make_verdicts(rows), tables, figures))
    (folder / "report.html").write_text(page, encoding="utf-8")
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
    assert not page.all("script") and not page.all("iframe") and "@import" not in text and "url(" not in text
    assert all(str(attributes["src"]).startswith("data:image/png;base64,") for attributes in page.all("img"))
    assert [attributes["href"] for attributes in page.all("link")] == ["data:,"]
    assert str(report.parent) not in text


def test_page_says_what_matters_first(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    order = [
        "Small run.",
        "vit, seed 2",
        "Claims and verdicts",
        "as well as the best two-stage",
        'id="language-quality"',
    ]
    places = [text.index(words) for words in [*order, 'id="tokenizer"', 'id="what-ran"', 'id="audit"', 'id="answers"']]
    assert places == sorted(places)
    for escaped in ("A run &amp; nothing &lt;else&gt;.", "RuntimeError: &lt;lost&gt;", "&lt;b&gt;this", "(empty)"):
        assert escaped in text
    for kind in ("fails", "untested"):
        assert f'<span class="verdict {kind}">' in text


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
    text = html_report(Report(rows, content, verdicts, tables, figures))
    page = Page(text)
    assert not page.all("script") and HOSTILE not in text
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


def test_templates_go_with_the_sources() -> None:
    root = Path(__file__).resolve().parents[3]
    manifest = (root / "MANIFEST.in").read_text(encoding="utf-8")
    line = next(line for line in manifest.splitlines() if line.startswith("recursive-include experiments "))
    kinds = {path.suffix for path in (root / "experiments" / "report" / "templates").iterdir()}
    assert kinds and all(f"*{kind}" in line.split() for kind in kinds)


_SCRIPT = """<script>addEventListener("load", () => {
  document.querySelectorAll("details").forEach(part => part.open = true);
  const images = [...document.images];
  const page = document.documentElement;
  top.postMessage({width: innerWidth, content: page.scrollWidth, images: images.length,
    loaded: images.filter(image => image.complete && image.naturalWidth > 0).length,
    wide: [...document.querySelectorAll(".box")].filter(box => box.scrollWidth > box.clientWidth).length}, "*");
});</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
@pytest.mark.parametrize("width", [400, 1300])
def test_page_in_a_browser(report: Path, tmp_path: Path, width: int) -> None:
    (tmp_path / "page.html").write_text(report.read_text(encoding="utf-8").replace("</body>", _SCRIPT))
    frame = f'<iframe src="page.html" style="width:{width}px;height:800px;border:0"></iframe>'
    listen = "addEventListener('message', event => document.title = JSON.stringify(event.data))"
    (tmp_path / "frame.html").write_text(f"<!DOCTYPE html><title></title><script>{listen}</script>{frame}")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    command += ["--disable-background-networking", "--disable-component-update", "--virtual-time-budget=10000"]
    command += [f"--user-data-dir={tmp_path / 'browser'}", "--window-size=1400,1000", "--dump-dom"]
    finished = subprocess.run(
        [*command, (tmp_path / "frame.html").as_uri()], capture_output=True, text=True, timeout=120
    )
    found = re.search(r"<title>(.+?)</title>", finished.stdout)
    assert found, finished.stderr[-2000:]
    seen = json.loads(found[1])
    assert seen["width"] == width
    assert seen["content"] <= width, seen
    assert seen["images"] == seen["loaded"] > 0
    # Wide tables scroll inside their boxes.
    assert seen["wide"] > 0
