"""What a reader of ``report.html`` sees and does: cards, switches, sorting, curves, questions, narrow windows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.report.html import html_report
from experiments.report.report import Report
from experiments.rows.groups import method_order
from experiments.rows.schema import ResultRow
from tests.experiments.made_up_rows import SEEDS, made_up_rows
from tests.experiments.report.made_up_report import RATE, curves, is_right, made_up_report, questions

WIDTHS = (1300, 800, 400)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return made_up_report(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return html_report(report)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a few methods, which has all that a whole one has; a checker takes minutes for 10,000 cells."""
    methods, subsets = ("ecg-byte", "merl", "vit", "text-only"), ("all", "generated", "ecg-qa", "single-verify")
    rows = [row for row in made_up_rows() if row.method in methods and row.subset in subsets]
    return html_report(made_up_report(tmp_path_factory.mktemp("small"), rows=rows))


def values(report: Report, **wanted: Any) -> dict[str, ResultRow]:
    """Means over training runs, by method, at each method's own input."""
    return {
        row.method: row
        for row in report.rows
        if row.table == "language-quality"
        and row.seeds == 3
        and row.input == ("text-only" if row.method in ("text-only", "most-frequent", "nearest-question") else "ecg")
        and all(getattr(row, name) == value for name, value in wanted.items())
    }


def column(page: Any, place: int) -> list[str]:
    return page.locator(f"#main-table tbody tr > :nth-child({place})").all_inner_texts()


def test_the_first_screen_answers_in_a_card_for_each_claim(open_page: Callable, html: str, report: Report) -> None:
    page = open_page(html)
    behind = -report.verdicts[0].number.value
    assert page.locator("h1").inner_text() == (
        f"Do ECG tokens match two-stage encoders? Not in these runs: {behind:.0f} points of accuracy behind."
    )
    assert page.title() == page.locator("h1").inner_text()
    cards = page.locator(".card")
    assert cards.count() == len(report.verdicts)
    words = {"holds", "does not hold", "not converged", "cannot be tested here", "undecided"}
    assert {text.split(" ", 1)[1] for text in page.locator(".card .verdict").all_inner_texts()} <= words
    box = cards.first.bounding_box()
    assert box["y"] + box["height"] < 900
    number = page.locator(".card .number").first.inner_text()
    assert re.fullmatch(r"-\d+\.\d\d \[-\d+\.\d\d, -\d+\.\d\d\] points of accuracy, ecg-byte minus .*", number)


def test_the_table_shows_the_headline_sorted_by_value(open_page: Callable, html: str, report: Report) -> None:
    page = open_page(html)
    expected = values(report, metric="accuracy", subset="generated")
    in_order = sorted(expected, key=lambda method: -expected[method].value)
    assert column(page, 1) == in_order
    assert column(page, 3) == [f"{expected[method].value:.2f}" for method in in_order]
    assert page.locator("#main-caption").inner_text() == "accuracy (%), generated questions, shown the ECG, n 1,300"
    assert page.locator("#main-table tr.compared th").inner_text() == "merl"


def test_columns_sort_both_ways(open_page: Callable, html: str) -> None:
    page = open_page(html)
    head = page.locator('#main-table th[data-key="value"]')
    assert head.get_attribute("aria-sort") == "descending"
    falling = column(page, 3)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert [float(text) for text in column(page, 3)] == sorted(map(float, falling))
    page.locator('#main-table th[data-key="method"] button').click()
    assert column(page, 1) == sorted(column(page, 1), key=method_order)
    assert column(page, 1)[0] == "ecg-byte"
    page.locator('#main-table th[data-key="difference"] button').click()
    told = [float(text.replace("\u2212", "-").rstrip("*")) for text in column(page, 5) if text]
    assert told == sorted(told, reverse=True) and len(told) == len(falling) - 1


