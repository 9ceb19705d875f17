"""Reading WFDB files: units, lead order, and files that are damaged in every way that wfdb overlooks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.reading import wfdb_record
from ecgbyte.signals.reading.reader import read_record

MIMIC_ORDER = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")


def twelve_leads(samples: int = 50, seed: int = 0) -> dict[str, np.ndarray]:
    """Whole multiples of 1 uV that hold the identities of the limb leads exactly, in mV."""
    generator = np.random.default_rng(seed)
    first, second = generator.integers(-1000, 1000, size=(2, samples)) * 2
    limb = [first, second, second - first, -(first + second) // 2, first - second // 2, second - first // 2]
    chest = generator.integers(-1000, 1000, size=(6, samples))
    return {lead: values / 1000 for lead, values in zip(LEADS, [*limb, *chest], strict=True)}


def write(
    folder: Path,
    leads: dict[str, np.ndarray],
    *,
    name: str = "rec",
    unit: str = "mV",
    gain: float = 1000.0,
    form: str = "16",
    rate: float = 100,
) -> Path:
    """Write a WFDB record, one signal for each entry, in its order; returns the path without extension."""
    count = len(leads)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=[unit] * count,
        sig_name=list(leads),
        p_signal=np.array(list(leads.values())).T,
        fmt=[form] * count,
        adc_gain=[gain] * count,
        baseline=[0] * count,
        write_dir=str(folder),
    )
    return folder / name


def edit(path: Path, old: str, new: str) -> None:
    """Replace what must be in the header once or more."""
    header = path.with_suffix(".hea")
    text = header.read_text()
    assert re.search(old, text), f"{old} is not in {text}"
    header.write_text(re.sub(old, new, text), encoding="utf-8")


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat"])
def test_read_with_and_without_extension(tmp_path: Path, suffix: str) -> None:
    leads = twelve_leads()
    path = write(tmp_path, leads)
    record = read_record(f"{path}{suffix}")
    assert record.record_id == "rec" and record.sampling_rate == 100.0 and record.lead_names == LEADS
    np.testing.assert_array_equal(record.signal, np.array(list(leads.values())).astype(np.float32))


def test_mimic_order_and_upper_case_are_reordered_by_name(tmp_path: Path) -> None:
    leads = twelve_leads()
    path = write(tmp_path, {name.upper(): leads[name] for name in MIMIC_ORDER})
    np.testing.assert_array_equal(read_record(path).signal, np.array([leads[n] for n in LEADS], dtype=np.float32))


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1.0), ("MV", 1.0), ("uV", 1e-3), ("V", 1e3)])
def test_units_become_millivolts(tmp_path: Path, unit: str, factor: float) -> None:
    leads = twelve_leads()
    path = write(tmp_path, {name: values / factor for name, values in leads.items()}, unit=unit, gain=1000 * factor)
    np.testing.assert_allclose(read_record(path).signal, np.array(list(leads.values())), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("form", ["16", "24", "32", "80"])
@pytest.mark.parametrize("samples", [50, 51])
def test_signal_formats(tmp_path: Path, form: str, samples: int) -> None:
    scale = 0.02 if form == "80" else 1.0
    leads = {name: np.round(values * scale, 3) for name, values in twelve_leads(samples).items()}
    record = read_record(write(tmp_path, leads, form=form), check_identities="off")
    np.testing.assert_array_equal(record.signal, np.array(list(leads.values())).astype(np.float32))


def packed(form: str, samples: np.ndarray) -> bytes:
    """Samples in the packed formats, written out from the WFDB manual (signal(5)): wfdb does not write these."""
    if form == "212":
        pairs = np.append(samples, np.zeros(len(samples) % 2, dtype=int)).reshape(-1, 2) & 0xFFF
        content = [(a & 0xFF, (a >> 8) | (b >> 8) << 4, b & 0xFF) for a, b in pairs.tolist()]
        return bytes(np.array(content, dtype=np.uint8))[: -(-len(samples) * 3 // 2)]
    triples = np.append(samples, np.zeros(-len(samples) % 3, dtype=int)).reshape(-1, 3) & 0x3FF
    words = [(a << 1 | (c & 0x1F) << 11, b << 1 | (c >> 5) << 11) for a, b, c in triples.tolist()]
    return np.array(words, dtype="<u2").tobytes()[: 2 * -(-len(samples) * 2 // 3)]


@pytest.mark.parametrize("form", ["212", "310"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4, 5, 6, 7])
def test_packed_formats_and_their_exact_length(tmp_path: Path, form: str, samples: int) -> None:
    values = np.random.default_rng(samples).integers(-500, 500, size=samples)
    header = f"rec 1 100 {samples}\nrec.dat {form} 1000(0)/mV 12 0 0 {values.sum() % 65536} 0 I\n"
    (tmp_path / "rec.hea").write_text(header)
    content = packed(form, values)
    (tmp_path / "rec.dat").write_bytes(content)
    record = read_record(tmp_path / "rec", leads=["I"])
    np.testing.assert_array_equal(record.signal[0], (values / 1000).astype(np.float32))
    (tmp_path / "rec.dat").write_bytes(content[:-1])
    with pytest.raises(ValueError, match="truncated"):
        read_record(tmp_path / "rec", leads=["I"])
    (tmp_path / "rec.dat").write_bytes(content + b"\0" * 5)
    with pytest.raises(ValueError, match="longer than its header says"):
        read_record(tmp_path / "rec", leads=["I"])


def test_unknown_unit(tmp_path: Path) -> None:
    path = write(tmp_path, twelve_leads())
    edit(path, "/mV 16 0 (.*) aVL", r"/mmHg 16 0 \1 aVL")
    with pytest.raises(ValueError, match="lead aVL in unit 'mmHg', expected mV, uV or V"):
        read_record(path)


@pytest.mark.parametrize("micro", ["\u00b5", "\u03bc"])
def test_greek_micro_is_not_read_as_volts(tmp_path: Path, micro: str) -> None:
    leads = twelve_leads()
    path = write(tmp_path, {name: values * 1000 for name, values in leads.items()}, unit="uV", gain=1)
    edit(path, "/uV", f"/{micro}V")
    assert wfdb.rdheader(str(path)).units[0] == "V"  # what wfdb makes of it
    np.testing.assert_allclose(read_record(path).signal, np.array(list(leads.values())), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("replacement", ["0(0)/mV", "0.0(0)/mV"])
def test_no_gain(tmp_path: Path, replacement: str) -> None:
    path = write(tmp_path, twelve_leads())
    edit(path, r"1000.0\(0\)/mV", replacement)
    with pytest.raises(ValueError, match="whole numbers without a unit or a scale"):
        read_record(path)
    np.testing.assert_array_equal(read_record(path, units=0.001).signal[0], twelve_leads()["I"].astype(np.float32))


def test_no_rate(tmp_path: Path) -> None:
    path = write(tmp_path, twelve_leads())
    edit(path, "^rec 12 100 50", "rec 12")
    with pytest.raises(ValueError, match=r"does not state its sampling rate; give it with sampling_rate="):
        read_record(path)
    assert read_record(path, sampling_rate=250).sampling_rate == 250


def test_missing_header_and_signal_file_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"rec\.hea does not exist .*rec\.dat does not exist either"):
        read_record(tmp_path / "rec")
    path = write(tmp_path, twelve_leads())
    path.with_suffix(".dat").unlink()
    with pytest.raises(FileNotFoundError, match=r"rec\.dat does not exist, named by the header rec\.hea"):
        read_record(path)
    write(tmp_path, twelve_leads())
    path.with_suffix(".hea").unlink()
    with pytest.raises(FileNotFoundError, match=r"rec\.hea does not exist .*rec\.dat exists"):
        read_record(path)


@pytest.mark.parametrize("cut", [1, 2, 24, 24 * 49, 24 * 50])
def test_truncated_signal_file(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, twelve_leads())
    content = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").write_bytes(content[:-cut])
    with pytest.raises(ValueError, match=rf"truncated: {1200 - cut} bytes, expected 1200 \(12 signals of 50 samples"):
        read_record(path)


def test_compressed_signal_file(tmp_path: Path) -> None:
    leads = {name: values for name, values in twelve_leads(5000).items() if name in ("I", "V1")}
    path = write(tmp_path, leads, form="516")
    np.testing.assert_array_equal(read_record(path, leads=["I"]).signal[0], leads["I"].astype(np.float32))
    content = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="rec cannot be read"):
        read_record(path, leads=["I"])


def test_signal_file_longer_than_its_header_says(tmp_path: Path) -> None:
    path = write(tmp_path, twelve_leads())
    with path.with_suffix(".dat").open("ab") as stream:
        stream.write(b"\0" * 24)
    with pytest.raises(ValueError, match="longer than its header says: 1224 bytes, expected 1200"):
        read_record(path)


def test_checksum(tmp_path: Path) -> None:
    path = write(tmp_path, twelve_leads())
    content = bytearray(path.with_suffix(".dat").read_bytes())
    content[24 * 7 + 2 * 8] ^= 1  # sample 7 of V3
    path.with_suffix(".dat").write_bytes(content)
    with pytest.raises(ValueError, match=r"checksum \d+ in signal V3, its header says \d+"):
        read_record(path)
    assert read_record(path, verify_checksums=False).num_samples == 50


def test_invalid_samples(tmp_path: Path) -> None:
    leads = twelve_leads()
    leads["V2"][[3, 9]] = np.nan
    leads["V5"][1] = np.nan
    path = write(tmp_path, leads)
    with pytest.raises(ValueError, match=r"lead V2 at sample 3 \(per lead: V2 2, V5 1\)"):
        read_record(path)


def test_missing_leads_and_chosen_leads(tmp_path: Path) -> None:
    leads = twelve_leads()
    path = write(tmp_path, {name: leads[name] for name in ("V2", "II", "I")})
    with pytest.raises(ValueError, match=r"no lead III, aVR, aVL, aVF, V1, V3, V4, V5, V6, only V2, II, I; .*leads="):
        read_record(path)
    record = read_record(path, leads=["v2", "I"])
    assert record.lead_names == ("I", "V2")
    np.testing.assert_array_equal(record.signal, np.array([leads["I"], leads["V2"]], dtype=np.float32))


def test_further_signals_are_an_error_unless_leads_are_chosen(tmp_path: Path) -> None:
    leads = twelve_leads()
    path = write(tmp_path, {**leads, "RESP": np.zeros(50)})
    with pytest.raises(ValueError, match="none of the twelve leads: RESP"):
        read_record(path)
    assert read_record(path, leads=LEADS[:2]).lead_names == ("I", "II")


def test_repeated_lead(tmp_path: Path) -> None:
    path = write(tmp_path, twelve_leads())
    edit(path, "V6", "v5")
    with pytest.raises(ValueError, match="lead V5 more than once"):
        read_record(path)


def test_swapped_limb_leads(tmp_path: Path) -> None:
    leads = twelve_leads()
    leads["aVL"], leads["aVF"] = leads["aVF"], leads["aVL"]
    path = write(tmp_path, leads)
    with pytest.raises(ValueError, match="the lead called aVL is aVF and the lead called aVF is aVL"):
        read_record(path)
    with pytest.raises(ValueError, match="look swapped"):
        read_record(path, leads=["V1"])
    with pytest.warns(UserWarning, match="look swapped") as warnings:
        warned = read_record(path, check_identities="warn")
    assert [warning.filename for warning in warnings] == [__file__]
    np.testing.assert_array_equal(warned.signal, read_record(path, check_identities="off").signal)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"\xff\xfe\x00", "is no text"),
        (b"rec 12 100 50\n", "announces 12 signals and describes 0"),
        (b"rec 0 100 50\n", "announces 0 signals"),
        (b"rec 1 100 50\nrec.dat 16x0 1000(0)/mV 16 0 0 0 0 I\n", "a skew or no samples"),
        (b"rec 1 100 50\nrec.dat 16:3 1000(0)/mV 16 0 0 0 0 I\n", "a skew or no samples"),
        (b"rec/2 1 100 50\nrec_1 25\nrec_2 20\n", "says 50 samples, its segments have 45"),
        (b"rec/2 1 100 50\nrec_1 25\nrec_2 25\n", r"rec_1.hea does not exist"),
        (b"rec/1 1 100 50\n../rec_1 50\n", "expected a name and its samples"),
        (b"rec twelve 100 50\n", "expected record name, number of signals, rate"),
        (b"rec 1 100 50\nrec.dat 16 inf(0)/mV 16 0 0 0 0 I\n", "cannot be understood"),
        (b"rec 1 100 50\nrec.dat 16 1e999(0)/mV 16 0 0 0 0 I\n", "the gain 1e999, expected a finite one"),
        (b"rec 1 100 99999999999\nrec.dat 16 1000(0)/mV 16 0 0 0 0 I\n", "at most 134217728 values"),
        (b"rec 1 100 50\nrec.dat 99 1000(0)/mV 16 0 0 0 0 I\n", "gives signal 0 format 99, expected one of 8, 80, 16"),
        (b"rec 1 100 5o\nrec.dat 16 1000(0)/mV 16 0 0 0 0 I\n", "begins 'rec 1 100 5o'"),
        (b"rec 1 0 50\nrec.dat 16 1000(0)/mV 16 0 0 0 0 I\n", "sampling_rate: got 0"),
        (b"rec 1 100 50\nno signal line here\n", "cannot be understood"),
    ],
)
def test_damaged_headers(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "rec.hea").write_bytes(content)
    (tmp_path / "rec.dat").write_bytes(b"\0" * 100)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_record(tmp_path / "rec", leads=["I"], verify_checksums=False)


def test_unknown_option_and_empty_leads(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="check_identities: got 'maybe', expected one of 'error', 'warn', 'off'"):
        read_record(tmp_path / "rec", check_identities="maybe")
    with pytest.raises(ValueError, match="leads: is empty"):
        read_record(tmp_path / "rec", leads=[])


def test_header_without_length_and_checksum(tmp_path: Path) -> None:
    (tmp_path / "rec.hea").write_text("rec 1 100\nrec.dat 16 1000(0)/mV\n")
    (tmp_path / "rec.dat").write_bytes(b"")
    with pytest.raises(ValueError, match="is empty, its leads have no samples"):
        read_record(tmp_path / "rec", leads=["I"])
    (tmp_path / "rec.hea").write_text("rec 1 100\nrec.dat 16 1000(0)/mV 16 0 1 6 0 I\n")
    (tmp_path / "rec.dat").write_bytes(np.array([1, 2, 3], dtype="<i2").tobytes())
    np.testing.assert_allclose(read_record(tmp_path / "rec", leads=["I"]).signal, [[0.001, 0.002, 0.003]])


@pytest.mark.parametrize("form", ["16", "24", "32", "80", "212"])
def test_signals_taken_together_are_those_taken_one_by_one(form, tmp_path):
    wfdb = pytest.importorskip("wfdb")
    rng = np.random.default_rng(int(form))
    samples = rng.normal(0, 0.3, (200, 3))
    samples[17, 1] = np.nan
    wfdb.wrsamp(
        "rec",
        fs=100,
        units=["mV", "mV", "uV"],
        sig_name=["I", "II", "V1"],
        p_signal=samples,
        fmt=[form] * 3,
        adc_gain=[100.0, 57.0, 20.5],
        baseline=[0, 3, -7],
        write_dir=str(tmp_path),
    )
    file = tmp_path / "rec.hea"
    header = wfdb_record.read_header(file)
    together = wfdb_record._alike_signals(file, header, True)
    stored = wfdb_record._stored(file, header)
    for line, values, found in zip(header.signals, stored, together, strict=True):
        alone = wfdb_record._physical(header, line, values)
        np.testing.assert_array_equal(found.samples, alone.samples)
        assert (found.name, found.sampling_rate, found.unit, found.resolution) == (
            alone.name,
            alone.sampling_rate,
            alone.unit,
            alone.resolution,
        )
    assert np.isnan(together[1].samples[17]) and np.isnan(np.concatenate([s.samples for s in together])).sum() == 1
