"""The page's JavaScript cuts symbols into the library's tokens: any merges, both rules, and 50 real records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgbyte import ECGTokenizer, Preprocessor, read_record
from ecgbyte.bpe import MATCHING, Vocabulary
from ecgbyte.viz import token_page
from ecgbyte.viz.measures import measure_prefixes, with_merges
from ecgbyte.viz.packing import pack_bytes, rounded_trace
from ecgbyte.viz.paper import LAYOUTS, lay_out
from ecgbyte.viz.shapes import token_shapes
from tests.viz.shown_records import beat_tokenizer, beating_record
from tests.viz.test_shapes import merge_lists

ENCODE = """([described, symbols, numMerges, matching]) => {
  const made = makeTokenizer(described);
  const encode = matching === "longest" ? encodeLongest : encodeMergeOrder;
  return encode(made, Uint8Array.from(symbols), numMerges);
}"""
SHAPES = "(described) => makeTokenizer(described).strings.map(shapeOf)"
IDS_OF_ALL = """([numMerges, matching]) =>
  records.map((one) => encodeRecord(tokenizer, one, content.tokenizer.boundary, matching, numMerges).ids.join())"""
PAPER = """([record, layout, first]) => {
  const paper = layOut(records[record], layout, first);
  return {
    size: [paper.width, paper.height],
    rows: paper.rows.map((row) => [row.top, row.zero, row.bottom]),
    panels: paper.rows.flatMap((row) => row.panels.map((p) => [p.lead, p.start, p.stop, p.left, p.label, p.rhythm])),
  };
}"""


@pytest.fixture(scope="module")
def scripts(browser: Any) -> Any:
    """A page whose functions can be called."""
    page = browser.new_page()
    page.set_content(token_page([beating_record(0, seconds=1)], beat_tokenizer(5)))
    yield page
    page.close()


def described(merges: list[tuple[int, int]], alphabet: int) -> dict[str, Any]:
    return {"alphabet": alphabet, "merges": pack_bytes(np.array(merges, dtype=np.uint16).reshape(-1, 2))}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    merges=merge_lists(),
    symbols=st.lists(st.integers(0, 3), max_size=120),
    share=st.floats(0, 1),
    matching=st.sampled_from(MATCHING),
)
def test_any_merges_give_the_librarys_ids(scripts, merges, symbols, share, matching):
    num_merges = round(share * len(merges))
    pairs = np.array(merges, dtype=np.int32).reshape(-1, 2)[:num_merges]
    expected = Vocabulary(pairs, alphabet_size=4).encode(np.array(symbols, dtype=np.uint8), matching).tolist()
    assert scripts.evaluate(ENCODE, [described(merges, 4), symbols, num_merges, matching]) == expected


@settings(max_examples=50, deadline=None)
@given(merges=merge_lists())
def test_any_merges_give_the_librarys_shapes(scripts, merges):
    pairs = np.array(merges, dtype=np.int32).reshape(-1, 2)
    expected = token_shapes(Vocabulary(pairs, alphabet_size=4)).tolist()
    assert scripts.evaluate(SHAPES, described(merges, 4)) == expected


def check_ids(page: Any, records: list, tokenizer: ECGTokenizer, num_merges: int) -> None:
    shorter = with_merges(tokenizer, num_merges)
    for matching in MATCHING:
        expected = [e.ids.tolist() for e in shorter.with_matching(matching).encode_batch(records)]
        found = page.evaluate(IDS_OF_ALL, [num_merges, matching])
        assert [[int(token) for token in ids.split(",")] for ids in found] == expected


@pytest.mark.parametrize("boundary", ["lead", "record"])
@pytest.mark.parametrize("amplitude_range", ["global", "per-record"])
def test_every_setting_gives_the_librarys_ids(open_page: Callable, boundary, amplitude_range):
    records = [beating_record(seed) for seed in range(3)]
    tokenizer = ECGTokenizer.train(
        records, 120, boundary=boundary, amplitude_range=amplitude_range, alphabet_size=40, progress=False
    )
    page = open_page(token_page(records, tokenizer))
    for num_merges in (0, 1, 50, 120):
        check_ids(page, records, tokenizer, num_merges)


def test_the_paper_and_the_measures_are_the_librarys(open_page: Callable):
    records = [beating_record(1), beating_record(2, seconds=23.7)]
    tokenizer = beat_tokenizer(90)
    page = open_page(token_page(records, tokenizer))
    for place, record in enumerate(records):
        drawn = (rounded_trace(record.signal) * 0.005).astype(np.float32)
        for layout in LAYOUTS:
            for first in (0, 400):
                paper = lay_out(drawn, 100, record.lead_names, layout, first)
                found = page.evaluate(PAPER, [place, layout, first])
                assert found["size"] == [paper.width, paper.height]
                assert np.allclose(found["rows"], [(row.top, row.zero, row.bottom) for row in paper.rows])
                panels = [p for row in paper.rows for p in row.panels]
                expected = [(p.lead, p.start, p.stop, p.left, p.label, p.rhythm) for p in panels]
                assert np.allclose(np.array(found["panels"], dtype=float), np.array(expected, dtype=float))
    now = page.evaluate(
        "measuresNow(tokenizer, records, countTokens(records.map(cut), 26 + state.merges), state.merges)"
    )
    last = measure_prefixes(records, tokenizer)[-1]
    for name, value in now.items():
        assert value == pytest.approx(last[name]), name


@pytest.mark.real_data
@pytest.mark.parametrize("boundary", ["lead", "record"])
def test_fifty_real_records_give_the_librarys_ids(open_page: Callable, real_data: Path, boundary):
    paths = sorted((real_data / "ptb-xl" / "records100").rglob("*.hea"))[:50]
    preprocessor = Preprocessor(target_rate=250)
    records = [preprocessor.apply(read_record(path)) for path in paths]
    assert len(records) == 50
    tokenizer = ECGTokenizer.train(records, 1500, boundary=boundary, preprocessing=preprocessor, progress=False)
    page = open_page(token_page(records, tokenizer))
    for num_merges in (0, 13, 300, 1500):
        check_ids(page, records, tokenizer, num_merges)


@pytest.mark.real_data
def test_six_real_records_take_less_than_a_megabyte(real_data: Path):
    paths = sorted((real_data / "ptb-xl" / "records500").rglob("*.hea"))[:6]
    preprocessor = Preprocessor(target_rate=250)
    records = [preprocessor.apply(read_record(path)) for path in paths]
    tokenizer = ECGTokenizer.train(records, 3500, preprocessing=preprocessor, progress=False)
    assert len(token_page(records, tokenizer).encode()) < 1_000_000