def test_switches_change_what_is_shown(open_page: Callable, html: str, report: Report) -> None:
    page = open_page(html)
    page.select_option("#subset", "single-query")
    page.select_option("#measure", "meteor")
    expected = values(report, metric="meteor", subset="single-query")
    found = dict(zip(column(page, 1), column(page, 3), strict=True))
    assert found == {method: f"{row.value:.2f}" for method, row in expected.items()}
    # METEOR was not tested in pairs here, and it says so.
    assert "not tested in pairs" in page.locator("#difference-note").inner_text()
    assert all(text.endswith("*") for text in column(page, 5) if text)
    page.select_option("#measure", "accuracy")
    page.select_option("#opponent", "clip")
    assert page.locator("#main-table tr.compared th").inner_text() == "clip"
    page.select_option("#input", "other-patient")
    assert "what the ECG adds over another patient's ECG" in page.locator("#difference-note").inner_text()
    (added,) = [
        row
        for row in report.rows
        if (row.table, row.method, row.metric, row.subset, row.input)
        == ("controls", "merl", "accuracy-difference", "single-query", "other-patient")
    ]
    found = dict(zip(column(page, 1), column(page, 5), strict=True))
    assert found["merl"] == f"+{added.value:.2f}"


def test_bars_lie_where_the_values_are(open_page: Callable, html: str, report: Report) -> None:
    page = open_page(html)
    expected = values(report, metric="accuracy", subset="generated")
    centres, spans = {}, {}
    for place, method in enumerate(column(page, 1)):
        row = page.locator("#main-table tbody tr").nth(place)
        dot, span = row.locator(".dot").bounding_box(), row.locator(".span").bounding_box()
        centres[method], spans[method] = dot["x"] + dot["width"] / 2, span["width"]
    best, worst = max(expected, key=lambda m: expected[m].value), min(expected, key=lambda m: expected[m].value)
    scale = (centres[best] - centres[worst]) / (expected[best].value - expected[worst].value)
    for method, row in expected.items():
        assert centres[method] - centres[worst] == pytest.approx(scale * (row.value - expected[worst].value), abs=1)
        assert spans[method] == pytest.approx(scale * (row.ci_high - row.ci_low), abs=1)


def test_curves_of_chosen_methods(open_page: Callable, html: str) -> None:
    page = open_page(html)
    lines = page.locator("#curve-chart path.line")
    assert lines.count() == 3 * len(SEEDS)
    page.locator('#curve-methods input[value="merl"]').uncheck()
    assert lines.count() == 2 * len(SEEDS)
    assert "merl" not in page.locator("#curve-words").inner_text()
    assert page.locator("#curve-words").inner_text().startswith("accuracy on validation (%) against epochs")
    end = sum(curve.validation[-1, 3] for curve in curves() if curve.method == "ecg-byte") / len(SEEDS)
    assert f"ecg-byte {end:.2f}" in page.locator("#curve-words").inner_text()
    page.select_option("#curve-measure", "area")
    assert "ecg-byte 0.82" in page.locator("#curve-words").inner_text()


def test_curves_of_older_results_show_the_loss(open_page: Callable, report: Report, tmp_path: Path) -> None:
    older = [curve._replace(validation=curve.validation[:, :3]) for curve in curves()]
    page = open_page(html_report(made_up_report(tmp_path, curves=older)))
    assert page.locator("#curve-words").inner_text().startswith("validation loss (nats) against optimiser steps")
    assert not page.locator("#curve-measure").is_visible()


def count(wrong: str = "", right: str = "", kind: str = "") -> int:
    """How many questions one method has wrong in every run and another right in every run."""

    def runs(method: str, place: int) -> list[bool]:
        return [is_right(method, seed, place) for seed in SEEDS]

    return sum(
        (not wrong or not any(runs(wrong, place)))
        and (not right or all(runs(right, place)))
        and (not kind or question.question_type == kind)
        for place, question in enumerate(questions())
    )


def test_questions_begin_with_those_that_ecg_byte_has_wrong(open_page: Callable, html: str) -> None:
    page = open_page(html)
    expected = count("ecg-byte", "merl")
    assert 0 < expected < 30
    assert (
        page.locator("#found").inner_text().startswith(f"{expected} of 30 questions; right: ecg-byte 0 %, merl 100 %")
    )
    shown = page.locator(".asked")
    assert shown.count() == min(expected, 10)
    if expected > 10:
        page.locator("#more-questions").click()
        assert shown.count() == expected
        assert not page.locator("#more-questions").is_visible()


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [("", "", ""), ("merl", "", ""), ("merl", "ecg-byte", ""), ("", "merl", "single-query"), ("vit", "", "")],
)
def test_filters(open_page: Callable, html: str, wrong: str, right: str, kind: str) -> None:
    page = open_page(html)
    for name, value in (("wrong", wrong), ("right", right), ("kind", kind)):
        page.select_option(f"#{name}", value)
    assert page.locator("#found").inner_text().startswith(f"{count(wrong, right, kind)} of 30 questions")


