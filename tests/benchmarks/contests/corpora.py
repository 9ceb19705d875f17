"""The inputs of the benchmarks, made once and kept in a work folder: real and adverse symbols, and signals.

R500: the encoding strings, PTB-XL's 500 Hz originals through the default chain to 250 Hz and the published range
(percentiles 1 and 99 over them, widened by 0.5 mV). R100: the same from the 100 Hz originals resampled to 250 Hz, since
there are enough of them for 1e7 and 1e8 symbols. N: normal noise whose range is exactly its percentiles 1 and 99, so
that all 26 letters are about equally frequent and runs are short: the adverse case.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import ecgbyte
from ecgbyte.files import fingerprint, write_atomically
from ecgbyte.signals.amplitude_range import fit_amplitude_range
from ecgbyte.signals.records import Record
from ecgbyte.symbols import symbolize

from .recordings import Recordings

LEADS, SAMPLES = 12, 2500
RECORD = LEADS * SAMPLES

# Records of each corpus: R500, R100, R100 large, N.
SIZES = {
    "smoke": {"R500": 20, "R100": 20, "R100-large": 20, "N": 20},
    "default": {"R500": 200, "R100": 334, "R100-large": 334, "N": 334},
    "full": {"R500": 200, "R100": 334, "R100-large": 3334, "N": 334},
}


@dataclass(frozen=True)
class Symbols:
    """A corpus of symbols, uint8 [records, 30000], and what to say about it."""

    description: str
    fingerprint: str
    symbols: np.ndarray

    def first(self, records: int) -> Symbols:
        """The first records as a corpus of their own."""
        part = self.symbols[:records]
        return Symbols(self.description, fingerprint(part), part)


@dataclass(frozen=True)
class Signals:
    """Signals float32 [records, 12, 2500] in mV, after the chain, and their range."""

    description: str
    fingerprint: str
    signals: np.ndarray
    low: float
    high: float


class Corpora:
    """Makes corpora when they are asked for and keeps them as files in `folder`."""

    def __init__(self, folder: Path, recordings: Recordings, scale: str) -> None:
        self._folder = folder
        self._recordings = recordings
        self._sizes = SIZES[scale]
        self._chain = ecgbyte.Preprocessor(target_rate=250)
        self._at_hand: dict[tuple[int, int], dict[str, np.ndarray]] = {}

    @property
    def source(self) -> str:
        """Where the ECGs come from, as printed."""
        return self._recordings.name

    def records(self, count: int) -> list[Record]:
        """The first 500 Hz originals, before the chain."""
        return list(self._recordings.read(500, count))

    def signals(self) -> Signals:
        """R500 before symbols."""
        made = self._real(500, self._sizes["R500"])
        return Signals(self._describe(500), fingerprint(made["signals"]), made["signals"], *made["range"].tolist())

    def encoding_strings(self) -> Symbols:
        """R500."""
        made = self._real(500, self._sizes["R500"])
        return Symbols(self._describe(500), fingerprint(made["symbols"]), made["symbols"])

    def real(self, large: bool = False) -> Symbols:
        """R100, of about 1e7 symbols or 1e8."""
        made = self._real(100, self._sizes["R100-large" if large else "R100"])
        return Symbols(self._describe(100), fingerprint(made["symbols"]), made["symbols"])

    def noise(self) -> Symbols:
        """N."""
        count = self._sizes["N"]
        made = self._kept(f"N-{count}", lambda: {"symbols": _noise(count)})
        return Symbols("N: normal noise, range exactly p1 to p99", fingerprint(made["symbols"]), made["symbols"])

    def _describe(self, rate: int) -> str:
        resampled = "originals to 250 Hz" if rate > 250 else "originals resampled to 250 Hz"
        return f"R: {self._recordings.name}, {rate} Hz {resampled}, published filters and range"

    def _real(self, rate: int, count: int) -> dict[str, np.ndarray]:
        if (rate, count) not in self._at_hand:
            self._at_hand[rate, count] = self._read_or_made(rate, count)
        return self._at_hand[rate, count]

    def _read_or_made(self, rate: int, count: int) -> dict[str, np.ndarray]:
        # The chain's code may change without its settings: one record tells.
        probe = self._chain.apply(next(self._recordings.read(rate, 1))).signal
        name = f"R{rate}-{count}-{fingerprint(self._recordings.name, probe).removeprefix('sha256:')}"
        return self._kept(name, lambda: self._preprocess(rate, count))

    def _preprocess(self, rate: int, count: int) -> dict[str, np.ndarray]:
        signals = []
        for record in self._recordings.read(rate, count):
            signal = self._chain.apply(record).signal
            if signal.shape == (LEADS, SAMPLES):
                signals.append(signal)
        fitted = fit_amplitude_range(signals)
        symbols = np.stack([symbolize(signal, fitted.low, fitted.high).ravel() for signal in signals])
        made = {"symbols": symbols, "range": np.array([fitted.low, fitted.high])}
        return {**made, "signals": np.stack(signals)} if rate == 500 else made

    def _kept(self, name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        file = self._folder / f"{name}.npz"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            written = io.BytesIO()
            np.savez(written, **make())
            write_atomically(file, written.getvalue())
        with np.load(file, allow_pickle=False) as found:
            return {key: found[key] for key in found.files}


def _noise(count: int) -> np.ndarray:
    values = np.random.default_rng(0).standard_normal((count, LEADS, SAMPLES)).astype(np.float32)
    low, high = np.percentile(values, [1, 99])
    return np.stack([symbolize(signal, low, high).ravel() for signal in values])
