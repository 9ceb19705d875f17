"""Signals for the instruction counts, made by whole numbers only: the same bytes on every machine and version.

``ecg-like``: beats of drifting length with P, QRS and T waves, slow wander and noise, so that runs of equal symbols are
about as long as in real recordings. ``constant`` and ``periodic``: what breaks encoders whose cost is not linear.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

INPUTS = ("ecg-like", "constant", "periodic")

# A unit is 1/1024 mV: exact in float32. The symbols divide -1.5 .. 1.5 mV.
UNITS_PER_MV = 1024
LOW_MV, HIGH_MV = -1.5, 1.5

# One beat as (sample, amplitude in units): P wave, QRS complex, T wave, and flat as long as the beat lasts.
_WAVES = ((0, 0), (12, 0), (22, 130), (32, 0), (40, 0), (43, -120), (47, 1250), (51, -300), (55, 0))
_BEAT = (*_WAVES, (75, 20), (100, 310), (125, 0), (260, 0))
_SHORTEST_BEAT, _BEAT_SPREAD = 170, 80
_WANDER_PERIOD = 3000
_PERIOD = (0, 3, 7, 3, 0, 0, 12)


def mixed_bits(seed: int, count: int) -> NDArray[np.uint64]:
    """Pseudo-random 64-bit numbers, uint64 [count]: the finaliser of SplitMix64 (Steele et al. 2014) on a counter."""
    with np.errstate(over="ignore"):
        bits = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _template() -> NDArray[np.int64]:
    """One beat in units, int64 [samples], straight lines between the points, rounded down."""
    template = np.empty(_BEAT[-1][0], dtype=np.int64)
    for (start, before), (end, after) in itertools.pairwise(_BEAT):
        steps = np.arange(end - start, dtype=np.int64)
        template[start:end] = before + (after - before) * steps // (end - start)
    return template


def _ecg_like_lead(lead: int, samples: int) -> NDArray[np.int64]:
    beats = samples // _SHORTEST_BEAT + 2
    lengths = _SHORTEST_BEAT + (mixed_bits(1, beats) % np.uint64(_BEAT_SPREAD)).astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    time = np.arange(samples, dtype=np.int64)
    beat = np.searchsorted(starts, time, side="right") - 1
    wave = _template()[time - starts[beat]] * (3 + lead % 5) // 6 * (1 if lead != 3 else -1)
    wander = np.abs((time + 731 * lead) % _WANDER_PERIOD - _WANDER_PERIOD // 2) // 5
    bits = mixed_bits(100 + lead, samples)
    noise = np.bitwise_count(bits & np.uint64(0xFFFF)).astype(np.int64) - 8
    return wave + wander + 5 * noise


def signal(name: str, leads: int, samples: int) -> NDArray[np.float32]:
    """One recording, float32 [leads, samples] in mV.

    Parameters
    ----------
    name : {"ecg-like", "constant", "periodic"}
    leads, samples : int
    """
    if name == "ecg-like":
        units = np.stack([_ecg_like_lead(lead, samples) for lead in range(leads)])
    elif name == "constant":
        units = np.zeros((leads, samples), dtype=np.int64)
    elif name == "periodic":
        period = np.array(_PERIOD, dtype=np.int64)[np.arange(samples) % len(_PERIOD)]
        units = np.tile(period * (2 * UNITS_PER_MV // 16) - UNITS_PER_MV, (leads, 1))
    else:
        raise ValueError(f"name: got {name!r}, expected one of {INPUTS}")
    return units.astype(np.float32) / np.float32(UNITS_PER_MV)
