"""Every uncompressed WFDB format, frames of several samples, and records made of segments, against wfdb."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgbyte.signals.reading.wfdb_record import read_wfdb
from ecgbyte.signals.reading.wfdb_samples import BYTES_PER_SAMPLE, num_bytes

FORMATS = sorted(BYTES_PER_SAMPLE)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=st.integers(1, 40), signals=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_any_bytes_are_the_samples_that_wfdb_reads(
    form: str, samples: int, signals: int, seed: int, tmp_path: Path
) -> None:
    content = np.random.default_rng(seed).integers(0, 256, num_bytes(form, samples * signals), dtype=np.uint8)
    if form == "311":
        content[3::4] &= 0x3F  # two bits of each block are not used, and wfdb takes one of them
    (tmp_path / "r.dat").write_bytes(content.tobytes())
    lines = [f"r {signals} 250 {samples}", *(f"r.dat {form} 200.5(3)/mV 12 0 7 0 0 s{k}" for k in range(signals))]
    (tmp_path / "r.hea").write_text("\n".join(lines) + "\n")
    found = read_wfdb(tmp_path / "r", verify_checksums=False)
    expected = wfdb.rdrecord(str(tmp_path / "r"), physical=True).p_signal
    np.testing.assert_allclose(np.array([signal.samples for signal in found.signals]), expected.T, rtol=1e-12)


@pytest.mark.parametrize("form", ["16", "212", "32"])
def test_frames_of_several_samples(form: str, tmp_path: Path) -> None:
    """Signals of 62.5 and 125 and 250 Hz in one file, as MIMIC's waveforms have them."""
    frames, per_frame = 50, (4, 1, 2)
    total = frames * sum(per_frame)
    content = np.random.default_rng(0).integers(0, 256, num_bytes(form, total), dtype=np.uint8)
    (tmp_path / "r.dat").write_bytes(content.tobytes())
    names = ("II", "RESP", "V")
    lines = [f"r.dat {form}x{count} 200(0)/mV 12 0 0 0 0 {name}" for count, name in zip(per_frame, names, strict=True)]
    (tmp_path / "r.hea").write_text("\n".join([f"r 3 62.5 {frames}", *lines]) + "\n")
    found = read_wfdb(tmp_path / "r", verify_checksums=False)
    expected = wfdb.rdrecord(str(tmp_path / "r"), smooth_frames=False, physical=False).e_d_signal
    for signal, count, stored in zip(found.signals, per_frame, expected, strict=True):
        assert signal.sampling_rate == 62.5 * count
        valid = np.isfinite(signal.samples)
        np.testing.assert_allclose(signal.samples[valid], np.asarray(stored)[valid] / 200)


def write_segment(folder: Path, name: str, signals: dict[str, np.ndarray]) -> None:
    wfdb.wrsamp(
        name,
        fs=125,
        units=["mV"] * len(signals),
        sig_name=list(signals),
        d_signal=np.array(list(signals.values()), dtype=np.int16).T,
        fmt=["16"] * len(signals),
        adc_gain=[200.0] * len(signals),
        baseline=[0] * len(signals),
        write_dir=str(folder),
    )


def test_segments_with_a_layout_and_gaps(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    parts = {"s1": ("II", "V"), "s2": ("V", "ABP"), "s3": ("II", "V", "ABP")}
    lengths = {"s1": 100, "s2": 37, "s3": 64}
    for name, signals in parts.items():
        write_segment(tmp_path, name, {signal: rng.integers(-900, 900, lengths[name]) for signal in signals})
    layout = ["s0 3 125 0", *(f"~ 0 200(0)/mV 0 0 0 0 0 {name}" for name in ("II", "V", "ABP"))]
    (tmp_path / "s0.hea").write_text("\n".join(layout) + "\n")
    (tmp_path / "r.hea").write_text("r/5 3 125 211\ns0 0\ns1 100\n~ 10\ns2 37\ns3 64\n")
    found = read_wfdb(tmp_path / "r")
    expected = wfdb.rdrecord(str(tmp_path / "r"))
    assert [signal.name for signal in found.signals] == ["II", "V", "ABP"]
    assert expected.sig_name == ["II", "V", "ABP"]
    np.testing.assert_allclose(np.array([signal.samples for signal in found.signals]), expected.p_signal.T)
    assert {signal.sampling_rate for signal in found.signals} == {125.0}


def test_segments_of_one_kind(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for name in ("s1", "s2"):
        write_segment(tmp_path, name, {signal: rng.integers(-900, 900, 80) for signal in ("I", "II")})
    (tmp_path / "r.hea").write_text("r/2 2 125 160\ns1 80\ns2 80\n")
    found = read_wfdb(tmp_path / "r")
    np.testing.assert_allclose(
        np.array([signal.samples for signal in found.signals]), wfdb.rdrecord(str(tmp_path / "r")).p_signal.T
    )
    content = bytearray((tmp_path / "s2.dat").read_bytes())
    content[10] ^= 1
    (tmp_path / "s2.dat").write_bytes(content)
    with pytest.raises(ValueError, match="checksum"):
        read_wfdb(tmp_path / "r")
    (tmp_path / "r.hea").write_text("r/1 2 125 80\nr 80\n")
    with pytest.raises(ValueError, match="made of segments itself"):
        read_wfdb(tmp_path / "r")
