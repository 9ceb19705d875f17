"""Errors in bins: by hand, and of the tokenizer itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.metrics.bin_error import BinError
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer


def test_by_hand() -> None:
    # A range of 4 mV in 8 bins: bins of 0.5 mV.
    error = BinError(8)
    assert math.isnan(error.largest)
    error.add([[0.0, 1.0]], [[0.2, 1.0]], -2.0, 2.0)
    assert error.largest == pytest.approx(0.4) and error.outside_percent == 0
    error.add([[0.0, 9.0]], [[0.1, 1.75]], -2.0, 2.0)
    assert error.largest == pytest.approx(0.4) and error.outside_percent == 25
    error.add([[0.5, -2.0]], [[0.8, -2.0]], -2.0, 2.0)
    assert error.largest == pytest.approx(0.6)


def test_the_tokenizer_is_off_by_half_a_bin_at_most() -> None:
    records = SyntheticRecords(2, seed=1, sampling_rate=100)
    signals = [records.read(entry.record_id) for entry in records.entries]
    tokenizer = ECGTokenizer.train(signals, 20)
    error = BinError()
    for record in signals:
        encoding = tokenizer.encode(record.signal)
        error.add(record.signal, tokenizer.decode(encoding), float(encoding.low), float(encoding.high))
    assert 0.45 < error.largest < 0.501


def test_bad_input() -> None:
    error = BinError()
    with pytest.raises(ValueError, match="signal: got no samples"):
        _ = error.outside_percent
    with pytest.raises(ValueError, match=r"decoded: got shape \(1, 3\)"):
        error.add(np.zeros((1, 2)), np.zeros((1, 3)), -1, 1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        error.add([[math.nan]], [[0.0]], -1, 1)
    with pytest.raises(ValueError, match="expected low below high"):
        error.add([[0.0]], [[0.0]], 1, 1)
    with pytest.raises(ValueError, match="alphabet_size"):
        BinError(0)
