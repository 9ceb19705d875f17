"""The embedded data set: synthetic 12-lead ECGs with true labels."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from ecgbyte.checks import finite_number, whole_number
from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.synthetic.conditions import RecordState, draw_record_state, findings_of
from ecgbyte.data.synthetic.lead_geometry import complete_leads
from ecgbyte.data.synthetic.noise import noise_of
from ecgbyte.data.synthetic.patients import Patient, draw_patient
from ecgbyte.data.synthetic.reports import write_report
from ecgbyte.data.synthetic.synthesis import synthesise
from ecgbyte.files import fingerprint
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.records import Record

# Raised whenever the same arguments give other records than before.
GENERATOR_VERSION = 1
NUM_FOLDS = 10
SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 600.0
LOWEST_RATE, HIGHEST_RATE = 100.0, 2000.0

# Every kind of finding the generator can produce; it makes no infarction scars.
_ASSESSED = ("axis", "conduction", "ectopy", "hypertrophy", "noise", "normal", "rhythm", "st-t")
# First numbers of the seeds' spawn keys, one for each use, so that no two uses share random numbers.
_PATIENT, _STATE, _STATE_NOISE, _SIGNAL, _NOISE, _REPORT, _FOLDS = range(7)


class SyntheticRecords:
    """A data set of synthetic 12-lead ECGs that needs no files, and whose labels are true by construction.

    Each record comes from a patient (heart axis, chest, intervals, chronic conditions) and a state (rate, premature
    beats, ST-T changes, noise). The heart is a dipole whose waves are Gaussian bumps, an idea of McSharry et al.
    (IEEE Trans Biomed Eng 2003, 50:289-294) and Sameni et al. (EURASIP J Adv Signal Process 2007); lead vectors,
    waves and conditions are this project's own. See `findings_of` for what is labelled.

    Parameters
    ----------
    num_patients : int
        How many patients. Patient number k is the same whatever this is.
    seed : int
        Another seed gives other patients.
    records_per_patient : tuple of int
        Fewest and most records of one patient.
    sampling_rate : float
        Samples a second, 100 to 2000. Findings do not depend on it.
    duration_seconds : float
        Length of each record, 5 to 600 s.
    noise : bool
        False leaves out all noise, its findings, and nothing else.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument is out of range.

    Notes
    -----
    *Thread-safety*: immutable after construction; `read` may be called from several threads.
    """

    def __init__(
        self,
        num_patients: int = 200,
        seed: int = 0,
        *,
        records_per_patient: tuple[int, int] = (1, 4),
        sampling_rate: float = 500.0,
        duration_seconds: float = 10.0,
        noise: bool = True,
    ) -> None:
        self._num_patients = whole_number("num_patients", num_patients, minimum=1)
        self._seed = whole_number("seed", seed, minimum=0)
        if not isinstance(records_per_patient, (tuple, list)) or len(records_per_patient) != 2:
            raise TypeError(f"records_per_patient: expected (fewest, most), got {records_per_patient!r}")
        fewest = whole_number("records_per_patient[0]", records_per_patient[0], minimum=1)
        most = whole_number("records_per_patient[1]", records_per_patient[1], minimum=fewest)
        self._records_per_patient = (fewest, most)
        self._sampling_rate = finite_number("sampling_rate", sampling_rate, minimum=LOWEST_RATE, maximum=HIGHEST_RATE)
        self._duration = finite_number(
            "duration_seconds", duration_seconds, minimum=SHORTEST_SECONDS, maximum=LONGEST_SECONDS
        )
        if not isinstance(noise, bool):
            raise TypeError(f"noise: expected True or False, got {type(noise).__name__} {noise!r}")
        self._noise = noise
        self._sources: dict[str, tuple[Patient, RecordState, tuple[int, int]]] = {}
        self._entries = tuple(self._make_entries())

    def _rng(self, use: int, *place: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(use, *place)))

    def _make_entries(self) -> list[RecordEntry]:
        entries = []
        fewest, most = self._records_per_patient
        for patient_number in range(self._num_patients):
            rng = self._rng(_PATIENT, patient_number)
            patient = draw_patient(rng)
            num_records = int(rng.integers(fewest, most + 1))
            # Ten patients in a row fill the ten folds, in an order of their own.
            block, position = divmod(patient_number, NUM_FOLDS)
            fold = int(self._rng(_FOLDS, block).permutation(NUM_FOLDS)[position]) + 1
            for record_number in range(num_records):
                place = (patient_number, record_number)
                state = draw_record_state(patient, self._rng(_STATE, *place), self._rng(_STATE_NOISE, *place))
                findings = findings_of(patient, state, noise=self._noise)
                # The ST-T changes of a bundle branch block are part of it and carry no label of their own.
                unclear = {"st-t"} if patient.bundle_branch_block else set()
                record_id = f"patient-{patient_number:05d}-record-{record_number + 1}"
                self._sources[record_id] = (patient, state, place)
                entries.append(
                    RecordEntry(
                        record_id=record_id,
                        patient_id=f"patient-{patient_number:05d}",
                        fold=fold,
                        findings=findings,
                        assessed=tuple(kind for kind in _ASSESSED if kind not in unclear),
                        report=write_report(findings, self._rng(_REPORT, *place)),
                    )
                )
        return entries

    @property
    def name(self) -> str:
        """``"synthetic"``."""
        return "synthetic"

    @property
    def sampling_rate(self) -> float:
        """Samples a second of the records that `read` returns."""
        return self._sampling_rate

    @property
    def entries(self) -> Sequence[RecordEntry]:
        """All records, by patient."""
        return self._entries

    def settings(self) -> dict[str, object]:
        """The arguments of this data set and the generator's version, ready for JSON."""
        return {
            "generator_version": GENERATOR_VERSION,
            "num_patients": self._num_patients,
            "seed": self._seed,
            "records_per_patient": list(self._records_per_patient),
            "sampling_rate": self._sampling_rate,
            "duration_seconds": self._duration,
            "noise": self._noise,
        }

    @property
    def fingerprint(self) -> str:
        """Identifies settings and entries."""
        return fingerprint("synthetic", json.dumps(self.settings(), sort_keys=True), *(repr(e) for e in self._entries))

    def read(self, record_id: str) -> Record:
        """Make one record's signal; the same each time, in any order.

        Returns
        -------
        Record
            float32 [12, samples], in mV, whole microvolts, leads in canonical order.

        Raises
        ------
        KeyError
            If no entry has this id.
        """
        if record_id not in self._sources:
            raise KeyError(
                f"record_id: no record {record_id!r} among the {len(self._entries)} of this synthetic data set"
            )
        patient, state, place = self._sources[record_id]
        signal = synthesise(patient, state, self._duration, self._sampling_rate, self._rng(_SIGNAL, *place))
        if self._noise:
            signal = signal + noise_of(state, signal, self._sampling_rate, self._rng(_NOISE, *place))
        return Record(complete_leads(signal), self._sampling_rate, LEADS, record_id)
