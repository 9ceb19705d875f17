"""Data sets of a user's own, as a profile names them by ``module:Class``: a few records without a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecgbyte.data.catalogue import Finding, RecordEntry
from ecgbyte.files import fingerprint
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.records import Record


class OwnSet:
    """Sines that are fast or slow, which is their finding; from no folder, as many patients as are asked for."""

    name = "own"
    ecg_qa_folder = "ptbxl"
    source = "Data: sines."
    deviation = "The ECGs are sines."

    def __init__(self, *, sampling_rate: int, seed: int, num_patients: int) -> None:
        self.sampling_rate = float(sampling_rate)
        self.fingerprint = fingerprint(f"{self.name}|{sampling_rate}|{seed}|{num_patients}")
        self.entries = tuple(self._entry(number) for number in range(num_patients))

    @staticmethod
    def _entry(number: int) -> RecordEntry:
        name = ("fast", "slow")[number // 10 % 2]
        # Ten patients in a row fill the ten folds.
        return RecordEntry(
            f"{number:05d}", f"p{number}", number % 10 + 1, (Finding("rhythm", name),), ("rhythm",), f"{name} sine"
        )

    def read(self, record_id: str) -> Record:
        number = int(record_id)
        time = np.arange(round(10 * self.sampling_rate)) / self.sampling_rate
        beats = 2.0 if self.entries[number].findings[0].name == "fast" else 1.0
        signal = np.sin(2 * np.pi * beats * time + np.arange(12)[:, None] + number)
        return Record(signal.astype(np.float32), self.sampling_rate, LEADS, record_id)


class OtherSet(OwnSet):
    """The same under another name, in a folder, at one rate or another."""

    name = "other"
    sampling_rates = (100, 250)
    ecg_qa_folder = ""

    def __init__(self, root: Path, *, sampling_rate: int, seed: int, num_patients: int = 40) -> None:
        super().__init__(sampling_rate=sampling_rate, seed=seed, num_patients=num_patients)
        self.root = root
        self.fingerprint = fingerprint(self.fingerprint, (root / "there.txt").read_text(encoding="utf-8"))


class AtOneRate(OwnSet):
    """One that does not ask for a rate, and says by no attribute which it has."""

    def __init__(self, *, num_patients: int) -> None:
        super().__init__(sampling_rate=100, seed=0, num_patients=num_patients)


class NeedsMore:
    """One that cannot be made from what a profile tells."""

    def __init__(self, password: str) -> None:
        self.password = password
