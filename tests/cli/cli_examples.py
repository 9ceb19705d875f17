"""Small WFDB records for the tests of the command, and its list of rejections."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ecgbyte.signals.leads import LEADS

QUICK = ["--num-merges", "30", "--target-rate", "100", "--no-progress"]


def write_record(folder: Path, name: str, seed: int, rate: int = 100, seconds: float = 5) -> Path:
    """A WFDB record with limb leads that keep their identities."""
    import wfdb

    rng = np.random.default_rng(seed)
    times = np.arange(int(rate * seconds)) / rate
    beat = np.exp(-(((times * 1.2) % 1 - 0.4) ** 2) / 0.001)
    waves = rng.uniform(0.3, 1.2, (8, 1)) * beat + rng.normal(0, 0.02, (8, len(times)))
    first, second = waves[:2]
    limb = [first, second, second - first, -(first + second) / 2, first - second / 2, second - first / 2]
    samples = np.stack([*limb, *waves[2:]])
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=["mV"] * 12,
        sig_name=list(LEADS),
        p_signal=samples.T,
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(folder),
    )
    return folder / name


def rejected(path: Path) -> dict[str, str]:
    with path.open(newline="") as stream:
        return {row["record"]: row["reason"] for row in csv.DictReader(stream)}
