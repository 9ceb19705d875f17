"""Preprocessing a record of 10 s, 12 leads, 500 Hz: beside SciPy and PyWavelets as published."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

import ecgbyte
from ecgbyte.files import fingerprint
from ecgbyte.signals.records import Record
from tests.benchmarks.contest import Contest, Contestant

from .corpora import Corpora
from .published_chain import corrected_chain, published_chain

TOLERANCE = 1e-3  # mV


def test_record(compete: Callable[[Contest], object], corpora: Corpora) -> None:
    records = [record for record in corpora.records(40) if record.signal.shape == (12, 5000)]
    signals = [record.signal.astype(np.float64) for record in records]
    default = ecgbyte.Preprocessor(target_rate=250)
    as_published = ecgbyte.Preprocessor(target_rate=250, as_published=True)
    corrected = functools.cache(lambda k: corrected_chain(signals[k]))
    by_default = functools.cache(lambda k: default.apply(records[k]).signal)
    by_published = functools.cache(lambda k: as_published.apply(records[k]).signal)
    samples_first = [np.ascontiguousarray(signal.T) for signal in signals]  # as the published code holds them
    published = functools.cache(lambda k: published_chain(samples_first[k]).T)

    def near(expected: Callable[[int], np.ndarray]) -> Callable[[int, Record], None]:
        def check(k: int, record: Record | np.ndarray) -> None:
            found = record.signal if isinstance(record, Record) else record
            worst = float(np.abs(found - expected(k)).max())
            assert worst <= TOLERANCE, f"record {k}: {worst} mV away"

        return check

    compete(
        Contest(
            name="preprocessing",
            work="preprocessing one record, 500 Hz [12, 5000] to 250 Hz",
            corpus=f"R: {corpora.source}, 500 Hz originals",
            corpus_fingerprint=fingerprint(np.stack([record.signal for record in records])),
            symbols=signals[0].size,
            contestants=[
                Contestant(
                    name="ecgbyte",
                    call=lambda k: default.apply(records[k]),
                    check=near(corrected),
                    compared_with="within 1e-3 mV of the same steps written out in SciPy and PyWavelets",
                    note="the published chain with its faults corrected",
                ),
                Contestant(
                    name="published chain (SciPy and PyWavelets, port)",
                    package="scipy",
                    call=lambda k: published_chain(samples_first[k]),
                    check=lambda k, found: near(by_published)(k, found.T),
                    compared_with="within 1e-3 mV of ecgbyte, as_published=True",
                ),
                Contestant(
                    name="ecgbyte, as_published=True",
                    call=lambda k: as_published.apply(records[k]),
                    check=near(published),
                    compared_with="within 1e-3 mV of the published chain",
                ),
                Contestant(
                    name="corrected chain (SciPy and PyWavelets)",
                    package="scipy",
                    call=lambda k: corrected_chain(signals[k]),
                    check=near(by_default),
                    compared_with="within 1e-3 mV of ecgbyte",
                    note="each step by itself, filters designed at every call",
                ),
            ],
            rounds=11,
            expected=corrected,
            compared_with="",
            inputs=len(records),
            checked_inputs=20,
        )
    )
