"""The published functions: equal results, and the three places where they differ on purpose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.compat import (
    byte_pair_encoding,
    decode_text,
    encode_symbol,
    encode_text,
    normalize_all,
    reverse_normalize_all,
    track_encoding,
)
from tests.tokenizer.ecg_examples import wandering_signal
from tests.tokenizer.published_files import longest_match, symbols_published, train_published

PERCENTILES = {"percentile_1": -0.6, "percentile_99": 0.7}
TEXTS = st.text("abz", max_size=50) | st.text(max_size=15)


@settings(deadline=None)
@given(TEXTS, st.integers(0, 15), st.integers(0, 3))
def test_training_gives_what_the_slow_version_gives(text, num_merges, num_threads):
    assert byte_pair_encoding(text, num_merges, num_threads) == train_published(text, num_merges)


@settings(deadline=None)
@given(TEXTS, TEXTS, st.integers(0, 15))
def test_encoding_is_the_published_longest_match(learnt_from, text, num_merges):
    _, vocab, merges = byte_pair_encoding(learnt_from, num_merges, 1)
    ids = encode_text(text, merges)
    assert ids == encode_symbol(text, merges) == longest_match(text, merges)
    expected = "".join(chr(byte) if byte < 128 else f"<{byte}>" for byte in text.encode())
    assert decode_text(ids, vocab) == expected
    tracked, places = track_encoding(text, merges, verbose=False)
    assert tracked == ids
    assert [stop - start for start, stop in places] == [
        1 if token < 256 else len(merges[token - 256][0]) for token in ids
    ]
    assert [start for start, _ in places] == [0, *(stop for _, stop in places)][: len(places)]


def test_tracking_as_published_never_merges():
    assert track_encoding("aab", [([97, 97], 256)], as_published=True) == ([97, 97, 98], [(0, 1), (1, 2), (2, 3)])


def test_other_and_changed_merges_are_noticed():
    merges = [([97, 97], 256)]
    assert encode_text("aabb", merges) == [256, 98, 98]
    assert encode_text("aabb", [([98, 98], 256)]) == [97, 97, 256]
    assert encode_text("aabb", [([97, 98], 256)]) == [97, 256, 98]
    assert encode_text("aabb", merges) == [256, 98, 98]
    merges.append(([98, 98], 257))
    assert encode_text("aabb", merges) == [256, 257]
    merges[0] = ([97, 98], 256)
    merges.pop()
    assert encode_text("aabb", merges) == [97, 256, 98]
    assert encode_text("", merges) == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_letters_are_the_published_ones(dtype):
    signal = wandering_signal(3, dtype=dtype)
    normalized, letters = normalize_all(signal, PERCENTILES)
    assert "".join(letters.flatten()) == symbols_published(signal, -1.1, 1.2)
    assert letters.shape == normalized.shape == signal.shape
    assert normalized.min() >= 0 and normalized.max() <= 1 and normalized.dtype == dtype
    _, single = normalize_all(signal[0], PERCENTILES)
    np.testing.assert_array_equal(single, letters[0])


def test_infinities_are_clipped_and_nan_is_refused():
    _, letters = normalize_all(np.array([np.inf, -np.inf]), PERCENTILES)
    assert letters.tolist() == ["z", "a"]
    with pytest.raises(ValueError, match=r"signal: got NaN at \[0, 1\]"):
        normalize_all(np.array([[0.0, np.nan]]), PERCENTILES)


def test_letters_become_amplitudes_as_published():
    letters = np.array([["a", "m"], ["y", "z"]])
    expected = -1.1 + np.array([[0, 12], [24, 25]]) / 25 * 2.3
    np.testing.assert_allclose(reverse_normalize_all(letters, PERCENTILES), expected, rtol=1e-12)
    for wrong in ("A", "", "{", "ab"):
        with pytest.raises(ValueError, match=f"got '{wrong}', expected letters a to z"):
            reverse_normalize_all(np.array(["a", wrong]), PERCENTILES)


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="text: got bytes"):
        encode_text(b"aa", [])
    with pytest.raises(TypeError, match="merges: got dict"):
        encode_text("aa", {})
    with pytest.raises(ValueError, match="num_threads: got -1"):
        byte_pair_encoding("aa", 1, -1)
    with pytest.raises(KeyError, match="percentile_99"):
        normalize_all(np.zeros(3), {"percentile_1": 0.0})
    with pytest.raises(KeyError):
        decode_text([3], {})
