"""All of PTB-XL as one file of symbols on disk: read, preprocessed, one range fitted, symbols written.

The work is done in parts of some hundred records, each a file that is written in one step, so that a run that was
stopped goes on where it was, and memory does not grow with the data set. The parts stay: the corpus of repeated
recordings (`tests.benchmarks.large_corpora.repeated`) starts from their signals.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import json
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.files import fingerprint, open_memmap, replacing, write_atomically
from ecgbyte.signals.amplitude_range import AmplitudeRange, fit_amplitude_range
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.symbols import symbolize

TARGET_RATE = 250
RECORDS_A_PART = 256
SYMBOLS_FILE = "symbols.npy"
REJECTED_FILE = "rejected.csv"
DESCRIPTION_FILE = "corpus.json"

# A 10-s recording of 12 leads at the target rate.
SHAPE = (12, 10 * TARGET_RATE)


@functools.cache
def _data_set(root: Path, sampling_rate: int) -> PTBXL:
    return PTBXL(root, sampling_rate)


def _part_name(number: int) -> str:
    return f"part-{number:04d}.npz"


def _prepare_part(root: Path, sampling_rate: int, record_ids: list[str], path: Path) -> None:
    """Preprocess some records into one file: their signals, float32 [records, 12, 2500], and why others are missing."""
    preprocessor = Preprocessor(target_rate=TARGET_RATE)
    data_set = _data_set(root, sampling_rate)
    signals, kept, rejected = [], [], []
    for record_id in record_ids:
        try:
            signal = preprocessor.apply(data_set.read(record_id)).signal
            if signal.shape != SHAPE:
                raise ValueError(f"shape {signal.shape} after preprocessing, expected {SHAPE}")
        except (FileNotFoundError, ValueError) as error:
            rejected.append((record_id, f"{type(error).__name__}: {error}"))
        else:
            signals.append(signal)
            kept.append(record_id)
    content = io.BytesIO()
    np.savez(
        content,
        signals=np.array(signals, dtype=np.float32).reshape(-1, *SHAPE),
        record_ids=np.array(kept, dtype=np.str_),
        rejected=np.array(rejected, dtype=np.str_).reshape(-1, 2),
    )
    write_atomically(path, content.getvalue())


def parts_of(folder: Path) -> list[Path]:
    """The files of the parts, in the order of the records."""
    return sorted(folder.glob("part-*.npz"))


def read_part(path: Path) -> NDArray[np.float32]:
    """The signals of one part, float32 [records, 12, 2500] in mV."""
    with np.load(path) as part:
        signals: NDArray[np.float32] = part["signals"]
    return signals


def records_in(path: Path) -> int:
    """How many records a part holds, without reading their signals."""
    with zipfile.ZipFile(path) as archive, archive.open("signals.npy") as stream:
        np.lib.format.read_magic(stream)
        shape, _, _ = np.lib.format.read_array_header_1_0(stream)
    return int(shape[0])


def read_range(folder: Path) -> AmplitudeRange:
    """The range that the symbols of a prepared folder divide."""
    given = json.loads((folder / DESCRIPTION_FILE).read_text(encoding="utf-8"))["amplitude_range"]
    return AmplitudeRange(given["low"], given["high"])


def _write_symbols(folder: Path, limits: AmplitudeRange) -> tuple[int, str]:
    """Symbols of all parts in one file, uint8 [records, 30000]; the number of records and the fingerprint."""
    parts = parts_of(folder)
    counts = [records_in(part) for part in parts]
    row = 0
    prints = []
    with replacing(folder / SYMBOLS_FILE) as partial:
        symbols = open_memmap(partial, np.uint8, (sum(counts), SHAPE[0] * SHAPE[1]))
        for part in tqdm(parts, desc="symbols", unit=" parts", file=sys.stderr):
            for signal in read_part(part):
                symbols[row] = symbolize(signal, limits.low, limits.high).reshape(-1)
                row += 1
            prints.append(fingerprint(np.asarray(symbols[row - records_in(part) : row])))
        symbols.flush()
        del symbols
    return row, fingerprint(*prints)


def _write_rejected(folder: Path) -> int:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["record_id", "reason"])
    for path in parts_of(folder):
        with np.load(path) as part:
            writer.writerows(part["rejected"].tolist())
    write_atomically(folder / REJECTED_FILE, text.getvalue())
    return text.getvalue().count("\n") - 1


def _batches(record_ids: list[str]) -> Iterator[tuple[int, list[str]]]:
    for number, first in enumerate(range(0, len(record_ids), RECORDS_A_PART)):
        yield number, record_ids[first : first + RECORDS_A_PART]


def prepare(root: Path, folder: Path, *, sampling_rate: int, max_records: int | None, processes: int) -> None:
    """Write ``symbols.npy``, ``rejected.csv`` and ``corpus.json`` into `folder`; go on where an earlier run stopped.

    Parameters
    ----------
    root : path
        PTB-XL as published.
    folder : path
        Made where it does not exist; takes about 125 kB a record.
    sampling_rate : int
        Of the originals: 100 or 500 samples a second.
    max_records : int or None
        Only the first so many.
    processes : int

    Raises
    ------
    ValueError
        If the folder was begun with other settings.

    Notes
    -----
    Memory: about 200 MB a process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record_ids = [entry.record_id for entry in PTBXL(root, sampling_rate, max_records=max_records).entries]
    settings = {
        "sampling_rate": sampling_rate,
        "record_ids": fingerprint(*record_ids),
        "preprocessing": Preprocessor(target_rate=TARGET_RATE).settings(),
        "records_a_part": RECORDS_A_PART,
    }
    begun = folder / "settings.json"
    if begun.exists() and json.loads(begun.read_text(encoding="utf-8")) != settings:
        raise ValueError(f"folder: {folder} was begun with other settings, see {begun.name}; take an empty one")
    write_atomically(begun, json.dumps(settings, indent=1) + "\n")
    missing = [(number, ids) for number, ids in _batches(record_ids) if not (folder / _part_name(number)).exists()]
    with ProcessPoolExecutor(processes) as pool:
        done = pool.map(
            _prepare_part,
            itertools.repeat(root),
            itertools.repeat(sampling_rate),
            [ids for _, ids in missing],
            [folder / _part_name(number) for number, _ in missing],
        )
        for _ in tqdm(done, desc="preprocessing", total=len(missing), unit=" parts", file=sys.stderr):
            pass
    signals = (
        signal
        for part in tqdm(parts_of(folder), desc="range", unit=" parts", file=sys.stderr)
        for signal in read_part(part)
    )
    limits = fit_amplitude_range(signals)
    records, symbols_fingerprint = _write_symbols(folder, limits)
    description = {
        "records": records,
        "rejected": _write_rejected(folder),
        "symbols": records * SHAPE[0] * SHAPE[1],
        "amplitude_range": asdict(limits),
        "fingerprint": symbols_fingerprint,
        **settings,
    }
    write_atomically(folder / DESCRIPTION_FILE, json.dumps(description, indent=1) + "\n")
