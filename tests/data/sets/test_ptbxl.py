"""PTB-XL's folder: a small one in the published layout, every fault by name, and the real one."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.data.catalogue import Finding
from ecgbyte.data.sets.ptbxl import PTBXL, REMOVED_DUPLICATES
from ecgbyte.data.splits import split_by_fold
from ecgbyte.signals.leads import LEADS

STATEMENTS = ",description,diagnostic,form,rhythm\nNORM,normal ECG,1.0,,\nNDT,t,1.0,1.0,\nSR,sinus rhythm,,,1.0\n"
ROW = {
    "ecg_id": "1",
    "patient_id": "15709.0",
    "report": "sinusrhythmus, normales ekg",
    "scp_codes": "{'NORM': 100.0, 'SR': 0.0}",
    "heart_axis": "MID",
    "baseline_drift": "",
    "static_noise": " , I-V1,  ",
    "burst_noise": "",
    "electrodes_problems": "",
    "extra_beats": "",
    "pacemaker": "",
    "strat_fold": "3",
    "filename_lr": "records100/00000/00001_lr",
    "filename_hr": "records500/00000/00001_hr",
}


def write_tables(root: Path, *changes: dict[str, str], without: str = "") -> Path:
    rows = [{k: v for k, v in {**ROW, **change}.items() if k != without} for change in changes]
    with (root / "ptbxl_database.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (root / "scp_statements.csv").write_text(STATEMENTS, encoding="utf-8")
    return root


def write_record(root: Path, file: str, rate: int = 100) -> np.ndarray:
    wfdb = pytest.importorskip("wfdb")
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    limb = rng.normal(size=(2, rate)).round(3)
    one, two = limb
    chest = rng.normal(size=(6, rate)).round(3)
    signal = np.vstack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, chest])
    wfdb.wrsamp(
        path.name,
        fs=rate,
        units=["mV"] * 12,
        sig_name=[name.upper() for name in LEADS],
        p_signal=signal.T,
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(path.parent),
    )
    return signal


def test_an_entry_is_read_field_by_field(tmp_path: Path) -> None:
    data = PTBXL(write_tables(tmp_path, {}))
    assert (data.name, data.sampling_rate, data.missing) == ("ptb-xl", 100.0, 0)
    (entry,) = data.entries
    assert (entry.record_id, entry.patient_id, entry.fold) == ("00001", "15709", 3)
    assert entry.report == "sinusrhythmus, normales ekg"
    assert entry.findings == (
        Finding("axis", "normal axis"),
        Finding("noise", "static noise", ("I", "II", "III", "aVR", "aVL", "aVF", "V1")),
        Finding("normal", "normal ecg"),
        Finding("rhythm", "sinus rhythm"),
    )
    assert set(entry.assessed) >= {"axis", "rhythm", "noise"}


def test_records_come_by_id_without_duplicates(tmp_path: Path) -> None:
    ids = ["300", "2", "137", "21837", "18150"]
    data = PTBXL(write_tables(tmp_path, *({"ecg_id": number} for number in ids)))
    assert [entry.record_id for entry in data.entries] == ["00002", "00300", "21837"]
    assert len(REMOVED_DUPLICATES) == 38


def test_max_records_takes_the_first(tmp_path: Path) -> None:
    write_tables(tmp_path, *({"ecg_id": str(number)} for number in (3, 1, 2)))
    assert [entry.record_id for entry in PTBXL(tmp_path, max_records=2).entries] == ["00001", "00002"]


def test_available_only_counts_what_is_missing(tmp_path: Path) -> None:
    write_tables(tmp_path, *({"ecg_id": str(n), "filename_lr": f"records100/0000{n}_lr"} for n in (1, 2, 3)))
    write_record(tmp_path, "records100/00002_lr")
    (tmp_path / "records100/00003_lr.hea").write_text("no signal file beside it")
    data = PTBXL(tmp_path, available_only=True)
    assert ([entry.record_id for entry in data.entries], data.missing) == (["00002"], 2)
    with pytest.raises(ValueError, match=r"none of the records .*3 are missing.*records500"):
        PTBXL(tmp_path, 500, available_only=True)


@pytest.mark.parametrize(("rate", "file"), [(100, "filename_lr"), (500, "filename_hr")])
def test_reading_a_record(tmp_path: Path, rate: int, file: str) -> None:
    signal = write_record(write_tables(tmp_path, {}), ROW[file], rate)
    record = PTBXL(tmp_path, rate).read("00001")
    assert (record.record_id, record.sampling_rate, record.lead_names) == ("00001", rate, LEADS)
    assert record.signal.shape == (12, rate)
    np.testing.assert_allclose(record.signal, signal, atol=6e-4)


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    data = PTBXL(write_tables(tmp_path, {}))
    with pytest.raises(KeyError, match="'1' is not among the 1 records"):
        data.read("1")
    with pytest.raises(FileNotFoundError, match="00001_lr"):
        data.read("00001")


def test_a_record_at_another_rate_is_an_error(tmp_path: Path) -> None:
    write_record(write_tables(tmp_path, {}), ROW["filename_lr"], 500)
    with pytest.raises(ValueError, match="500 samples a second, expected 100"):
        PTBXL(tmp_path).read("00001")


def test_the_fingerprint_tells_settings_and_content_apart(tmp_path: Path) -> None:
    write_tables(tmp_path, {}, {"ecg_id": "2"})
    prints = {PTBXL(tmp_path).fingerprint, PTBXL(tmp_path, 500).fingerprint, PTBXL(tmp_path, max_records=1).fingerprint}
    assert PTBXL(tmp_path).fingerprint in prints
    write_tables(tmp_path, {}, {"ecg_id": "2", "report": "other"})
    prints.add(PTBXL(tmp_path).fingerprint)
    assert len(prints) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ecg_id": "x"}, "row 1 has ecg_id 'x', expected a whole number"),
        ({"patient_id": "nan"}, "ecg_id 1 has no patient_id"),
        ({"patient_id": "-3"}, "ecg_id 1 has patient_id '-3'"),
        ({"strat_fold": "11"}, "ecg_id 1 has strat_fold 11, expected 1 to 10"),
        ({"scp_codes": "{'NORM': 100.0"}, "ecg_id 1: scp_codes: .* is no mapping"),
        ({"scp_codes": "{'NORM': 'yes'}"}, "ecg_id 1: scp_codes: .* is no mapping"),
        ({"scp_codes": "{'NORM': 120.0}"}, "likelihoods from 0 to 100"),
        ({"scp_codes": "['NORM']"}, "is no mapping"),
        ({"scp_codes": "{'XYZ': 100.0}"}, "scp_codes: 'XYZ' is no statement of PTB-XL"),
        ({"heart_axis": "UP"}, "heart_axis: 'UP' is not known"),
        (
            {"filename_lr": "../elsewhere/00001_lr"},
            "ecg_id 1: filename_lr: got '../elsewhere/00001_lr', expected a path",
        ),
        ({"filename_lr": "/etc/00001_lr"}, "ecg_id 1: filename_lr: got '/etc/00001_lr', expected a path inside"),
        ({"filename_lr": ""}, "ecg_id 1: filename_lr: got '', expected a path inside of the data set's folder"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, str], message: str) -> None:
    write_tables(tmp_path, change)
    with pytest.raises(ValueError, match=message) as caught:
        PTBXL(tmp_path)
    assert "ptbxl_database.csv" in str(caught.value)


def test_bad_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"root: .*absent is no folder"):
        PTBXL(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match=r"ptbxl_database\.csv is not in"):
        PTBXL(tmp_path)
    write_tables(tmp_path, {}, without="strat_fold")
    with pytest.raises(ValueError, match="no column 'strat_fold'"):
        PTBXL(tmp_path)
    write_tables(tmp_path, {}, {})
    with pytest.raises(ValueError, match="row 2 repeats ecg_id 1"):
        PTBXL(tmp_path)
    write_tables(tmp_path, {}, {"ecg_id": "2", "strat_fold": "10"})
    with pytest.raises(ValueError, match="patient 15709 is in fold 3 and in fold 10"):
        PTBXL(tmp_path)
    table = write_tables(tmp_path, {}) / "ptbxl_database.csv"
    table.write_text(table.read_text().rsplit(",", 2)[0])
    with pytest.raises(ValueError, match="row 1 has not the 14 fields"):
        PTBXL(tmp_path)
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        PTBXL(tmp_path)
    table.write_text("A" * 140_000 + ",b\n1,2\n")
    with pytest.raises(ValueError, match=r"ptbxl_database\.csv: no table \(field larger"):
        PTBXL(tmp_path)
    write_tables(tmp_path, {})
    (tmp_path / "scp_statements.csv").write_text(",description\nNORM,normal\n")
    with pytest.raises(ValueError, match="no column 'form'"):
        PTBXL(tmp_path)
    (tmp_path / "scp_statements.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"scp_statements\.csv is not in"):
        PTBXL(tmp_path)


def test_bad_options(tmp_path: Path) -> None:
    write_tables(tmp_path, {})
    with pytest.raises(ValueError, match="sampling_rate: got 250"):
        PTBXL(tmp_path, 250)
    with pytest.raises(ValueError, match="max_records: got 0"):
        PTBXL(tmp_path, max_records=0)


@pytest.mark.real_data
def test_the_real_tables(real_data: Path) -> None:
    root = real_data / "ptb-xl"
    assert json.loads((root / "ids_removed_in_v1.0.3.json").read_text()) == sorted(REMOVED_DUPLICATES)
    data = PTBXL(root)
    assert len(data.entries) == 21799
    found = Counter((f.finding_type, f.name) for e in data.entries for f in e.findings if f.certain)
    assert found["rhythm", "atrial fibrillation"] == 1514
    assert found["axis", "normal axis"] == 7687
    assert found["noise", "static noise"] == 3260
    assert found["conduction", "left bundle branch block"] == 536
    assert sum("axis" in entry.assessed for entry in data.entries) == 13328
    assert sum("normal" not in entry.assessed for entry in data.entries) == 397
    splits = split_by_fold(data.entries)
    assert {name: len(part) for name, part in splits.items()} == {"train": 17418, "validation": 2183, "test": 2198}


@pytest.mark.real_data
def test_the_real_records(real_data: Path) -> None:
    at_100 = PTBXL(real_data / "ptb-xl", available_only=True)
    assert len(at_100.entries) + at_100.missing == 21799
    assert 250 <= len(at_100.entries) <= 300
    slow = at_100.read("00001")
    fast = PTBXL(real_data / "ptb-xl", 500, max_records=5).read("00001")
    assert (slow.signal.shape, fast.signal.shape) == ((12, 1000), (12, 5000))
    # The same ten seconds at two rates.
    assert np.corrcoef(slow.signal[1], fast.signal[1][::5])[0, 1] > 0.97
