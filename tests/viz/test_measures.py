"""Measures of prefixes of the merges: against the slow encoder and formulas written out."""

from __future__ import annotations

import collections
import math

import numpy as np
import pytest

from ecgbyte.bpe.reference import encode_longest_reference, encode_merge_order_reference
from ecgbyte.symbols import desymbolize, symbolize
from ecgbyte.viz.measures import check_token, measure_prefixes, prefix_lengths, with_merges
from tests.viz.shown_records import beat_tokenizer, beating_record


def test_prefix_lengths():
    assert prefix_lengths(0) == [0]
    assert prefix_lengths(1) == [0, 1]
    assert prefix_lengths(60) == [0, 1, 2, 5, 10, 20, 50, 60]
    assert prefix_lengths(200) == [0, 1, 2, 5, 10, 20, 50, 100, 200]


@pytest.mark.parametrize(
    ("matching", "encode"),
    [("longest", encode_longest_reference), ("merge-order", encode_merge_order_reference)],
)
def test_measures_of_each_prefix(matching, encode):
    tokenizer = beat_tokenizer(25, matching=matching)
    records = [beating_record(seed, seconds=1.5) for seed in (3, 9)]
    rows = measure_prefixes(records, tokenizer)
    assert [row["merges"] for row in rows] == [0, 1, 2, 5, 10, 20, 25]
    symbols = [symbolize(record.signal, -1.0, 1.2) for record in records]
    squares = [
        np.square(record.signal.astype(float) - desymbolize(lead_symbols, -1.0, 1.2))
        for record, lead_symbols in zip(records, symbols, strict=True)
    ]
    for row in rows:
        merges = [tuple(pair) for pair in tokenizer.merges[: row["merges"]].tolist()]
        ids = [token for record in symbols for lead in record for token in encode(lead.tolist(), merges)]
        samples = 2 * 12 * 150
        shares = [count / len(ids) for count in collections.Counter(ids).values()]
        assert row["tokens"] == len(ids)
        assert row["compression"] == pytest.approx(samples / len(ids))
        assert row["bits_bound"] == pytest.approx(len(ids) * math.log2(26 + row["merges"]) / samples)
        assert row["bits_entropy"] == pytest.approx(-len(ids) * sum(s * math.log2(s) for s in shares) / samples)
        assert row["error_mv"] == pytest.approx(math.sqrt(np.mean(squares)), rel=1e-6)


def test_with_merges_keeps_all_but_the_merges():
    tokenizer = beat_tokenizer(25, matching="merge-order", boundary="record")
    shorter = with_merges(tokenizer, 7)
    assert shorter.merges.tolist() == tokenizer.merges[:7].tolist()
    assert (shorter.matching, shorter.boundary) == ("merge-order", "record")
    assert (shorter.amplitude_range, shorter.sampling_rate) == (tokenizer.amplitude_range, tokenizer.sampling_rate)
    record = beating_record(4)
    assert with_merges(tokenizer, 25).encode(record).ids.tolist() == tokenizer.encode(record).ids.tolist()


@pytest.mark.parametrize("wrong", [-1, 26])
def test_with_merges_refuses_numbers_out_of_range(wrong):
    with pytest.raises(ValueError, match=f"num_merges: got {wrong}, expected 0 to 25"):
        with_merges(beat_tokenizer(25), wrong)


@pytest.mark.parametrize("wrong", [True, 2.5, "3"])
def test_with_merges_refuses_other_types(wrong):
    with pytest.raises(TypeError, match=r"num_merges: got .*, expected a whole number"):
        with_merges(beat_tokenizer(25), wrong)


def test_check_token():
    tokenizer = beat_tokenizer(25)
    check_token(None, tokenizer)
    check_token(50, tokenizer)
    with pytest.raises(ValueError, match="token: got 51, expected 0 to 50"):
        check_token(51, tokenizer)
    with pytest.raises(TypeError, match="token: got '3'"):
        check_token("3", tokenizer)
