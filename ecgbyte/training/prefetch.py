"""Batches prepared in the background, in order, while the device computes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


class Preparation:
    """One background thread for all preparing of a run, or none.

    Tokenizers cannot be used by two threads at once, so batches of training and of validation are prepared by the same
    one. Use as a context manager: its end waits for what is being prepared and drops what is not begun.

    Parameters
    ----------
    depth : int
        Items prepared ahead; 0 prepares each when it is asked for, in the thread that asks.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="batches") if depth else None

    def __enter__(self) -> Preparation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def of(self, prepare: Callable[[Item], Result], items: Iterable[Item]) -> Prepared[Item, Result]:
        """Return ``prepare(item)`` of each item, in order; errors of `prepare` are raised where its result is due."""
        return Prepared(prepare, items, self._executor, self.depth)


class Prepared(Generic[Item, Result]):
    """An iterator over prepared items; ``waited`` holds the seconds that its user spent waiting for them.

    *Thread-safety*: for one thread.
    """

    def __init__(
        self,
        prepare: Callable[[Item], Result],
        items: Iterable[Item],
        executor: ThreadPoolExecutor | None,
        depth: int,
    ) -> None:
        self._prepare = prepare
        self._items = iter(items)
        self._executor = executor
        self._depth = depth
        self._ahead: deque[Future[Result]] = deque()
        self._began = False
        self.waited = 0.0

    def __iter__(self) -> Iterator[Result]:
        return self

    def __next__(self) -> Result:
        started = time.perf_counter()
        try:
            return self._next()
        finally:
            self.waited += time.perf_counter() - started

    def _next(self) -> Result:
        if self._executor is None:
            return self._prepare(next(self._items))
        if not self._began:
            # Nothing computes yet, so the first item may show whether preparing is free of random numbers.
            self._began = True
            before = torch.get_rng_state()
            first = self._executor.submit(self._prepare, next(self._items)).result()
            if not torch.equal(before, torch.get_rng_state()):
                raise ValueError(
                    "prefetch: the collate function draws torch's random numbers, whose order a second thread would "
                    "change; expected prefetch=0"
                )
            self._fill(self._executor)
            return first
        if not self._ahead:
            raise StopIteration
        result = self._ahead.popleft().result()
        self._fill(self._executor)
        return result

    def _fill(self, executor: ThreadPoolExecutor) -> None:
        while len(self._ahead) < self._depth:
            try:
                item = next(self._items)
            except StopIteration:
                return
            self._ahead.append(executor.submit(self._prepare, item))
