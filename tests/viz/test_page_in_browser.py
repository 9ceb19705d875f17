"""What a reader of the page sees and does: slider, pointer, touch, keyboard, narrow windows, accessibility."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ecgbyte import ECGTokenizer, Encoding, Record
from ecgbyte.viz import token_page
from ecgbyte.viz.measures import with_merges
from ecgbyte.viz.paper import lay_out
from tests.viz.shown_records import beat_tokenizer, beating_record

WIDTHS = (1300, 800, 400)


@pytest.fixture(scope="module")
def tokenizer() -> ECGTokenizer:
    return beat_tokenizer(150)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return [beating_record(7), beating_record(8)]


@pytest.fixture(scope="module")
def html(tokenizer, records) -> str:
    return token_page(records, tokenizer)


def marks_expected(record: Record, encoding: Encoding, token: int, layout: str = "3x4", first: int = 0) -> int:
    """On how many stretches of the paper a token stands."""
    paper = lay_out(record.signal, record.sampling_rate, record.lead_names, layout, first)
    return sum(
        record.lead_names[panel.lead] == lead and start < panel.stop and stop > panel.start
        for place in np.flatnonzero(encoding.ids == token)
        for lead, start, stop in encoding.spans(place)
        for row in paper.rows
        for panel in row.panels
    )


def on_screen(page: Any, record: Record, lead: str, second: float) -> tuple[float, float]:
    """Where a moment of a lead (in a 3 x 4 layout, not the rhythm strip) is on the screen."""
    paper = lay_out(record.signal, record.sampling_rate, record.lead_names, "3x4")
    index = record.lead_names.index(lead)
    sample = round(second * record.sampling_rate)
    row, panel = next(
        (row, panel)
        for row in paper.rows
        for panel in row.panels
        if panel.lead == index and panel.start <= sample < panel.stop
    )
    # In the middle of the sample's step.
    x = panel.left + (sample + 0.5 - panel.start) / record.sampling_rate * 25
    box = page.locator("#ecg").bounding_box()
    scale = box["width"] / paper.width
    return box["x"] + x * scale, box["y"] + (row.zero - 10 * float(record.signal[index, sample])) * scale


def token_at(encoding: Encoding, lead: int, sample: int) -> int:
    here = (encoding.leads == lead) & (encoding.offsets[:, 0] <= sample) & (encoding.offsets[:, 1] > sample)
    (place,) = np.flatnonzero(here)
    return int(encoding.ids[place])


def card_token(page: Any) -> int:
    return int(page.locator("#card h2").inner_text().removeprefix("Token "))


def test_the_slider_cuts_the_record_anew(open_page: Callable, html, tokenizer, records):
    page = open_page(html)
    count = page.locator("#token-count")
    assert count.inner_text() == f"{tokenizer.encode(records[0]).num_tokens:,}"
    assert page.locator("#sample-count").inner_text() == "12,000"
    slider = page.locator("#merges")
    slider.press("Home")
    assert count.inner_text() == "12,000"
    assert slider.get_attribute("aria-valuetext") == "0 merges"
    for _ in range(9):
        slider.press("ArrowRight")
    assert page.locator("#merges-number").input_value() == "9"
    assert count.inner_text() == f"{with_merges(tokenizer, 9).encode(records[0]).num_tokens:,}"
    slider.press("End")
    assert count.inner_text() == f"{tokenizer.encode(records[0]).num_tokens:,}"


def test_number_matching_and_record_can_be_chosen(open_page: Callable, html, tokenizer, records):
    page = open_page(html)
    page.locator("#merges-number").fill("77")
    page.locator("#merges-number").press("Enter")
    page.select_option("#record", label="beats-8")
    page.select_option("#matching", "merge-order")
    expected = with_merges(tokenizer, 77).with_matching("merge-order").encode(records[1]).num_tokens
    assert expected != with_merges(tokenizer, 77).encode(records[1]).num_tokens
    assert page.locator("#token-count").inner_text() == f"{expected:,}"
    page.locator("#merges-number").fill("9999")
    page.locator("#merges-number").press("Enter")
    assert page.locator("#merges-number").input_value() == "150"


def test_pointing_shows_where_else_a_token_occurs_and_clicking_keeps_it(open_page: Callable, html, tokenizer, records):
    page = open_page(html)
    record, encoding = records[0], tokenizer.encode(records[0])
    token = token_at(encoding, record.lead_names.index("aVL"), 311)
    page.mouse.move(*on_screen(page, record, "aVL", 3.11))
    assert card_token(page) == token
    assert page.locator(".occurrence").count() == marks_expected(record, encoding, token) > 0
    assert page.locator(".occurrence.current").count() == 1
    assert "lead aVL, 3." in page.locator("#card .here").inner_text()
    times = int((encoding.ids == token).sum())
    assert page.locator("#card .frequency strong").inner_text() == ("Once" if times == 1 else f"{times:,} times")
    page.mouse.click(*on_screen(page, record, "aVL", 3.11))
    page.mouse.move(5, 5)
    assert card_token(page) == token
    # Another one is shown while the pointer is on it, and the kept one again when it leaves.
    other = token_at(encoding, record.lead_names.index("V5"), 900)
    assert other != token
    page.mouse.move(*on_screen(page, record, "V5", 9.0))
    assert card_token(page) == other
    page.mouse.move(5, 5)
    assert card_token(page) == token


def test_the_card_tells_letters_length_merge_and_parents(open_page: Callable, html, tokenizer, records):
    page = open_page(html)
    encoding = tokenizer.encode(records[0])
    token = max(set(encoding.ids.tolist()))
    left, right = tokenizer.merges[token - 26].tolist()
    page.locator("#order").select_option("merge")
    while not page.locator(f'.tile[data-token="{token}"]').count():
        page.locator("#more-tiles").click()
    page.locator(f'.tile[data-token="{token}"]').click()
    assert card_token(page) == token
    symbols = tokenizer.vocabulary.token_symbols(token)
    runs = [(chr(97 + symbol), len(list(group))) for symbol, group in itertools.groupby(symbols.tolist())]
    letters = "".join(letter + (str(times) if times > 1 else "") for letter, times in runs)
    assert page.locator("#card .letters").inner_text().replace("\n", "") == letters
    assert f"{10 * len(symbols)} ms ({len(symbols)} samples)" in page.locator("#card .card-shape").inner_text()
    parents = page.locator("#card .parent").all_inner_texts()
    assert parents == [f"token {left}", f"token {right}"]
    assert f"Merge {token - 25} of 150 joined" in page.locator("#card .origin").inner_text()
    page.locator("#card .parent").first.click()
    assert card_token(page) == left


def test_a_tap_highlights_all_occurrences(browser: Any, tmp_path, html, tokenizer, records):
    path = tmp_path / "page.html"
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(viewport={"width": 800, "height": 900}, has_touch=True)
    page = context.new_page()
    page.goto(path.as_uri())
    record, encoding = records[0], tokenizer.encode(records[0])
    page.touchscreen.tap(*on_screen(page, record, "V1", 6.4))
    token = token_at(encoding, record.lead_names.index("V1"), 640)
    assert card_token(page) == token
    assert page.locator(".occurrence").count() == marks_expected(record, encoding, token)
    context.close()


def test_the_keyboard_goes_from_token_to_token(open_page: Callable, html, tokenizer, records):
    page = open_page(html)
    encoding = tokenizer.encode(records[0])
    page.locator("#ecg").focus()
    page.keyboard.press("Escape")
    assert page.locator(".occurrence").count() == 0
    first_lead = encoding.ids[encoding.leads == 0]
    for place in (0, 1, 2):
        page.keyboard.press("ArrowRight")
        assert card_token(page) == first_lead[place]
    page.keyboard.press("ArrowLeft")
    assert card_token(page) == first_lead[1]
    assert re.match(rf"Token {first_lead[1]}, .*lead I, ", page.locator("#spoken").inner_text())
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    assert card_token(page) == encoding.ids[encoding.leads == 1][0]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")  # the rhythm strip
    page.keyboard.press("End")
    assert card_token(page) == encoding.ids[encoding.leads == 1][-1]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_card_stays_in_view_beside_the_vocabulary_and_can_be_closed(open_page: Callable, html, width):
    page = open_page(html, width)
    tile = page.locator(".tile").nth(20)
    tile.click()
    assert card_token(page) == int(tile.get_attribute("data-token"))
    box = page.locator("#card").bounding_box()
    assert box["y"] >= 0 and box["y"] + min(box["height"], 100) <= 900
    page.get_by_role("button", name="Let go of this token").click()
    assert "Point at the trace or tap it" in page.locator("#card").inner_text()
    assert page.locator(".occurrence").count() == 0


def test_previous_and_next_place_go_round(open_page: Callable, html, tokenizer, records):
    page = open_page(html)
    encoding = tokenizer.encode(records[0])
    page.locator(".tile").first.click()
    token = card_token(page)
    times = int((encoding.ids == token).sum())
    assert times > 2
    page.get_by_role("button", name="First place in this ECG").click()
    page.get_by_role("button", name="Previous").click()
    assert f"{times} of {times}" in page.locator("#card .steps").inner_text()
    assert page.locator(".occurrence.current").count() >= 1  # turned to a layout in which it can be seen
    page.get_by_role("button", name="Next").click()
    assert f"1 of {times}" in page.locator("#card .steps").inner_text()


def test_clipped_peaks_are_red_and_the_decoded_signal_comes_on_request(open_page: Callable, html, records):
    page = open_page(html)
    signal = records[0].signal.astype(float)
    outside = int(((signal < -1.0) | (signal > 1.2)).sum())
    assert f"so cut off: {outside:,} samples" in page.locator("#clipped-note").inner_text()
    assert page.locator("#ecg .clipped").count() > 0
    assert page.locator("#ecg .clipped").first.evaluate("e => getComputedStyle(e).stroke") == "rgb(224, 0, 0)"
    assert page.locator("#ecg .decoded").count() == 0
    page.get_by_label("what the tokens decode to").check()
    assert page.locator("#ecg .decoded").count() == 13


@pytest.mark.parametrize("layout", ["3x4", "6x2", "12x1"])
def test_rows_of_tall_beats_do_not_overlap(open_page: Callable, html, records, layout):
    page = open_page(html)
    page.select_option("#layout", layout)
    extents = page.locator("#ecg g.row").evaluate_all(
        "rows => rows.map((row) => { const box = row.getBBox(); return [box.y, box.y + box.height]; })"
    )
    assert len(extents) == {"3x4": 4, "6x2": 8, "12x1": 12}[layout]
    for upper, lower in itertools.pairwise(extents):
        assert upper[1] < lower[0]


def test_the_vocabulary_by_use(open_page: Callable, html, tokenizer, records):
    page = open_page(html)
    ids = np.concatenate([tokenizer.encode(record).ids for record in records])
    counts = np.bincount(ids, minlength=176)
    page.locator(".tile").first.wait_for()  # the page counts a moment after it is drawn
    assert (
        f"{np.count_nonzero(counts)} of 176 tokens occur in the 2 ECGs"
        in page.locator("#vocabulary-summary").inner_text()
    )
    shown = [int(tile.get_attribute("data-token")) for tile in page.locator(".tile").all()]
    expected = sorted(np.flatnonzero(counts).tolist(), key=lambda token: (-counts[token], token))
    assert shown == expected[: len(shown)]
    runs = [token for token in range(26, 176) if len(set(tokenizer.vocabulary.token_symbols(token).tolist())) == 1]
    covered = int((counts * tokenizer.vocabulary.lengths)[runs].sum())
    assert (
        f"{100 * covered / 24_000:.1f} % of the samples lie in runs" in page.locator("#vocabulary-summary").inner_text()
    )
    page.select_option("#only-shape", label="flat")
    shown = [int(tile.get_attribute("data-token")) for tile in page.locator(".tile").all()]
    assert shown == [token for token in expected if token in runs][: len(shown)]
    page.locator("#merges").press("Home")
    page.locator(".tile").first.wait_for(state="detached")  # without merges there are no runs
    assert "0.0 % of the samples lie in runs" in page.locator("#vocabulary-summary").inner_text()


def test_a_long_record_is_shown_window_by_window(open_page: Callable, tokenizer):
    record = beating_record(3, seconds=23)
    page = open_page(token_page([record], tokenizer))
    assert page.locator("#window option").all_inner_texts() == ["0 to 10 s", "10 to 20 s", "20 to 23 s"]
    page.select_option("#window", label="20 to 23 s")
    assert "II (20 to 23 s)" in page.locator("#ecg .lead-name").all_text_contents()
    assert page.locator("#record-control").is_hidden()


def test_the_token_named_at_the_start_is_chosen(open_page: Callable, tokenizer, records):
    token = int(np.bincount(with_merges(tokenizer, 60).encode(records[0]).ids).argmax())
    page = open_page(token_page(records, tokenizer, num_merges=60, token=token))
    assert card_token(page) == token
    assert page.locator("#merges-number").input_value() == "60"
    assert page.locator(".occurrence").count() > 0


def test_a_token_that_fewer_merges_have_not_made_is_said_so(open_page: Callable, tokenizer, records):
    page = open_page(token_page(records, tokenizer, token=170))
    page.locator("#merges").press("Home")
    assert "Token 170 is not there yet: it is made by merge 145" in page.locator("#card").inner_text()
    assert page.locator(".occurrence").count() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_its_window(open_page: Callable, html, width):
    page = open_page(html, width)
    page.locator(".tile").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#layout").input_value() == ("6x2" if width == 400 else "3x4")
    paper = page.locator("#ecg").bounding_box()
    assert paper["width"] >= 0.85 * min(width, 940)
    # Names of leads stay legible.
    assert page.locator("#ecg .lead-name").first.bounding_box()["height"] >= 9


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_to_mend(open_page: Callable, html, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = open_page(html, width)
    page.locator(".tile").first.wait_for()
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    results = axe.Axe().run(page)
    assert [(found["id"], found["nodes"][0]["html"]) for found in results.response["violations"]] == []
    assert {found["id"] for found in results.response["passes"]} >= {"color-contrast", "heading-order", "label"}
