"""A small folder in the published layout of MIMIC-IV-ECG."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

# The order of the files, which is not PTB-XL's.
FILE_LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
PATIENT, STUDY = "10000032", "40689238"
MEASUREMENTS = ["subject_id", "study_id", "cart_id", *(f"report_{n}" for n in range(18)), "bandwidth", "rr_interval"]


def stem_of(patient: str, study: str) -> str:
    return f"files/p{patient[:4]}/p{patient}/s{study}/{study}"


def write_tables(root: Path, *ids: tuple[str, str], reports: dict[str, list[str]] | None = None) -> Path:
    with (root / "record_list.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["subject_id", "study_id", "file_name", "ecg_time", "path"])
        rows.writerows([p, s, s, "2180-07-23 08:44:00", stem_of(p, s)] for p, s in ids)
    with (root / "machine_measurements.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(MEASUREMENTS)
        for patient, study in ids:
            said = (reports or {}).get(study, ["Sinus rhythm", "Normal ECG"])
            rows.writerow([patient, study, "6848296", *said, *[""] * (18 - len(said)), "0.005-150 Hz", "659"])
    return root


def write_record(root: Path, patient: str, study: str, *, rate: int = 500, nan_at: int | None = None) -> np.ndarray:
    """A record as the data set has them: steps of 5 uV, leads in the file's order."""
    wfdb = pytest.importorskip("wfdb")
    path = root / stem_of(patient, study)
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(int(study))
    one, two = rng.normal(size=(2, rate)).round(2)
    limb = {
        "I": one,
        "II": two,
        "III": two - one,
        "aVR": -(one + two) / 2,
        "aVF": two - one / 2,
        "aVL": one - two / 2,
    }
    signal = np.stack([limb[lead] if lead in limb else rng.normal(size=rate).round(2) for lead in FILE_LEADS])
    if nan_at is not None:
        signal[7, nan_at] = np.nan
    wfdb.wrsamp(
        study,
        fs=rate,
        units=["mV"] * 12,
        sig_name=list(FILE_LEADS),
        p_signal=signal.T,
        fmt=["16"] * 12,
        adc_gain=[200.0] * 12,
        baseline=[0] * 12,
        comments=[f"<subject_id>: {patient}"],
        write_dir=str(path.parent),
    )
    return signal
