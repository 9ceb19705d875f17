"""Small signals and tokenizers that the tests of this folder share."""

from __future__ import annotations

import numpy as np

from ecgbyte import ECGTokenizer, Record
from ecgbyte.signals.leads import LEADS


def wandering_signal(seed: int, leads: int = 12, samples: int = 60, dtype: type = np.float32) -> np.ndarray:
    """A random walk with a few spikes, [leads, samples] in mV: smooth enough for merges, wide enough to be clipped."""
    rng = np.random.default_rng(seed)
    signal = np.cumsum(rng.normal(0, 0.08, (leads, samples)), axis=1)
    signal[rng.integers(leads, size=3), rng.integers(samples, size=3)] += rng.choice([-4.0, 4.0], size=3)
    return signal.astype(dtype)


def wandering_record(seed: int, samples: int = 60, rate: float = 100.0, lead_names: tuple[str, ...] = LEADS) -> Record:
    """The same as a record."""
    return Record(wandering_signal(seed, len(lead_names), samples), rate, lead_names, f"record-{seed}")


def small_tokenizer(**settings: object) -> ECGTokenizer:
    """A tokenizer of 40 merges from four records of 12 leads at 100 Hz."""
    records = [wandering_record(seed) for seed in range(4)]
    return ECGTokenizer.train(records, 40, progress=False, **settings)
