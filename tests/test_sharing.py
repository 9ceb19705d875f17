"""Work shared among threads: every share once, results in order, errors passed on."""

from __future__ import annotations

import threading

import pytest

from ecgbyte.sharing import SharingThreads, map_shares


@pytest.mark.parametrize("num_threads", [1, 2, 5])
@pytest.mark.parametrize("shares", [0, 1, 3, 100])
def test_results_come_in_the_order_of_the_shares(num_threads: int, shares: int) -> None:
    assert map_shares(lambda share: share * share, range(shares), num_threads) == [k * k for k in range(shares)]


def test_all_threads_work_at_once() -> None:
    together = threading.Barrier(3, timeout=60)  # broken, and so an error, unless three calls wait at the same time
    seen: set[int] = set()

    def call(calls: set[int]) -> None:
        calls.add(threading.get_ident())
        together.wait()

    with SharingThreads(3) as threads:
        threads.run(call, seen)
    assert len(seen) == 3 and threading.get_ident() in seen


@pytest.mark.parametrize("num_threads", [1, 2])
def test_an_error_ends_the_work_and_is_passed_on(num_threads: int) -> None:
    begun: list[int] = []

    def work(share: int) -> None:
        begun.append(share)
        if share == 3:
            raise ValueError("share 3")

    with pytest.raises(ValueError, match="share 3"):
        map_shares(work, range(1000), num_threads)
    assert len(set(begun)) == len(begun)
    if num_threads == 1:
        assert begun == [0, 1, 2, 3]


def test_an_error_of_another_thread_is_passed_on() -> None:
    here = threading.get_ident()

    def call() -> None:
        if threading.get_ident() != here:
            raise OSError("elsewhere")

    with pytest.raises(OSError, match="elsewhere"), SharingThreads(2) as threads:
        threads.run(call)