def test_words_are_searched(open_page: Callable, html: str) -> None:
    page = open_page(html)
    for name in ("wrong", "right"):
        page.select_option(f"#{name}", "")
    page.fill("#contains", "QUESTION 7 ")
    assert page.locator(".asked h3").all_inner_texts() == [
        "Question 7 about <i>single-choose</i>? \u2192 normal axis record r3"
    ]
    said = page.locator(".asked li", has_text="merl").inner_text()
    assert said == "\u2713 merl NORMAL AXIS"
    assert (
        page.locator(".asked li.wrong", has_text="ecg-byte").inner_text().startswith("\u2717 ecg-byte <b>wrong 0</b>")
    )
    page.fill("#contains", "no such words")
    assert page.locator("#found").inner_text() == "0 of 30 questions."


def test_the_ecg_of_a_question_stands_beside_it(open_page: Callable, html: str) -> None:
    page = open_page(html)
    for name in ("wrong", "right"):
        page.select_option(f"#{name}", "")
    page.fill("#contains", "r7")
    page.locator(".ecg .trace").first.wait_for()
    article = page.locator(".asked").first
    assert article.locator(".ecg .trace").count() == 12
    assert article.locator(".ecg text").all_text_contents()[:1] == ["I"]
    path = article.locator(".ecg .trace").first.get_attribute("d")
    points = [tuple(map(float, pair.split(" "))) for pair in re.findall(r"[\d.]+ [\d.]+", path)]
    # 2 s at 25 mm/s, and a beat of record 7: 0.8 mV at 10 mm/mV.
    assert points[-1][0] - points[0][0] == pytest.approx(50, abs=1)
    assert max(y for _, y in points) - min(y for _, y in points) == pytest.approx(8, abs=0.1)
    beat = [x - points[0][0] for x, y in points if y == min(y for _, y in points)]
    assert min(beat) == pytest.approx(200 / RATE * 25, abs=0.3)


def test_without_kept_ecgs_the_page_says_so(open_page: Callable, tmp_path: Path) -> None:
    page = open_page(html_report(made_up_report(tmp_path, ecgs=None)))
    assert page.locator("#found").inner_text().endswith("The ECGs are not kept with these results.")
    assert page.locator(".ecg").count() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_contents_stay_in_view_and_nothing_overflows(open_page: Callable, html: str, width: int) -> None:
    page = open_page(html, width)
    page.mouse.wheel(0, 3000)
    page.wait_for_function("scrollY > 1000")
    nav = page.locator("nav").bounding_box()
    assert -1 <= nav["y"] < 100
    page.locator('nav a[href="#everything"]').click()
    assert page.locator("#everything h2").bounding_box()["y"] < 200
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    images = "[...document.images].map((image) => image.complete && image.naturalWidth > 0)"
    assert all(page.evaluate(images)) and page.locator("img").count() > 0


def test_a_link_to_what_is_folded_opens_it(open_page: Callable, html: str) -> None:
    page = open_page(html)
    assert not page.locator("#budget table").first.is_visible()
    page.evaluate("location.hash = 'budget'")
    page.locator("#budget table").first.wait_for(state="visible")


def test_method_names_stay_in_view_on_a_phone(open_page: Callable, html: str) -> None:
    page = open_page(html, 400)
    for box in (page.locator("#results .box"), page.locator("#kinds .box")):
        box.evaluate("(one) => { one.scrollLeft = 10000; }")
        name, own = box.locator("tbody th").first.bounding_box(), box.bounding_box()
        assert own["x"] - 1 <= name["x"] < own["x"] + 5
    # A value stands beside the name without any scrolling.
    value = page.locator("#main-table tbody td.number").first.bounding_box()
    assert value["x"] + value["width"] < 400


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_to_mend(open_page: Callable, small: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = open_page(small, width)
    page.locator(".ecg .trace").first.wait_for()
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    results = axe.Axe().run(page)
    assert [(found["id"], found["nodes"][0]["html"]) for found in results.response["violations"]] == []
    assert {found["id"] for found in results.response["passes"]} >= {"color-contrast", "heading-order", "label"}
