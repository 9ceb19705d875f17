"""Records and a tokenizer that the tests of pages and pictures share."""

from __future__ import annotations

import numpy as np

from ecgbyte import ECGTokenizer, Record
from ecgbyte.signals.leads import LEADS


def beating_record(seed: int, seconds: float = 10, rate: float = 100, lead_names: tuple[str, ...] = LEADS) -> Record:
    """Beats of a height that differs from lead to lead, up to 3 mV, with a T wave and a little noise."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    phase = (times * rng.uniform(0.9, 1.6)) % 1
    beat = np.exp(-((phase - 0.4) ** 2) / 0.0004) + 0.25 * np.exp(-((phase - 0.7) ** 2) / 0.004)
    heights = rng.uniform(-2.5, 3.0, (len(lead_names), 1))
    signal = heights * beat + rng.normal(0, 0.01, (len(lead_names), len(times)))
    return Record(signal.astype(np.float32), rate, lead_names, f"beats-{seed}")


def beat_tokenizer(num_merges: int = 150, **settings: object) -> ECGTokenizer:
    """Trained on six such records, with a range that cuts off the highest beats."""
    records = [beating_record(seed) for seed in range(6)]
    return ECGTokenizer.train(records, num_merges, amplitude_range=(-1.0, 1.2), progress=False, **settings)
