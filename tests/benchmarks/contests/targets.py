"""What the project asks of its speed, as ratios within one run. Shown beside what was reached, never asserted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.benchmarks.rows import BenchmarkRow


@dataclass(frozen=True)
class Target:
    """One line of the table of targets.

    Attributes
    ----------
    contest : str
        `BenchmarkRow.contest`.
    against : tuple of str
        Names of contestants (their beginnings); the fastest of them counts.
    least, aim : float
        How many times as fast ecgbyte should be; 0 where nothing is aimed at beyond `least`.
    """

    contest: str
    against: tuple[str, ...]
    least: float
    aim: float = 0.0


_TRAINERS = ("rustbpe", "gigabpe", "sentencepiece", "youtokentome")
TARGETS = (
    Target("training-real", _TRAINERS, 5, 7),
    Target("training-real-large", _TRAINERS, 8),
    Target("training-noise", _TRAINERS, 4),
    Target("encoding-longest", ("published algorithm",), 30),
    Target("encoding-longest", ("HF tokenizers",), 50),
    Target("encoding-longest-noise", ("published algorithm",), 30),
    Target("encoding-longest-noise", ("HF tokenizers",), 50),
    Target("encoding-merge-order-batch", ("HF tokenizers", "tiktoken"), 12, 30),
    Target("encoding-merge-order-noise", ("HF tokenizers encode_batch_fast", "tiktoken"), 12, 30),
    Target("encoding-longest-threads", ("ecgbyte",), 1.8),
    Target("encoding-merge-order-threads", ("ecgbyte",), 1.8),
    Target("symbols", ("NumPy",), 4),
    Target("symbols", ("published algorithm",), 500),
    Target("preprocessing", ("published chain",), 3),
)
# In batches of records, matching `longest`, symbols a second.
BATCH_AIM = ("encoding-longest-batch", 500e6)


def in_batches(rows: Iterable[BenchmarkRow]) -> list[BenchmarkRow]:
    """The row of ecgbyte that `BATCH_AIM` speaks of, or none."""
    return [row for row in rows if row.contest == BATCH_AIM[0]][:1]


@dataclass(frozen=True)
class Reached:
    """A target, and the rows it is measured by: the contest's first, and the fastest of those it stands against."""

    target: Target
    first: BenchmarkRow
    fastest: BenchmarkRow


def reached(rows: Iterable[BenchmarkRow]) -> list[Reached]:
    """Every target for which there are figures, in the order of `TARGETS`."""
    rows = list(rows)
    found = []
    for target in TARGETS:
        measured = [row for row in rows if row.contest == target.contest and not row.skipped]
        peers = [row for row in measured[1:] if row.contestant.startswith(target.against)]
        if peers:
            found.append(Reached(target, measured[0], min(peers, key=lambda row: row.seconds)))
    return found
