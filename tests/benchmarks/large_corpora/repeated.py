"""The paper's own size, 200,000 ECGs or 6e9 symbols: the recordings of PTB-XL repeated with added noise.

The first turn holds the recordings as they are. In every further turn each sample gets normal noise of a stated
standard deviation, drawn anew from a seeded generator for each turn and part, before it becomes a symbol; the range
stays. The noise is white, so repeated records have shorter runs than real ones: harder for training, not easier.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ecgbyte.files import open_memmap, write_atomically
from ecgbyte.symbols import symbolize

from .recordings import DESCRIPTION_FILE, SHAPE, parts_of, read_part, read_range, records_in


@dataclass(frozen=True)
class _Piece:
    """One part in one turn, and the rows of the corpus that it fills."""

    turn: int
    part: int
    path: Path
    first: int
    records: int

    @property
    def name(self) -> str:
        return f"{self.turn}/{self.part}"


def noisy_symbols(
    signals: NDArray[np.float32], noise_mv: float, seed: tuple[int, int, int], low: float, high: float
) -> NDArray[np.uint8]:
    """Symbols of signals with added noise.

    Parameters
    ----------
    signals : float32 [records, leads, samples]
        In mV; left as they are.
    noise_mv : float
        Standard deviation, in mV; 0 adds nothing.
    seed : (int, int, int)
        Of the noise: seed, turn and part.
    low, high : float
        The range, in mV.

    Returns
    -------
    uint8 [records, leads * samples]
    """
    if noise_mv:
        noise = np.random.Generator(np.random.SFC64(seed)).standard_normal(signals.shape, dtype=np.float32)
        noise *= np.float32(noise_mv)
        noise += signals
        signals = noise
    records, leads, samples = signals.shape
    return symbolize(signals.reshape(records * leads, samples), low, high).reshape(records, leads * samples)


def _pieces(source: Path, records: int) -> Iterator[_Piece]:
    parts = [(part, records_in(part)) for part in parts_of(source)]
    if sum(count for _, count in parts) == 0:
        raise ValueError(f"source: {source} holds no prepared records")
    first = turn = 0
    while first < records:
        for number, (path, count) in enumerate(parts):
            taken = min(count, records - first)
            if taken:
                yield _Piece(turn, number, path, first, taken)
            first += taken
        turn += 1


def _fill(piece: _Piece, partial: Path, noise_mv: float, seed: int, low: float, high: float) -> str:
    signals = read_part(piece.path)[: piece.records]
    noise = noise_mv if piece.turn else 0.0
    corpus = np.lib.format.open_memmap(partial, "r+")
    corpus[piece.first : piece.first + piece.records] = noisy_symbols(
        signals, noise, (seed, piece.turn, piece.part), low, high
    )
    corpus.flush()
    return piece.name


def repeat(source: Path, target: Path, *, records: int, noise_mv: float, seed: int, processes: int) -> None:
    """Write `target`, uint8 [records, 30000], and beside it ``.json`` with how it was made; resumable.

    Parameters
    ----------
    source : path
        A folder that `tests.benchmarks.large_corpora.recordings.prepare` wrote.
    target : path
        The ``.npy`` file; 30 kB a record.
    records : int
        How many ECGs, such as 200,000.
    noise_mv : float
        Standard deviation of the noise from the second turn on, in mV.
    seed : int
        Of the noise; the same bytes come out for any number of processes.
    processes : int

    Raises
    ------
    ValueError
        If an unfinished file was begun with other settings, or `source` is empty.

    Notes
    -----
    Memory: about 150 MB a process. Time: about 5 ns a symbol and process.
    """
    limits = read_range(source)
    made_from = json.loads((source / DESCRIPTION_FILE).read_text(encoding="utf-8"))["fingerprint"]
    settings = {"records": records, "noise_mv": noise_mv, "seed": seed, "made_from": made_from}
    partial, ledger = target.with_name(f"{target.name}.partial"), target.with_name(f"{target.name}.done.partial")
    done: set[str] = set()
    if partial.exists() and ledger.exists():
        begun, *names = ledger.read_text(encoding="utf-8").splitlines()
        if json.loads(begun) != settings:
            raise ValueError(f"target: {partial} was begun with other settings ({begun}); delete it to begin anew")
        done = set(names)
    else:
        open_memmap(partial, np.uint8, (records, SHAPE[0] * SHAPE[1])).flush()
        ledger.write_text(json.dumps(settings) + "\n", encoding="utf-8")
    pieces = list(_pieces(source, records))
    missing = [piece for piece in pieces if piece.name not in done]
    with ProcessPoolExecutor(processes) as pool, ledger.open("a", encoding="utf-8") as written:
        turns = [pool.submit(_fill, piece, partial, noise_mv, seed, limits.low, limits.high) for piece in missing]
        for turn in tqdm(as_completed(turns), desc="records", total=len(turns), unit=" parts", file=sys.stderr):
            written.write(turn.result() + "\n")
            written.flush()
    partial.replace(target)
    ledger.unlink()
    description = {**settings, "symbols": records * SHAPE[0] * SHAPE[1], "turns": pieces[-1].turn + 1}
    write_atomically(target.with_suffix(".json"), json.dumps(description, indent=1) + "\n")
