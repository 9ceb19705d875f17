"""The page as text: complete in itself, small, the same each time; nothing that is given can become markup in it."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from ecgbyte import ECGTokenizer, Record
from ecgbyte.viz import token_page
from ecgbyte.viz.page import SCRIPTS
from ecgbyte.viz.page_content import clipped_stretches
from tests.viz.shown_records import beat_tokenizer, beating_record

HOSTILE = "</script><script>alert('x')</script><!-- & \u2028 \"'"


def content_of(html: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="content">(.*?)</script>', html, flags=re.DOTALL)
    return json.loads(text)


@pytest.fixture(scope="module")
def tokenizer() -> ECGTokenizer:
    return beat_tokenizer(60)


def test_the_page_holds_symbols_merges_and_clipped_stretches(tokenizer):
    record = beating_record(7)
    content = content_of(token_page([record], tokenizer, filter_lines=["notch 50 Hz"]))
    (shown,) = content["records"]
    symbols = np.frombuffer(base64.b64decode(shown["symbols"]), dtype=np.uint8).reshape(record.signal.shape)
    expected = np.floor(26 * np.clip((record.signal.astype(float) + 1) / (2.2 + 1e-6), 0, 1)).clip(max=25)
    assert np.array_equal(symbols, expected)
    merges = np.frombuffer(base64.b64decode(content["tokenizer"]["merges"]), dtype="<u2").reshape(-1, 2)
    assert np.array_equal(merges, tokenizer.merges)
    assert (shown["id"], shown["filters"], shown["low"], shown["high"]) == ("beats-7", "notch 50 Hz", -1.0, 1.2)
    outside = (record.signal < -1.0) | (record.signal.astype(float) > 1.2)
    marked = np.zeros_like(outside)
    for lead, start, stop in shown["clipped"]:
        marked[lead, start:stop] = True
    assert outside.any() and np.array_equal(marked, outside)


def test_clipped_stretches_by_hand():
    signal = np.array([[2, 0, 0, -2, -2], [0, 0, 1, 0, 0], [0, 3, 3, 3, 3]], dtype=np.float32)
    assert clipped_stretches(signal, -1, 1) == [[0, 0, 1], [0, 3, 5], [2, 1, 5]]


def test_text_that_is_given_cannot_become_markup(tokenizer):
    record = Record(beating_record(1).signal, 100, record_id=HOSTILE)
    html = token_page([record], tokenizer, filter_lines=[HOSTILE], title=HOSTILE, note=HOSTILE)
    plain = token_page([record], tokenizer, filter_lines=["x"], title="x", note="x")
    for tag in ("<script", "</script", "<!--"):
        assert html.count(tag) == plain.count(tag)
    content = content_of(html)
    assert content["records"][0]["id"] == content["records"][0]["filters"] == HOSTILE


def test_the_page_asks_for_nothing(tokenizer):
    html = token_page([beating_record(1)], tokenizer)
    addresses = set(re.findall(r"\w+://[^\s\"'`]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of SVG, which no browser fetches
    assert not re.search(r"<(?:link|img|iframe)|\s(?:src|href)=|@import|url\((?!#)", html)
    assert "default-src 'none'" in html


def test_same_arguments_same_text(tokenizer):
    records = [beating_record(1), beating_record(2)]
    assert token_page(records, tokenizer) == token_page(list(records), tokenizer)


def test_six_records_take_less_than_a_megabyte():
    records = [beating_record(seed, rate=250) for seed in range(6)]
    tokenizer = ECGTokenizer.train(records, 3500, progress=False)
    assert len(token_page(records, tokenizer).encode()) < 1_000_000


def test_every_script_is_in_the_page_and_none_ends_early(tokenizer):
    html = token_page([beating_record(1)], tokenizer)
    assert html.count("<script") == html.count("</script>") == len(SCRIPTS) + 1


def test_filter_line_where_nothing_is_said(tokenizer):
    assert content_of(token_page([beating_record(1)], tokenizer))["records"][0]["filters"].startswith(
        "filters not known"
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"records": []}, ValueError, "records: got none"),
        ({"records": "beats"}, TypeError, "records: got str, expected a list of records"),
        ({"records": [np.zeros((12, 9))]}, TypeError, "records: got ndarray at 0, expected an ecgbyte Record"),
        ({"filter_lines": []}, ValueError, "filter_lines: got .*, expected 1 lines"),
        ({"filter_lines": "x"}, ValueError, "filter_lines: got 'x'"),
        ({"num_merges": 61}, ValueError, "num_merges: got 61, expected 0 to 60"),
        ({"num_merges": 10, "token": 36}, ValueError, "token: got 36, expected 0 to 35"),
        ({"records": [beating_record(1, rate=90)]}, ValueError, "90"),
        ({"tokenizer": ECGTokenizer.from_merges([(0, 0)])}, ValueError, "this tokenizer was made from merges alone"),
    ],
)
def test_errors(tokenizer, arguments, error, message):
    given = {"records": [beating_record(1)], "tokenizer": tokenizer} | arguments
    with pytest.raises(error, match=message):
        token_page(given.pop("records"), given.pop("tokenizer"), **given)


def test_amplitudes_that_no_paper_holds_are_refused(tokenizer):
    signal = beating_record(1).signal.copy()
    signal[3, 5] = 300
    with pytest.raises(ValueError, match="300 mV in lead aVR at sample 5"):
        token_page([Record(signal, 100)], tokenizer)


@pytest.mark.parametrize(
    "statement", ["import ecgbyte.viz", "import ecgbyte.cli", "from ecgbyte.viz import token_page"]
)
def test_heavy_packages_wait_until_they_are_used(statement):
    code = f"{statement}\nimport sys\nprint([m for m in ('jinja2', 'matplotlib', 'wfdb') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("missing", "call"), [("jinja2", "token_page([r], t)"), ("matplotlib.figure", "plot_tokens(r, t)")]
)
def test_a_missing_package_is_named_with_the_extra(missing, call):
    code = f"""
import sys
sys.modules[{missing!r}] = None
from ecgbyte.viz import plot_tokens, token_page
from tests.viz.shown_records import beat_tokenizer, beating_record
r, t = beating_record(1), beat_tokenizer(3)
try:
    {call}
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'ecgbyte[viz]'" in done.stdout
