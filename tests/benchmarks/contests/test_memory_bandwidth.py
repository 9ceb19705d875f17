"""How fast this machine moves memory, measured in the same run: the limit that no kernel passes on large inputs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tests.benchmarks.contest import Contest, Contestant
from tests.benchmarks.machine import usable_cores


def test_memory_bandwidth(compete: Callable[[Contest], object], scale: str) -> None:
    size = 1 << (24 if scale == "smoke" else 29)
    source = np.arange(size // 8, dtype=np.int64)
    targets = [np.zeros_like(source) for _ in range(2)]
    threads = usable_cores()
    halves = list(zip(np.array_split(source, threads), np.array_split(targets[1], threads), strict=True))
    pool = ThreadPoolExecutor(threads)

    def check_copy(target: np.ndarray) -> None:
        assert np.array_equal(target[::1000], source[::1000])
        target[::1000] = 0

    def copy_by_all(_: int) -> None:
        list(pool.map(lambda half: np.copyto(half[1], half[0]), halves))

    largest = size // 8 - 1
    bits = (1 << largest.bit_length()) - 1
    compete(
        Contest(
            name="memory-bandwidth",
            work=f"memory bandwidth, array of {size >> 20} MiB; symbols are bytes of it",
            corpus="consecutive numbers",
            corpus_fingerprint="",
            symbols=size,
            contestants=[
                Contestant(
                    name="copy (NumPy)",
                    package="numpy",
                    call=lambda _: np.copyto(targets[0], source),
                    check=lambda *_: check_copy(targets[0]),
                    compared_with="every 1000th number equal to the source",
                    note="reads and writes each byte",
                ),
                Contestant(
                    name="read (NumPy)",
                    package="numpy",
                    call=lambda _: int(np.bitwise_or.reduce(source)),
                    compared_with="the bits of the numbers",
                ),
                Contestant(
                    name="copy (NumPy, all threads)",
                    package="numpy",
                    threads=threads,
                    call=copy_by_all,
                    check=lambda *_: check_copy(targets[1]),
                    compared_with="every 1000th number equal to the source",
                    note="reads and writes each byte",
                ),
            ],
            rounds=7,
            expected=lambda _: bits,
            compared_with="the bits of the numbers",
            one_call=True,
        )
    )
    pool.shutdown()
