"""Reading, checking and preprocessing real recordings of PTB-XL."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.signals.amplitude_range import fit_amplitude_range
from ecgbyte.signals.lead_identities import check_lead_identities
from ecgbyte.signals.leads import LIMB_LEADS
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.reading.reader import read_record
from ecgbyte.signals.records import Record
from tests.signals.slow_preprocessing import preprocess_slowly

pytestmark = pytest.mark.real_data


def headers(real_data: Path, folder: str, count: int) -> list[Path]:
    found = sorted((real_data / "ptb-xl" / folder).glob("*/*.hea"))
    assert len(found) >= count
    return found[:count]


@pytest.mark.parametrize(("folder", "rate", "samples"), [("records100", 100, 1000), ("records500", 500, 5000)])
def test_records_equal_their_signal_files(real_data: Path, folder: str, rate: float, samples: int) -> None:
    for header in headers(real_data, folder, 100):
        record = read_record(header)
        raw = np.fromfile(header.with_suffix(".dat"), dtype="<i2").reshape(samples, 12).T
        np.testing.assert_array_equal(record.signal, (raw / 1000).astype(np.float32))
        assert record.sampling_rate == rate and record.record_id == header.stem


def test_every_exchange_of_two_limb_leads_is_caught(real_data: Path) -> None:
    for header in headers(real_data, "records100", 15):
        record = read_record(header)
        for one, other in itertools.combinations(range(6), 2):
            names = list(record.lead_names)
            names[one], names[other] = names[other], names[one]
            with pytest.raises(ValueError, match="look swapped") as error:
                check_lead_identities(record.signal, names)
            assert f"the lead called {LIMB_LEADS[one]} is {LIMB_LEADS[other]}" in str(error.value)


def test_header_in_another_order_than_its_signals_is_caught(real_data: Path, tmp_path: Path) -> None:
    source = headers(real_data, "records100", 1)[0]
    shutil.copy(source.with_suffix(".dat"), tmp_path)
    text = source.read_text().replace("AVL", "?").replace("AVF", "AVL").replace("?", "AVF")
    (tmp_path / source.name).write_text(text)
    with pytest.raises(ValueError, match="the lead called aVL is aVF and the lead called aVF is aVL"):
        read_record(tmp_path / source.name)


def test_truncated_and_altered_copies_are_refused(real_data: Path, tmp_path: Path) -> None:
    source = headers(real_data, "records500", 1)[0]
    shutil.copy(source, tmp_path)
    content = source.with_suffix(".dat").read_bytes()
    copy = tmp_path / source.with_suffix(".dat").name
    copy.write_bytes(content[:-2000])
    with pytest.raises(ValueError, match="truncated: 118000 bytes, expected 120000"):
        read_record(tmp_path / source.stem)
    copy.write_bytes(content[:1000] + bytes([content[1000] ^ 4]) + content[1001:])
    with pytest.raises(ValueError, match="checksum"):
        read_record(tmp_path / source.stem)


@pytest.mark.parametrize("as_published", [False, True])
def test_chain_keeps_the_heartbeat_at_500_hz(real_data: Path, as_published: bool) -> None:
    chain = Preprocessor(250, as_published=as_published)
    for header in headers(real_data, "records500", 10):
        result = chain.apply(read_record(header))
        assert result.signal.shape == (12, 2500)
        assert np.abs(result.signal).max() > 0.3


@pytest.mark.parametrize(("folder", "count"), [("records100", 100), ("records500", 40)])
def test_chain_equals_scipy_and_pywavelets(real_data: Path, folder: str, count: int) -> None:
    # On x86-64 the float32 results are the same bits, since the kernels round as SciPy and PyWavelets do; elsewhere
    # those may be compiled to round otherwise.
    chain = Preprocessor(250)
    for header in headers(real_data, folder, count):
        record = read_record(header)
        np.testing.assert_allclose(chain.apply(record).signal, preprocess_slowly(chain, record), rtol=0, atol=1e-6)


def test_default_chain_gives_the_same_signal_from_100_and_500_hz(real_data: Path) -> None:
    default, published = [], []
    for fast, slow in zip(headers(real_data, "records500", 30), headers(real_data, "records100", 30), strict=True):
        assert fast.stem[:5] == slow.stem[:5]
        for chain, differences in ((Preprocessor(100), default), (Preprocessor(100, as_published=True), published)):
            middle = slice(100, 900)
            high = chain.apply(read_record(fast)).signal[:, middle]
            low = chain.apply(read_record(slow)).signal[:, middle]
            differences.append(np.sqrt(np.mean((high - low) ** 2)))
    # Level 4 at 100 Hz reaches down to the frequencies of the heartbeat, so the published chain changes it there.
    assert np.median(default) < 0.03
    assert np.median(published) > 2 * np.median(default)


def test_filtering_before_cutting_beats_filtering_the_cut(real_data: Path) -> None:
    # The longer extension of the ends makes what is filtered alone more like the same part of the whole.
    def difference(as_published: bool) -> float:
        chain = Preprocessor(None, as_published=as_published, denoise=False)
        squares = []
        for header in headers(real_data, "records500", 30):
            record = read_record(header)
            part = Record(record.signal[:, 1000:4000], record.sampling_rate, record.lead_names, record.record_id)
            squares.append(np.mean((chain.apply(record).signal[:, 1000:4000] - chain.apply(part).signal) ** 2))
        return float(np.sqrt(np.mean(squares)))

    assert difference(as_published=False) < 0.7 * difference(as_published=True)


def test_range_of_the_population(real_data: Path) -> None:
    records = [read_record(header) for header in headers(real_data, "records100", 50)]
    fitted = fit_amplitude_range(records)
    exact = np.percentile(np.concatenate([record.signal.ravel() for record in records]).astype(np.float64), [1, 99])
    np.testing.assert_allclose([fitted.low + 0.5, fitted.high - 0.5], exact, rtol=0, atol=fitted.error_mv)
