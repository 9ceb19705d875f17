"""Running blocks: one after another in this process, or by Dask on this machine or a cluster."""

from __future__ import annotations

import contextlib
import itertools
import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ecgbyte.checks import whole_number

# Blocks that are handed out at a time, for each worker: enough that none waits, few enough that memory stays flat.
_AHEAD = 3
# A block whose worker dies is done again by another one; one that kills so many is at fault itself.
_MOST_DEATHS = 5


def run_blocks(
    work: Callable[..., Any],
    blocks: Iterable[tuple[Any, ...]],
    *,
    workers: int = 1,
    scheduler: str | None = None,
    timeout_s: float = 30.0,
) -> Iterator[Any]:
    """Do ``work(*block)`` for each block, and give what it returns, in the order in which blocks are finished.

    Parameters
    ----------
    work : callable
        A function of a module, so that other processes can import it. Doing a block twice must do no harm.
    blocks : iterable of tuple
        The arguments; taken a few at a time.
    workers : int
        Processes on this machine. 1 is this process itself.
    scheduler : str, optional
        The address of a Dask scheduler, ``tcp://host:8786``, whose workers do the blocks; `workers` is not used then.
    timeout_s : float
        How long to wait for the scheduler to answer, in seconds.

    Raises
    ------
    ModuleNotFoundError
        If several processes are asked for and Dask is not installed.
    OSError
        If the scheduler cannot be reached.
    Exception
        What `work` raises; blocks that are under way are given up then.

    Notes
    -----
    With several processes the main module of the caller is imported by each of them: a script must keep its own work
    under ``if __name__ == "__main__":``.
    """
    whole_number("workers", workers, minimum=1)
    if workers == 1 and scheduler is None:
        for block in blocks:
            yield work(*block)
        return
    with _client(workers, scheduler, timeout_s) as client:
        yield from _run_with_dask(client, work, iter(blocks))


@contextlib.contextmanager
def _client(workers: int, scheduler: str | None, timeout_s: float) -> Iterator[Any]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ModuleNotFoundError(
            "workers: several processes need Dask; pip install 'ecgbyte[prepare]', or use one worker"
        ) from error
    with dask.config.set({"distributed.scheduler.allowed-failures": _MOST_DEATHS}):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=timeout_s)
            except (OSError, ValueError) as error:
                raise OSError(f"scheduler: {scheduler} cannot be reached: {error}") from error
            with client:
                yield client
            return
        with contextlib.ExitStack() as opened:
            with _interrupts_ignored():
                # What workers say beside errors that end the run is of no use.
                cluster = opened.enter_context(
                    LocalCluster(
                        n_workers=workers,
                        threads_per_worker=1,
                        processes=True,
                        dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                    )
                )
            yield opened.enter_context(Client(cluster))


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes that are started here take no notice of Ctrl-C, which a terminal sends to all: they are told to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run_with_dask(client: Any, work: Callable[..., Any], blocks: Iterator[tuple[Any, ...]]) -> Iterator[Any]:
    from distributed import as_completed

    def submit(block: tuple[Any, ...]) -> Any:
        return client.submit(work, *block, pure=False)

    threads = max(1, sum(client.nthreads().values()))
    first = [submit(block) for block in itertools.islice(blocks, _AHEAD * threads)]
    running = as_completed(first)
    for future in running:
        yield future.result()
        future.release()
        for block in itertools.islice(blocks, 1):
            running.add(submit(block))
