"""MIMIC-IV-ECG's folder: a small one in the published layout, and every fault by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgbyte.data.sets.mimic_iv_ecg import MIMICIVECG
from ecgbyte.data.splits import split_by_fold
from ecgbyte.signals.lead_identities import check_lead_identities
from ecgbyte.signals.leads import LEADS
from tests.data.sets.mimic_folder import FILE_LEADS, PATIENT, STUDY, stem_of, write_record, write_tables


def test_entries_come_by_study_with_their_reports(tmp_path: Path) -> None:
    said = {"41000000": ["Atrial fibrillation. ", " ", "Left axis  deviation"], "40000001": []}
    ids = [(PATIENT, "41000000"), ("10000040", "40000001"), (PATIENT, STUDY)]
    data = MIMICIVECG(write_tables(tmp_path, *ids, reports=said))
    assert (data.name, data.sampling_rate, data.missing) == ("mimic-iv-ecg", 500.0, 0)
    assert [(e.record_id, e.patient_id) for e in data.entries] == [
        ("40000001", "10000040"),
        (STUDY, PATIENT),
        ("41000000", PATIENT),
    ]
    assert [e.report for e in data.entries] == [
        "",
        "Sinus rhythm. Normal ECG.",
        "Atrial fibrillation. Left axis deviation.",
    ]
    assert {(e.findings, e.assessed) for e in data.entries} == {((), ())}
    # Equal in content, whether the report has been looked at or not.
    assert data.entries[1] == MIMICIVECG(tmp_path).entries[1] != data.entries[2]


def test_folds_belong_to_patients_and_do_not_depend_on_the_others(tmp_path: Path) -> None:
    ids = [(str(10000000 + number // 2), str(40000000 + number)) for number in range(4000)]
    data = MIMICIVECG(write_tables(tmp_path, *ids))
    fold_of = {entry.patient_id: entry.fold for entry in data.entries}
    assert all(fold_of[entry.patient_id] == entry.fold for entry in data.entries)
    assert set(fold_of.values()) == set(range(1, 11))
    assert all(150 < count < 250 for count in Counter(fold_of.values()).values())
    write_tables(tmp_path, *ids[1000:1010])
    assert all(fold_of[entry.patient_id] == entry.fold for entry in MIMICIVECG(tmp_path).entries)
    # Written down, so that no later version moves a patient from training to test.
    assert [fold_of[str(10000000 + number)] for number in range(8)] == FOLDS_OF_FIRST_PATIENTS
    splits = split_by_fold(data.entries)
    patients = [{entry.patient_id for entry in part} for part in splits.values()]
    assert not patients[0] & patients[1] and not patients[0] & patients[2] and not patients[1] & patients[2]


FOLDS_OF_FIRST_PATIENTS = [6, 2, 6, 4, 10, 7, 9, 3]


def test_leads_are_ordered_by_name(tmp_path: Path) -> None:
    signal = write_record(write_tables(tmp_path, (PATIENT, STUDY)), PATIENT, STUDY)
    record = MIMICIVECG(tmp_path).read(STUDY)
    assert (record.record_id, record.sampling_rate, record.lead_names) == (STUDY, 500.0, LEADS)
    rows = [FILE_LEADS.index(lead) for lead in LEADS]
    assert rows[4:6] == [5, 4]
    np.testing.assert_allclose(record.signal, signal[rows], atol=0.0026)
    check_lead_identities(record.signal)


def test_a_record_with_invalid_samples_is_rejected_with_its_reason(tmp_path: Path) -> None:
    write_record(write_tables(tmp_path, (PATIENT, STUDY)), PATIENT, STUDY, nan_at=17)
    with pytest.raises(ValueError, match=r"40689238 has samples marked as invalid.*V2 at sample 17.*V2 1"):
        MIMICIVECG(tmp_path).read(STUDY)


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    data = MIMICIVECG(write_tables(tmp_path, (PATIENT, STUDY)))
    with pytest.raises(KeyError, match="'1' is not among the 1 records"):
        data.read("1")
    with pytest.raises(FileNotFoundError, match=r"p10000032/s40689238/40689238\.hea"):
        data.read(STUDY)
    write_record(tmp_path, PATIENT, STUDY, rate=250)
    with pytest.raises(ValueError, match="250 samples a second, expected 500"):
        data.read(STUDY)


def test_a_partial_download(tmp_path: Path) -> None:
    ids = [(PATIENT, str(40000000 + number)) for number in range(4)]
    write_tables(tmp_path, *ids)
    with pytest.raises(ValueError, match=r"none of the records .*4 are missing.*s40689238/40689238\.hea"):
        MIMICIVECG(tmp_path, available_only=True)
    for _, study in ids[1:3]:
        write_record(tmp_path, PATIENT, study)
    (tmp_path / f"{stem_of(*ids[2])}.dat").unlink()
    data = MIMICIVECG(tmp_path, available_only=True)
    assert ([entry.record_id for entry in data.entries], data.missing) == (["40000001"], 3)
    assert [entry.record_id for entry in MIMICIVECG(tmp_path, max_records=2).entries] == ["40000000", "40000001"]


def test_the_fingerprint_tells_content_and_choice_apart(tmp_path: Path) -> None:
    ids = [(PATIENT, STUDY), ("10000040", "40000001")]
    first = MIMICIVECG(write_tables(tmp_path, *ids)).fingerprint
    assert MIMICIVECG(write_tables(tmp_path, *ids)).fingerprint == first
    fewer = MIMICIVECG(tmp_path, max_records=1).fingerprint
    other_report = MIMICIVECG(write_tables(tmp_path, *ids, reports={STUDY: ["Pacemaker"]})).fingerprint
    assert len({first, fewer, other_report}) == 3


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, "x", "line 3 has subject_id 'x', expected a whole number"),
        (1, "", "line 3 has study_id '', expected a whole number"),
        (1, "-4", "line 3 has study_id '-4'"),
        (2, "7", "line 3 has file_name '7', expected the study_id, 40000001"),
        (
            4,
            "files/p1000/p10000032/s1/1",
            "line 3 has path 'files/p1000/p10000032/s1/1', expected 'files/p1000/p10000040",
        ),
        (4, "../../etc/passwd", "line 3 has path '../../etc/passwd'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, column: int, value: str, message: str) -> None:
    write_tables(tmp_path, (PATIENT, STUDY), ("10000040", "40000001"))
    table = tmp_path / "record_list.csv"
    rows: list[list[Any]] = [line.split(",") for line in table.read_text().splitlines()]
    rows[2][column] = value
    table.write_text("\n".join(",".join(row) for row in rows) + "\n")
    with pytest.raises(ValueError, match=message) as caught:
        MIMICIVECG(tmp_path)
    assert "record_list.csv" in str(caught.value)


def test_bad_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"root: .*absent is no folder"):
        MIMICIVECG(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match=r"record_list\.csv is not in"):
        MIMICIVECG(tmp_path)
    write_tables(tmp_path, (PATIENT, STUDY), (PATIENT, STUDY))
    with pytest.raises(ValueError, match="line 3 repeats study_id 40689238"):
        MIMICIVECG(tmp_path)
    table = write_tables(tmp_path, (PATIENT, STUDY)) / "record_list.csv"
    with pytest.raises(ValueError, match="max_records: got 0"):
        MIMICIVECG(tmp_path, max_records=0)
    whole = table.read_text()
    table.write_text(whole.rsplit(",", 1)[0])
    with pytest.raises(ValueError, match="line 2 has 4 fields, the header 5; is the file cut"):
        MIMICIVECG(tmp_path)
    table.write_text(whole.replace("study_id", "study"))
    with pytest.raises(ValueError, match="no column 'study_id'"):
        MIMICIVECG(tmp_path)
    table.write_text(whole.splitlines()[0])
    with pytest.raises(ValueError, match="empty, expected one record a line"):
        MIMICIVECG(tmp_path)
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="no CSV in UTF-8"):
        MIMICIVECG(tmp_path)
    write_tables(tmp_path, (PATIENT, STUDY))
    (tmp_path / "machine_measurements.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"machine_measurements\.csv is not in"):
        MIMICIVECG(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("40689238", "40689239", "no row for 1 of 1 records, such as study 40689238"),
        ("10000032", "10000033", "line 2 gives study 40689238 to patient 10000033, the records to 10000032"),
        ("report_17", "report_18", "no column 'report_17'"),
        (",0.005-150 Hz", "", "line 2 has 22 fields, the header 23"),
    ],
)
def test_bad_reports_are_named_when_the_first_is_asked_for(tmp_path: Path, old: str, new: str, message: str) -> None:
    table = write_tables(tmp_path, (PATIENT, STUDY)) / "machine_measurements.csv"
    table.write_text(table.read_text().replace(old, new))
    data = MIMICIVECG(tmp_path)
    with pytest.raises(ValueError, match=message):
        _ = data.entries[0].report


def test_a_repeated_report_is_an_error(tmp_path: Path) -> None:
    table = write_tables(tmp_path, (PATIENT, STUDY)) / "machine_measurements.csv"
    table.write_text(table.read_text() + table.read_text().splitlines()[1] + "\n")
    with pytest.raises(ValueError, match="line 3 repeats study_id 40689238"):
        _ = MIMICIVECG(tmp_path).entries[0].report
