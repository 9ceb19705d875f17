"""One training run by one contestant in a process of its own: its merges to a file, time and memory to standard output.

Started by `tests.benchmarks.large_corpora.contests`. ecgbyte takes its input in three forms: an array in memory, a
memory map, and a generator that reads the file in blocks; the last holds no input at all. The peers are called as in
`tests.benchmarks.training_peers`, each on its own native input, which is made before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgbyte.bpe import train_merges
from ecgbyte.symbols import letters
from tests.benchmarks import training_peers
from tests.benchmarks.contest import Contestant
from tests.benchmarks.peers import merge_strings

from .memory import measure_call

OURS = ("ecgbyte", "ecgbyte, memory map", "ecgbyte, streamed")
PEERS = ("rustbpe", "gigabpe", "sentencepiece", "youtokentome")
BYTES_A_BLOCK = 1 << 24


def stream(corpus: Path, records: int) -> Iterator[NDArray[np.uint8]]:
    """The first records of a ``.npy`` file, uint8 [records, symbols], in blocks that are read and not mapped."""
    with corpus.open("rb") as file:
        np.lib.format.read_magic(file)
        (rows, symbols), _, kind = np.lib.format.read_array_header_1_0(file)
        if kind != np.uint8 or rows < records:
            raise ValueError(f"corpus: {corpus} holds {kind} [{rows}, {symbols}], expected uint8 of {records} records")
        for first in range(0, records, at_once := max(1, BYTES_A_BLOCK // symbols)):
            block = np.empty((min(at_once, records - first), symbols), dtype=np.uint8)
            if file.readinto(block) != block.nbytes:
                raise ValueError(f"corpus: {corpus} is cut short")
            yield block


def our_training(name: str, corpus: Path, records: int, num_merges: int) -> Callable[[], NDArray[np.int32]]:
    """What trains by ecgbyte on one form of the input."""
    if name == "ecgbyte, streamed":
        return lambda: train_merges(stream(corpus, records), num_merges)
    if name == "ecgbyte, memory map":
        mapped = np.load(corpus, mmap_mode="r")[:records]
        return lambda: train_merges(mapped, num_merges)
    array = np.concatenate(list(stream(corpus, records)))
    return lambda: train_merges(array, num_merges)


def peer(name: str, rows: NDArray[np.uint8], num_merges: int, folder: Path) -> Contestant:
    """A peer on the joined records, or record by record where its own form is that."""
    if name == "rustbpe":
        return training_peers.rustbpe_training([letters(rows.reshape(-1))], num_merges)
    if name == "gigabpe":
        return training_peers.gigabpe_training([letters(rows.reshape(-1))], num_merges, folder)
    if name == "sentencepiece":
        return training_peers.sentencepiece_training([letters(row) for row in rows], num_merges)
    return training_peers.youtokentome_training([letters(row) for row in rows], num_merges, folder)


def check_peer(contestant: Contestant, output: object, rows: NDArray[np.uint8], num_merges: int) -> str:
    """Hold a peer's output to ecgbyte's merges, or to its own rule; what was compared, in words."""
    if contestant.check is not None:
        contestant.check(0, output)
        return contestant.compared_with
    expected = merge_strings(train_merges(rows.reshape(1, -1), num_merges))
    assert contestant.comparable(output) == expected, f"{contestant.name} learnt other merges than ecgbyte"
    return "equal to ecgbyte"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("contestant", choices=[*OURS, *PEERS])
    parser.add_argument("records", type=int)
    parser.add_argument("merges", type=int)
    parser.add_argument("rounds", type=int)
    parser.add_argument("output", type=Path, help="where ecgbyte's merges go")
    options = parser.parse_args()
    if options.contestant in OURS:
        train_merges(next(stream(options.corpus, 1)), 1)  # what is loaded at a first call is no part of the cost
        call = our_training(options.contestant, options.corpus, options.records, options.merges)
        learnt, measured = measure_call(call, options.rounds)
        np.save(options.output, learnt)
        json.dump({**asdict(measured), "check": "", "note": "", "skipped": ""}, sys.stdout)
        return
    rows = np.concatenate(list(stream(options.corpus, options.records)))
    with tempfile.TemporaryDirectory() as folder:
        contestant = peer(options.contestant, rows, options.merges, Path(folder))
        found = {"check": "", "note": contestant.note, "skipped": contestant.skipped}
        if not contestant.skipped:
            output, measured = measure_call(lambda: contestant.call(0), options.rounds)
            found |= asdict(measured)
            found["check"] = check_peer(contestant, output, rows, options.merges)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
