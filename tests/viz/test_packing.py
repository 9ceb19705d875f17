"""Packed traces: read back by a plain reader."""

from __future__ import annotations

import base64

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.viz.packing import pack_bytes, pack_trace, rounded_trace


def unpack_trace(text: str, leads: int, samples: int) -> list[list[int]]:
    numbers, number, weight = [], 0, 1
    for byte in base64.b64decode(text):
        number += (byte & 127) * weight
        weight *= 128
        if byte < 128:
            numbers.append(-(number + 1) // 2 if number % 2 else number // 2)
            number, weight = 0, 1
    assert len(numbers) == leads * samples
    return [np.cumsum(numbers[lead * samples : (lead + 1) * samples]).tolist() for lead in range(leads)]


@given(
    st.lists(
        st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3),
        min_size=1,
        max_size=4,
    )
)
def test_traces_come_back_to_the_nearest_step(rows):
    signal = np.array(rows, dtype=np.float32)
    steps = unpack_trace(pack_trace(signal), *signal.shape)
    assert steps == rounded_trace(signal).tolist()
    assert np.abs(np.array(steps) * 0.005 - signal).max() <= 0.0025 + 1e-9


def test_a_slow_trace_takes_a_byte_a_sample():
    signal = np.sin(np.linspace(0, 20, 1000))[None].astype(np.float32)
    assert len(base64.b64decode(pack_trace(signal))) == 1000


def test_numbers_are_little_endian():
    assert base64.b64decode(pack_bytes(np.array([1, 258], dtype=">u2"))) == b"\x01\x00\x02\x01"
