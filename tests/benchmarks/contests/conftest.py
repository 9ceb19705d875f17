"""Benchmarks run only when asked for: ``pytest --benchmark-only``; see `tests/conftest.py` for their options."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ecgbyte
from tests.benchmarks.contest import Contest, hold
from tests.benchmarks.machine import describe_machine
from tests.benchmarks.peers import token_strings
from tests.benchmarks.rows import BenchmarkRow

from .corpora import Corpora, Signals, Symbols
from .published_port import CannotBuild, compiled_port
from .recordings import Recordings
from .results import Results
from .summary import summary_lines

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / "work" / "benchmarks"
RESULTS = pytest.StashKey[Results]()

# Contestants may be slow, and the machine busy; a benchmark that hangs should still end.
_SECONDS_FOR_A_CONTEST = 3600

NUM_MERGES = {"smoke": 500, "default": 3500, "full": 3500}


def pytest_configure(config: pytest.Config) -> None:
    scale = config.getoption("scale", default="default")
    if config.getoption("benchmark_only", default=False):
        describe_machine(scale)  # before the load of this run
    config.stash[RESULTS] = Results(scale)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    wanted = config.getoption("benchmark_only", default=False)
    for item in items:
        if here in item.path.parents and wanted:
            item.add_marker(pytest.mark.timeout(_SECONDS_FOR_A_CONTEST))
        elif here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="benchmarks run with --benchmark-only"))


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    results = config.stash[RESULTS]
    if not results.rows:
        return
    terminalreporter.section(f"ecgbyte beside its peers, scale {results.scale}")
    for line in summary_lines(results):
        terminalreporter.write_line(line)
    folder = config.getoption("write_results", default=None)
    if folder is None:
        return
    if exitstatus != 0:
        terminalreporter.write_line("results are not written, since a benchmark failed")
        return
    for path in results.write(Path(folder)):
        terminalreporter.write_line(f"wrote {path}")


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Results:
    return request.config.stash[RESULTS]


@pytest.fixture(scope="session")
def scale(request: pytest.FixtureRequest) -> str:
    return request.config.getoption("scale")


@pytest.fixture(scope="session")
def corpora(request: pytest.FixtureRequest, scale: str) -> Corpora:
    folder = request.config.getoption("ptbxl")
    return Corpora(WORK, Recordings(WORK, None if folder is None else Path(folder)), scale)


@pytest.fixture
def compete(benchmark: Any, results: Results, scale: str) -> Callable[[Contest], list[BenchmarkRow]]:
    """Hold a contest and keep its rows."""

    def run(contest: Contest) -> list[BenchmarkRow]:
        began = time.perf_counter()
        rows = hold(benchmark, contest, scale)
        results.add(rows, time.perf_counter() - began)
        return rows

    return run


@pytest.fixture(scope="session")
def num_merges(scale: str) -> int:
    return NUM_MERGES[scale]


@pytest.fixture(scope="session")
def real(corpora: Corpora) -> Symbols:
    """The real training corpus, 1e7 symbols."""
    return corpora.real()


@pytest.fixture(scope="session")
def noise(corpora: Corpora) -> Symbols:
    """The adverse corpus, 1e7 symbols."""
    return corpora.noise()


@pytest.fixture(scope="session")
def encoding_strings(corpora: Corpora) -> Symbols:
    """Real records to encode, from 500 Hz originals."""
    return corpora.encoding_strings()


@pytest.fixture(scope="session")
def signals(corpora: Corpora) -> Signals:
    """The same records before they become symbols."""
    return corpora.signals()


@pytest.fixture(scope="session")
def vocabulary(encoding_strings: Symbols, num_merges: int) -> ecgbyte.bpe.Vocabulary:
    """Learnt from the records to encode, joined."""
    return ecgbyte.bpe.Vocabulary(ecgbyte.bpe.train_merges(encoding_strings.symbols.reshape(1, -1), num_merges))


@pytest.fixture(scope="session")
def strings(vocabulary: ecgbyte.bpe.Vocabulary) -> list[str]:
    return token_strings(vocabulary)


@pytest.fixture(scope="session")
def noise_vocabulary(noise: Symbols, num_merges: int) -> ecgbyte.bpe.Vocabulary:
    return ecgbyte.bpe.Vocabulary(ecgbyte.bpe.train_merges(noise.symbols.reshape(1, -1), num_merges))


@pytest.fixture(scope="session")
def port() -> ModuleType | str:
    """The compiled port of the published algorithm, or why it cannot be had."""
    try:
        return compiled_port(WORK)
    except CannotBuild as error:
        return str(error)
