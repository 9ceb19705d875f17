"""The synthetic data set: determinism, folds, prevalences, combinations, noise and bad arguments."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.data.synthetic.lead_geometry import ELECTRODES, TERRITORIES, leads_of_electrodes
from ecgbyte.signals.lead_identities import lead_identity_residuals
from ecgbyte.signals.leads import LEADS

RATE = 500.0
BLOCKS = {"left bundle branch block", "right bundle branch block"}


def names(entry: RecordEntry) -> set[str]:
    return {finding.name for finding in entry.findings}


# --- The data set as a data set. ---


def test_a_record_is_the_same_in_any_order_and_any_company() -> None:
    small, large = SyntheticRecords(4, seed=5), SyntheticRecords(11, seed=5)
    assert list(small.entries) == list(large.entries[: len(small.entries)])
    forwards = {entry.record_id: small.read(entry.record_id).signal for entry in small.entries}
    for entry in reversed(large.entries):
        signal = large.read(entry.record_id).signal
        if entry.record_id in forwards:
            np.testing.assert_array_equal(signal, forwards[entry.record_id])


def test_seeds_and_settings_change_the_fingerprint() -> None:
    settings = [{}, {"seed": 1}, {"num_patients": 3}, {"noise": False}, {"sampling_rate": 250.0}]
    settings += [{"duration_seconds": 8.0}, {"records_per_patient": (1, 2)}]
    sets = [SyntheticRecords(**{"num_patients": 2, **changes}) for changes in settings]
    assert len({records.fingerprint for records in sets}) == len(settings)
    assert SyntheticRecords(2).fingerprint == sets[0].fingerprint
    first = [records.read(records.entries[0].record_id).signal for records in sets[:2]]
    assert not np.array_equal(*first)


def test_signals_look_like_a_recorders() -> None:
    records = SyntheticRecords(8, seed=1, sampling_rate=250.0)
    for entry in records.entries:
        record = records.read(entry.record_id)
        assert record.signal.shape == (12, 2500) and record.signal.dtype == np.float32
        assert record.lead_names == LEADS and record.record_id == entry.record_id
        # Whole microvolts, also in the leads that are computed.
        microvolts = record.signal.astype(np.float64) * 1000
        np.testing.assert_allclose(microvolts, np.rint(microvolts), atol=1e-3)
        assert np.abs(record.signal).max() < 8.0


def test_limb_leads_obey_the_identities_with_noise_and_without() -> None:
    for noise in (True, False):
        records = SyntheticRecords(10, seed=2, noise=noise)
        for entry in records.entries:
            residuals = lead_identity_residuals(records.read(entry.record_id).signal)
            assert max(residuals.values()) < 1e-5, entry.record_id


@pytest.mark.parametrize("sampling_rate", [100.0, 250.0, 1000.0])
def test_the_rate_changes_samples_and_not_findings(sampling_rate: float) -> None:
    reference, other = SyntheticRecords(3, noise=False), SyntheticRecords(3, noise=False, sampling_rate=sampling_rate)
    assert list(reference.entries) == list(other.entries)
    for entry in reference.entries:
        if "atrial fibrillation" in names(entry):
            continue  # its baseline is integrated sample by sample
        common = 50.0
        first = reference.read(entry.record_id).signal[:, :: round(RATE / common)]
        second = other.read(entry.record_id).signal[:, :: round(sampling_rate / common)]
        assert np.abs(first - second).max() < 0.004


def test_folds_hold_whole_patients_and_are_balanced() -> None:
    entries = SyntheticRecords(60).entries
    folds: dict[str, set[int]] = {}
    for entry in entries:
        folds.setdefault(entry.patient_id, set()).add(entry.fold)
    assert len(folds) == 60 and all(len(of_patient) == 1 for of_patient in folds.values())
    assert Counter(next(iter(of_patient)) for of_patient in folds.values()) == dict.fromkeys(range(1, 11), 6)
    per_patient = Counter(entry.patient_id for entry in entries)
    assert set(per_patient.values()) == {1, 2, 3, 4}
    assert len({entry.record_id for entry in entries}) == len(entries)


def test_prevalences() -> None:
    entries = SyntheticRecords(1500, seed=4).entries
    share = {name: count / len(entries) for name, count in Counter(n for e in entries for n in names(e)).items()}
    assert 0.19 < share.pop("normal ecg") < 0.26
    assert 0.5 < share.pop("sinus rhythm") < 0.7
    assert 0.6 < share.pop("normal axis") < 0.75
    assert len(share) == 3 + 2 + 3 + 9 + 2 + 2 + 4
    assert {name: value for name, value in share.items() if not 0.06 < value < 0.20} == {}


def test_chronic_findings_stay_with_the_patient_and_acute_ones_come_and_go() -> None:
    by_patient: dict[str, list[RecordEntry]] = {}
    for entry in SyntheticRecords(150).entries:
        by_patient.setdefault(entry.patient_id, []).append(entry)
    for entries in by_patient.values():
        assert len({(e.names("axis"), e.names("hypertrophy")) for e in entries}) == 1
        assert len({tuple(n for n in e.names("conduction") if n in BLOCKS) for e in entries}) == 1
    for kind in ("rhythm", "ectopy", "st-t", "noise"):
        assert any(len({e.names(kind) for e in entries}) > 1 for entries in by_patient.values())


def test_findings_combine_as_they_can() -> None:
    for entry in SyntheticRecords(500, seed=9).entries:
        found = names(entry)
        assert len(entry.names("rhythm")) == 1 and len(entry.names("axis")) == 1
        assert not found >= BLOCKS
        if "atrial fibrillation" in found:
            assert not found & {"first degree av block", "atrial premature complex"}
        if found & BLOCKS:
            assert not entry.names("st-t") and "st-t" not in entry.assessed
        else:
            assert "st-t" in entry.assessed
        for change in ("st elevation", "st depression", "t wave inversion"):
            assert not found >= {f"inferior {change}", f"lateral {change}"}
        heart = {finding.name for finding in entry.findings if finding.finding_type not in ("noise", "normal")}
        assert ("normal ecg" in found) == (heart == {"sinus rhythm", "normal axis"})
        for finding in entry.findings:
            if finding.finding_type == "st-t":
                assert finding.leads == TERRITORIES[finding.name.split()[0]]


def test_reports_tell_the_findings_and_no_ids() -> None:
    for entry in SyntheticRecords(80).entries:
        assert 1 <= len(re.findall(r"\.( |$)", entry.report)) <= 3
        assert "patient" not in entry.report and "record-" not in entry.report
        text = entry.report.lower()
        told = {n for f in entry.findings if (n := f.name) not in ("normal ecg", "normal axis")}
        assert [name for name in told if name not in text] == []
        if "normal ecg" in names(entry):
            assert "normal" in text


# --- Noise. ---


def test_noise_is_in_the_leads_it_is_labelled_in_and_in_no_other() -> None:
    noisy, quiet = SyntheticRecords(70, seed=6), SyntheticRecords(70, seed=6, noise=False)
    kinds = Counter()
    for entry, without in zip(noisy.entries, quiet.entries, strict=True):
        assert without.findings == tuple(f for f in entry.findings if f.finding_type != "noise")
        difference = noisy.read(entry.record_id).signal - quiet.read(entry.record_id).signal
        labelled = {lead for f in entry.findings if f.finding_type == "noise" for lead in f.leads}
        for lead, of_lead in zip(LEADS, difference, strict=True):
            size = np.std(of_lead)
            if lead in labelled:
                assert size > 0.025, (entry.record_id, lead, size)
                windows = of_lead[: 10 * round(RATE)].reshape(5, -1)
                assert windows.std(axis=1).min() > 0.012, (entry.record_id, lead)
            else:
                assert 0.002 < size < 0.02, (entry.record_id, lead, size)
        kinds.update(entry.names("noise"))
    assert len(kinds) == 4 and min(kinds.values()) > 5


def test_an_electrode_reaches_the_leads_that_use_it() -> None:
    assert leads_of_electrodes(["V3"]) == ("V3",)
    assert leads_of_electrodes(["RA"]) == tuple(lead for lead in LEADS if lead != "III")
    assert leads_of_electrodes(["LA"]) == tuple(lead for lead in LEADS if lead != "II")
    assert leads_of_electrodes(["LL"]) == tuple(lead for lead in LEADS if lead != "I")
    assert leads_of_electrodes(ELECTRODES) == LEADS


# --- Bad arguments. ---


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_patients": 0}, ValueError, "num_patients: got 0, expected at least 1"),
        ({"num_patients": 2.0}, TypeError, "num_patients: expected a whole number"),
        ({"num_patients": True}, TypeError, "num_patients"),
        ({"seed": -1}, ValueError, "seed: got -1"),
        ({"records_per_patient": 3}, TypeError, "records_per_patient: expected"),
        ({"records_per_patient": (0, 2)}, ValueError, r"records_per_patient\[0\]"),
        ({"records_per_patient": (3, 2)}, ValueError, r"records_per_patient\[1\]: got 2, expected at least 3"),
        ({"sampling_rate": 50}, ValueError, "sampling_rate: got 50, expected 100 to 2000"),
        ({"sampling_rate": float("nan")}, ValueError, "sampling_rate"),
        ({"sampling_rate": "500"}, TypeError, "sampling_rate: expected a number"),
        ({"duration_seconds": 2.0}, ValueError, "duration_seconds: got 2.0, expected 5 to 600"),
        ({"noise": 1}, TypeError, "noise: expected True or False"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SyntheticRecords(**{"num_patients": 1, **arguments})


def test_unknown_record() -> None:
    with pytest.raises(KeyError, match="no record 'nobody'"):
        SyntheticRecords(1).read("nobody")
