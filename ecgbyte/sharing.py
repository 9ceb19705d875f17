"""Sharing work among threads: the calling thread works too, and nobody waits while there is work left."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Share = TypeVar("Share")
Result = TypeVar("Result")


class SharingThreads:
    """Other threads that run a call together with the thread that asks for it.

    Parameters
    ----------
    num_threads : int
        How many in all, with the one that asks; 1 starts none.

    Notes
    -----
    Starting a thread costs about 0.1 ms, so this is for work of some milliseconds that releases the interpreter lock.
    Used as a context manager; its end does not wait for threads, which have nothing left to do, to be gone.
    """

    def __init__(self, num_threads: int) -> None:
        self._others = num_threads - 1
        self._pool = ThreadPoolExecutor(self._others) if self._others > 0 else None

    def __enter__(self) -> SharingThreads:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def run(self, call: Callable[..., object], *arguments: object) -> None:
        """Run the call in every thread at once, and wait for all; it takes its part of the work by itself.

        Raises
        ------
        Whatever the call raises in this thread, else in the first of the others.

        Notes
        -----
        Where the system gives no more threads, those that there are do the work.
        """
        others: list[Future[object]] = []
        pool, short = self._pool, False
        try:
            if pool is not None:
                for _ in range(self._others):
                    others.append(pool.submit(call, *arguments))
        except RuntimeError:  # no thread can be started
            short = True
        try:
            call(*arguments)
        finally:
            if pool is not None and short:
                # The call that got no thread of its own waits in the pool: it must not begin later.
                self._pool = None
                pool.shutdown(wait=True, cancel_futures=True)
            errors = [None if other.cancelled() else other.exception() for other in others]
        for error in errors:
            if error is not None:
                raise error


def map_shares(work: Callable[[Share], Result], shares: Sequence[Share], num_threads: int) -> list[Result]:
    """Apply `work` to every share of a job, in up to `num_threads` threads; the results in the order of the shares.

    Parameters
    ----------
    work : callable(share) -> result
        Releases the interpreter lock for most of its time.
    shares : sequence
        More than threads, so that one that is held up does not hold up the others.
    num_threads : int
        At least 1.

    Raises
    ------
    Whatever `work` raises, when all threads are done with the share at hand; the shares left are not begun.
    """
    left = deque(range(len(shares)))
    results: dict[int, Result] = {}

    def take() -> None:
        while True:
            try:
                index = left.popleft()
            except IndexError:
                return
            try:
                results[index] = work(shares[index])
            except BaseException:
                left.clear()
                raise

    with SharingThreads(min(num_threads, len(shares))) as threads:
        threads.run(take)
    return [results[index] for index in range(len(shares))]
