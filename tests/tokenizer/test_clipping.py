"""Signals that lie outside the range for the most part are told, once a call."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from ecgbyte import ECGTokenizer
from ecgbyte.tokenizer.clipping import ClippedWarning
from tests.tokenizer.ecg_examples import wandering_record, wandering_signal


@pytest.fixture(scope="module")
def tokenizer() -> ECGTokenizer:
    return ECGTokenizer.train([wandering_record(seed) for seed in range(3)], 20, progress=False)


def test_microvolts_are_told_once(tokenizer: ECGTokenizer) -> None:
    good = [wandering_signal(seed) for seed in range(4)]
    with pytest.warns(ClippedWarning, match=r"^signal: \d+% of the samples lie outside the range of .* mV") as caught:
        encoding = tokenizer.encode(good[0] * 1000)
    assert encoding.clipped > 0.5
    assert len(caught) == 1 and caught[0].filename == __file__
    with pytest.warns(ClippedWarning, match=r"^2 of 4 signals, first signals\[1\]: ") as caught:
        batch = tokenizer.encode_batch([good[0], good[1] * 1000, good[2] * 1000, good[3]])
    assert len(caught) == 1 and caught[0].filename == __file__
    assert [encoding.clipped > 0.5 for encoding in batch] == [False, True, True, False]


def test_what_an_ecg_has_outside_the_range_is_not_told(tokenizer: ECGTokenizer) -> None:
    signal = wandering_signal(0)
    signal[0] = 40.0  # a lead that came off
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 0 < tokenizer.encode(signal).clipped < 0.5
        assert len(tokenizer.encode_batch([])) == 0
        tokenizer.encode_batch([np.asarray(signal)] * 2)
