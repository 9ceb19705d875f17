"""Where the benchmarks take ECGs from: real PTB-XL in a folder or packed, else synthetic ones as a stand-in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.signals.records import Record

_MARK = "unpacked-"  # and how many records of each rate
ROOT = Path(__file__).resolve().parents[3]


class Recordings:
    """ECGs at 100 and 500 Hz.

    Parameters
    ----------
    cache : Path
        A folder for unpacked recordings.
    ptbxl : Path or None
        PTB-XL as published; None looks for the packed recordings that ECGBYTE_SHARED_DATA names, or in
        ``../shared/data``, and takes synthetic ECGs where there are none.
    """

    def __init__(self, cache: Path, ptbxl: Path | None) -> None:
        self._cache = cache
        self._folder = ptbxl
        self._packed = Path(os.environ.get("ECGBYTE_SHARED_DATA", ROOT.parent / "shared" / "data"))
        self._found: dict[tuple[int, int], PTBXL] = {}
        self.real = ptbxl is not None or (self._packed / "unpack.py").is_file()

    @property
    def name(self) -> str:
        """As printed in the corpus column."""
        return "PTB-XL" if self.real else "synthetic ECGs (stand-in for real ones)"

    def read(self, rate: int, count: int) -> Iterator[Record]:
        """Give `count` records of `rate` Hz, or as many as there are."""
        if not self.real:
            records = SyntheticRecords(count, seed=0, sampling_rate=rate)
            for entry in records.entries[:count]:
                yield records.read(entry.record_id)
            return
        if (rate, count) not in self._found:
            self._found[rate, count] = PTBXL(self._unpacked(count), rate, available_only=True, max_records=count)
        found = self._found[rate, count]
        for entry in found.entries:
            yield found.read(entry.record_id)

    def _unpacked(self, count: int) -> Path:
        if self._folder is not None:
            return self._folder
        done = [int(mark.name.removeprefix(_MARK)) for mark in self._cache.glob(f"{_MARK}*")]
        if max(done, default=0) < count:
            # Some of the first records are duplicates, which PTBXL leaves out.
            command = [sys.executable, str(self._packed / "unpack.py"), str(self._cache)]
            command += ["--max-records", str(count + 100)]
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=1200)
            (self._cache / f"{_MARK}{count}").touch()
        return self._cache / "ptb-xl"
