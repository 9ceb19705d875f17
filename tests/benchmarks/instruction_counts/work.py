"""The work whose instructions are counted; started under callgrind by `tests.benchmarks.instruction_counts`.

Callgrind writes its counters out, and starts again from zero, whenever the process enters the C function behind
`os.getppid` (``--dump-before=getppid``). A call before and one after the work so enclose exactly its instructions,
whatever the kernels are called; starting Python and building the inputs do not count. The calls into the library do.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator

import numpy as np

import ecgbyte
from ecgbyte.files import fingerprint
from ecgbyte.symbols import symbolize

from .inputs import HIGH_MV, INPUTS, LOW_MV, signal

NUM_MERGES = 3500
LEADS = 12
# 4, 16 and 64 recordings of 10 s at 250 Hz in one: n, 4 n and 16 n symbols.
LENGTHS = (120_000, 480_000, 1_920_000)
WORK = ("training", "encoding, longest", "encoding, merge-order", "symbols", "signal to ids")

Call = Callable[[], np.ndarray]


def calls(name: str, num_symbols: int, merges: np.ndarray) -> Iterator[tuple[str, Call, Callable[[np.ndarray], None]]]:
    """Each work on one input: its name, what to call, and a check of what the call returned."""
    recording = signal(name, LEADS, num_symbols // LEADS)
    symbols = symbolize(recording, LOW_MV, HIGH_MV)
    joined = symbols.reshape(1, -1)
    vocabulary = ecgbyte.bpe.Vocabulary(merges)
    tokenizer = ecgbyte.ECGTokenizer.from_merges(
        merges, amplitude_range=(LOW_MV, HIGH_MV), sampling_rate=250, num_leads=LEADS
    )

    def decodes(ids: np.ndarray) -> None:
        if not np.array_equal(vocabulary.decode(ids), joined[0]):
            raise AssertionError(f"{name}: the ids do not decode to the symbols")

    def first_merge_counts_most(learnt: np.ndarray) -> None:
        pairs = np.bincount(joined[0, :-1].astype(np.int64) * 26 + joined[0, 1:], minlength=26 * 26)
        if learnt[0, 0] * 26 + learnt[0, 1] != pairs.argmax():
            raise AssertionError(f"{name}: the first merge is not the most frequent pair")

    def same_as_formula(found: np.ndarray) -> None:
        place = np.clip((recording.astype(np.float64) - LOW_MV) / (HIGH_MV - LOW_MV + 1e-6), 0, 1)
        if not np.array_equal(found, np.minimum(np.floor(26 * place), 25)):
            raise AssertionError(f"{name}: the symbols differ from the formula")

    yield "training", lambda: ecgbyte.bpe.train_merges(joined, NUM_MERGES), first_merge_counts_most
    yield "encoding, longest", lambda: vocabulary.encode(joined[0], "longest"), decodes
    yield "encoding, merge-order", lambda: vocabulary.encode(joined[0], "merge-order"), decodes
    yield "symbols", lambda: symbolize(recording, LOW_MV, HIGH_MV), same_as_formula
    yield "signal to ids", lambda: tokenizer.encode(recording).ids, decodes


def learnt_merges() -> np.ndarray:
    """Merges that hold long tokens of every input, int32 [3500, 2]: all of them are trained on together."""
    parts = [symbolize(signal(name, LEADS, LENGTHS[1] // LEADS), LOW_MV, HIGH_MV).reshape(-1) for name in INPUTS]
    return ecgbyte.bpe.train_merges(parts, NUM_MERGES)


def main() -> None:
    merges = learnt_merges()
    # Once without counting: what Python and the library do at a first call is not part of the cost.
    for _, call, _ in calls(INPUTS[0], LENGTHS[0] // 10, merges):
        call()
    gc.collect()
    gc.disable()
    counted = []
    for name in INPUTS:
        for num_symbols in LENGTHS:
            for work, call, check in calls(name, num_symbols, merges):
                os.getppid()
                result = call()
                os.getppid()
                check(result)
                counted.append((work, name, num_symbols, fingerprint(result)))
    json.dump(counted, sys.stdout)


if __name__ == "__main__":
    main()
