"""What every data set says of its records: who, which fold, what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class RecordEntry:
    """A record's place in its data set, without its signal.

    Entries with equal contents are equal. *Thread-safety*: immutable.

    Parameters
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
    report : str or callable() -> str
        The cardiologist's (or generator's) report, one or more sentences; a callable gives it whenever it is asked
        for, so that a large table need not be read before.
    """

    __slots__ = ("_content", "_report")

    def __init__(
        self,
        record_id: str,
        patient_id: str,
        fold: int,
        findings: tuple[Finding, ...],
        assessed: tuple[str, ...],
        report: str | Callable[[], str],
    ) -> None:
        self._content = (record_id, patient_id, fold, findings, assessed)
        self._report = report

    @property
    def record_id(self) -> str:
        """Identifier of the record."""
        return self._content[0]

    @property
    def patient_id(self) -> str:
        """Identifier of the patient."""
        return self._content[1]

    @property
    def fold(self) -> int:
        """1 to 10."""
        return self._content[2]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, sorted."""
        return self._content[3]

    @property
    def assessed(self) -> tuple[str, ...]:
        """The types of findings whose absence is known."""
        return self._content[4]

    @property
    def report(self) -> str:
        """The report."""
        return self._report if isinstance(self._report, str) else self._report()

    def with_findings(self, findings: tuple[Finding, ...]) -> RecordEntry:
        """The same record with other findings."""
        record_id, patient_id, fold, _, assessed = self._content
        return RecordEntry(record_id, patient_id, fold, findings, assessed, self._report)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordEntry):
            return NotImplemented
        return self._content == other._content and self.report == other.report

    def __hash__(self) -> int:
        return hash(self._content)

    def __repr__(self) -> str:
        return (
            f"RecordEntry(record_id={self.record_id!r}, patient_id={self.patient_id!r}, fold={self.fold!r}, "
            f"findings={self.findings!r}, assessed={self.assessed!r}, report={self.report!r})"
        )

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
