"""Which leads a record gets and in what unit: names in dialects, what is missing, units that are wrong or unsaid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgbyte import ECGTokenizer, Record, read_record
from ecgbyte.signals.leads import LEADS, canonical_lead_name
from tests.signals.reading.ecg_writers import Counts, whole_microvolts

DIALECTS = {
    "lower case": [name.lower() for name in LEADS],
    "CODE": ["DI", "DII", "DIII", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"],
    "DICOM": [f"Lead {name}" for name in LEADS],
    "aECG": [f"MDC_ECG_LEAD_{name.upper()}" for name in LEADS],
    "EDF": [f"ECG {name} " for name in LEADS],
    "EKG": [f" ekg_lead_{name.lower()}" for name in LEADS],
    "IEC": [*LEADS[:6], *(f"C{k}" for k in range(1, 7))],
    "Roman letters": ["\u2160", "\u2161", "\u2162", *LEADS[3:]],
}


def write_wfdb(folder: Path, counts: Counts, *, gain: float = 1000.0, unit: str = "mV", name: str = "r") -> Path:
    """The microvolts as they are, in format 16, with any gain and unit in the header."""
    wfdb.wrsamp(
        name,
        fs=500,
        units=[unit] * len(counts),
        sig_name=list(counts),
        d_signal=np.array(list(counts.values()), dtype=np.int16).T,
        fmt=["16"] * len(counts),
        adc_gain=[gain] * len(counts),
        baseline=[0] * len(counts),
        write_dir=str(folder),
    )
    return folder / name


def write_csv(path: Path, names: list[str], counts: Counts) -> Path:
    rows = np.array(list(counts.values())).T / 1000
    path.write_text(",".join(names) + "\n" + "\n".join(",".join(map(str, row)) for row in rows.tolist()))
    return path


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_of_lead_names(dialect: str, tmp_path: Path) -> None:
    counts = whole_microvolts(samples=300)
    assert [canonical_lead_name(name) for name in DIALECTS[dialect]] == list(LEADS)
    path = write_csv(tmp_path / "a.csv", DIALECTS[dialect], counts)
    record = read_record(path, sampling_rate=500)
    np.testing.assert_allclose(record.signal, np.array(list(counts.values())) / 1000, atol=1e-7)


@pytest.mark.parametrize("name", ["-aVR", "\u2212aVR", "MLII", "ECG1", "1", "V1R", "V7", "vx", "aVR (i)", "Lead"])
def test_what_is_no_lead(name: str) -> None:
    with pytest.raises(ValueError, match="is no lead"):
        canonical_lead_name(name)


def test_cabrera_order_with_minus_avr(tmp_path: Path) -> None:
    counts = whole_microvolts(samples=300)
    names = ["aVL", "I", "-aVR", "II", "aVF", "III", *LEADS[6:]]
    path = write_csv(tmp_path / "a.csv", names, {name: counts[name.lstrip("-")] for name in names})
    with pytest.raises(ValueError, match=r"no lead aVR, only .*-aVR"):
        read_record(path, sampling_rate=500)
    with pytest.raises(ValueError, match="upside down: multiply its samples by -1 and call it aVR"):
        canonical_lead_name("-aVR")


def test_twelve_leads_of_a_record_with_fifteen(tmp_path: Path) -> None:
    counts = whole_microvolts()
    vector = {name: np.roll(counts["V3"], k) for k, name in enumerate(("vx", "vy", "vz"))}
    path = write_wfdb(tmp_path, {**{name.lower(): values for name, values in counts.items()}, **vector})
    with pytest.raises(ValueError, match=r"none of the twelve leads: vx, vy, vz; name the leads to read with leads="):
        read_record(path)
    record = read_record(path, leads=LEADS)
    np.testing.assert_array_equal(record.signal, (np.array(list(counts.values())) / 1000).astype(np.float32))
    assert read_record(path, leads=["V6", "c2"]).lead_names == ("V2", "V6")


def test_twelve_leads_and_a_pressure(tmp_path: Path) -> None:
    counts = whole_microvolts()
    path = write_wfdb(tmp_path, {**counts, "ABP": counts["V1"]})
    header = path.with_suffix(".hea")
    lines = header.read_text().splitlines()
    lines[13] = lines[13].replace("/mV", "/mmHg")
    header.write_text("\n".join(lines))
    assert read_record(path, leads=LEADS).lead_names == LEADS


def test_a_holter_of_two_leads(tmp_path: Path) -> None:
    counts = whole_microvolts()
    path = write_wfdb(tmp_path, {"MLII": counts["II"], "V5": counts["V5"]})
    with pytest.raises(ValueError, match=r"no lead I, II, III.*only MLII, V5"):
        read_record(path)
    record = read_record(path, leads={"MLII": "II", "V5": "V5"})
    assert record.lead_names == ("II", "V5")
    np.testing.assert_array_equal(record.signal[0], (counts["II"] / 1000).astype(np.float32))
    path = write_wfdb(tmp_path, {"ECG1": counts["II"], "ECG2": counts["V1"]}, name="h")
    with pytest.raises(ValueError, match=r"say which signal is which lead with leads=\{name: lead\}"):
        read_record(path)
    assert read_record(path, leads={"ECG2": "V1", "ECG1": "II"}).lead_names == ("II", "V1")
    with pytest.raises(ValueError, match="has 0 signals called 'ECG9'"):
        read_record(path, leads={"ECG9": "V1"})
    with pytest.raises(ValueError, match="leads: names: II given more than once"):
        read_record(path, leads={"ECG2": "II", "ECG1": "II"})


def test_leads_that_follow_are_derived_on_request_only(tmp_path: Path) -> None:
    counts = whole_microvolts()
    path = write_wfdb(tmp_path, {name: counts[name] for name in ("II", "I", "V1")})
    with pytest.raises(ValueError, match="no lead aVF"):
        read_record(path, leads=["aVF", "V1"])
    record = read_record(path, leads=["aVF", "V1", "III"], derive_leads=True)
    assert (record.lead_names, record.derived_leads) == (("III", "aVF", "V1"), ("III", "aVF"))
    np.testing.assert_allclose(record.signal[1], counts["aVF"] / 1000, atol=1e-7)
    # What the file has is read, not computed.
    assert read_record(write_wfdb(tmp_path, counts, name="w"), derive_leads=True).derived_leads == ()
    with pytest.raises(ValueError, match="no lead V2"):
        read_record(path, derive_leads=True)


def test_arrays_without_names_take_them_in_their_order(tmp_path: Path) -> None:
    rows = np.arange(600.0).reshape(2, 300) / 1000
    np.save(tmp_path / "a.npy", rows)
    with pytest.raises(ValueError, match="2 signals without names, expected 12"):
        read_record(tmp_path / "a.npy", sampling_rate=100)
    record = read_record(tmp_path / "a.npy", sampling_rate=100, leads=["V5", "I"])
    assert record.lead_names == ("I", "V5")
    np.testing.assert_array_equal(record.signal, rows[::-1].astype(np.float32))
    assert [remark.reason for remark in record.remarks] == ["lead names assumed", "units assumed"]
    with pytest.raises(ValueError, match="which axis holds the 12 leads cannot be told"):
        np.save(tmp_path / "b.npy", np.zeros((12, 12)))
        read_record(tmp_path / "b.npy", sampling_rate=100)


@pytest.mark.parametrize(("unit", "gain"), [("uV", 1.0), ("mV", 1000.0), ("V", 1e6), ("nV", 1e-3), ("MV", 1000.0)])
def test_the_unit_of_a_header(unit: str, gain: float, tmp_path: Path) -> None:
    counts = whole_microvolts()
    record = read_record(write_wfdb(tmp_path, counts, unit=unit, gain=gain))
    np.testing.assert_allclose(record.signal, np.array(list(counts.values())) / 1000, rtol=1e-6, atol=1e-9)


def test_whole_numbers_without_a_scale_are_refused_everywhere(tmp_path: Path) -> None:
    counts = np.array(list(whole_microvolts().values()))
    np.save(tmp_path / "a.npy", counts)
    with pytest.raises(ValueError, match=r"whole numbers without a unit or a scale .* say with units="):
        read_record(tmp_path / "a.npy", sampling_rate=500)
    tokenizer = ECGTokenizer.train([Record(counts / 1000, 500)], num_merges=5, progress=False)
    for refuse in (lambda: Record(counts, 500), lambda: tokenizer.encode(counts)):
        with pytest.raises(TypeError, match=r"digital samples become mV by \(samples - baseline\) / gain"):
            refuse()
    for units in ("uV", 0.001):
        record = read_record(tmp_path / "a.npy", sampling_rate=500, units=units)
        np.testing.assert_allclose(record.signal, counts / 1000, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("gain", "reason"), [(1.0, "too large"), (1e6, "too small")])
def test_a_scale_that_is_wrong_by_a_thousand_is_told(gain: float, reason: str, tmp_path: Path) -> None:
    counts = whole_microvolts()
    path = write_wfdb(tmp_path, counts, gain=gain)
    with pytest.warns(UserWarning, match=f"amplitude {reason}"):
        record = read_record(path)
    assert [remark.reason for remark in record.doubts] == [f"amplitude {reason}"]
    # What is told can be mended without another header.
    mended = read_record(path, units="uV" if gain == 1.0 else "V")
    np.testing.assert_allclose(mended.signal, np.array(list(counts.values())) / 1000, rtol=1e-6, atol=1e-9)
    assert [remark.reason for remark in mended.remarks] == ["units replaced"]


@pytest.mark.parametrize(("value", "reason"), [(0, "all samples are zero"), (700, "constant signal")])
def test_records_without_a_signal_are_told(value: int, reason: str, tmp_path: Path) -> None:
    counts = {name: np.full(500, value) for name in LEADS}
    with pytest.warns(UserWarning, match=reason):
        read_record(write_wfdb(tmp_path, counts), check_identities="off")


def test_noise_and_low_voltage_are_no_doubts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = {name: (rng.normal(0, 20, 5000)).astype(np.int16) for name in LEADS}  # 0.02 mV of noise
    counts["V1"][1000:1200] = 32000  # a lead that came off
    assert read_record(write_wfdb(tmp_path, counts), check_identities="off").doubts == ()


@pytest.mark.parametrize("step", [5, 12.5, 20, 25, 40])
def test_coarse_files_keep_their_identities(step: float, tmp_path: Path) -> None:
    """Each lead rounded on its own, as 12-bit recorders store them."""
    rng = np.random.default_rng(3)
    one, two = np.cumsum(rng.normal(0, 20, (2, 5000)), axis=1) % 1500
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    counts = dict(zip(LEADS, np.rint(np.array([*limb, *rng.normal(0, 300, (6, 5000))]) / step), strict=True))
    path = write_wfdb(tmp_path, counts, gain=1000 / step)
    assert read_record(path).num_samples == 5000
    counts["aVL"], counts["aVF"] = counts["aVF"], counts["aVL"]
    with pytest.raises(ValueError, match=r"is off by [\d.]+ mV .*expected at most [\d.]+.*aVL is aVF"):
        read_record(write_wfdb(tmp_path, counts, gain=1000 / step, name="swapped"))


def test_a_rate_that_is_not_stated_is_asked_for_and_one_a_hair_off_is_rounded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array(list(whole_microvolts().values())) / 1000)
    with pytest.raises(ValueError, match="does not state its sampling rate; give it with sampling_rate="):
        read_record(tmp_path / "a.npy")
    record = read_record(tmp_path / "a.npy", sampling_rate=499.99995)
    assert record.sampling_rate == 500.0
    assert "499.99995 Hz taken as 500 Hz" in [remark.text for remark in record.remarks]
    assert read_record(tmp_path / "a.npy", sampling_rate=360.5).sampling_rate == 360.5


@pytest.mark.parametrize("invalid", ["hold", "interpolate"])
def test_a_record_with_a_few_invalid_samples(invalid: str, tmp_path: Path) -> None:
    counts = whole_microvolts()
    whole = np.array(list(counts.values())) / 1000
    counts = {name: values.copy() for name, values in counts.items()}
    counts["V2"][[0, 1, 400, 401, 402]] = -32768
    path = write_wfdb(tmp_path, counts)
    with pytest.raises(ValueError, match=r"lead V2 at sample 0 \(per lead: V2 5\); invalid='hold' or"):
        read_record(path)
    record = read_record(path, invalid=invalid)
    assert np.argwhere(record.invalid).tolist() == [[7, k] for k in (0, 1, 400, 401, 402)]
    expected = whole[7].copy()
    expected[:2] = whole[7, 2]
    expected[400:403] = whole[7, 399]
    if invalid == "interpolate":
        expected[400:403] = np.interp([400, 401, 402], [399, 403], whole[7, [399, 403]])
    np.testing.assert_allclose(record.signal[7], expected, atol=1e-7)
    np.testing.assert_array_equal(record.signal[:7], whole[:7].astype(np.float32))
    assert any(remark.reason == "invalid samples filled" for remark in record.remarks)


def test_gaps_that_are_too_long_and_leads_without_a_valid_sample(tmp_path: Path) -> None:
    counts = {name: values.copy() for name, values in whole_microvolts().items()}
    counts["V4"][100:151] = -32768
    path = write_wfdb(tmp_path, counts)
    with pytest.raises(ValueError, match=r"51 invalid samples in a row in lead V4 from sample 100 \(0.102 s\)"):
        read_record(path, invalid="interpolate")
    assert read_record(path, invalid="hold").invalid.sum() == 51
    counts["V4"][:] = -32768
    with pytest.raises(ValueError, match="no valid sample in lead V4"):
        read_record(write_wfdb(tmp_path, counts), invalid="hold")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"invalid": "drop"}, "invalid: got 'drop', expected one of 'raise', 'hold', 'interpolate'"),
        ({"units": "mmHg"}, "units: got 'mmHg', expected 'mV', 'uV', 'V', 'nV'"),
        ({"units": -1}, "units: got -1"),
        ({"sampling_rate": 0}, "sampling_rate: got 0"),
        ({"leads": []}, "leads: is empty"),
        ({"leads": ["I", "X"]}, "leads: name: 'X' is no lead"),
    ],
)
def test_options_are_checked_before_anything_is_read(options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        read_record(tmp_path / "nothing", **options)
