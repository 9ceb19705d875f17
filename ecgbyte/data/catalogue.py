"""What every data set says of its records: who, which fold, what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ecgbyte.signals.records import Record

FINDING_TYPES = ("normal", "rhythm", "conduction", "ectopy", "st-t", "infarction", "hypertrophy", "axis", "noise")


@dataclass(frozen=True, order=True)
class Finding:
    """One thing found in a record.

    Attributes
    ----------
    finding_type : str
        One of `FINDING_TYPES`.
    name : str
        Lower-case words, such as ``"atrial fibrillation"``.
    leads : tuple of str
        The leads that show it, in canonical order; empty where it is not tied to leads or they are not known.
    certain : bool
        False where the annotator was not sure.
    """

    finding_type: str
    name: str
    leads: tuple[str, ...] = ()
    certain: bool = True


@dataclass(frozen=True)
class RecordEntry:
    """A record's place in its data set, without its signal.

    Attributes
    ----------
    record_id, patient_id : str
        Identifiers within the data set.
    fold : int
        1 to 10; all records of a patient share one fold.
    findings : tuple of Finding
        What was found, sorted.
    assessed : tuple of str
        The `FINDING_TYPES` for which the absence of a finding means that it is absent. No question is asked about
        others.
    report : str
        The cardiologist's (or generator's) report, one or more sentences.
    """

    record_id: str
    patient_id: str
    fold: int
    findings: tuple[Finding, ...]
    assessed: tuple[str, ...]
    report: str

    def names(self, finding_type: str, *, certain_only: bool = False) -> tuple[str, ...]:
        """The names of the findings of one type, sorted, without repeats."""
        return tuple(
            sorted(
                {f.name for f in self.findings if f.finding_type == finding_type and (f.certain or not certain_only)}
            )
        )


class RecordSet(Protocol):
    """A data set: entries first, signals when asked for."""

    @property
    def name(self) -> str:
        """The data set's name, such as ``"ptb-xl"``."""
        ...

    @property
    def sampling_rate(self) -> float:
        """Samples a second of the records that `read` returns."""
        ...

    @property
    def entries(self) -> Sequence[RecordEntry]:
        """All records, in a fixed order."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies content and settings."""
        ...

    def read(self, record_id: str) -> Record:
        """Read one record's signal.

        Raises
        ------
        KeyError
            If no entry has this id.
        """
        ...
