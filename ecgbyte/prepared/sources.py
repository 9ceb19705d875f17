"""Where a record that is to be prepared lies, and what its data set says of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ecgbyte.data.catalogue import Finding
from ecgbyte.files import fingerprint
from ecgbyte.signals.reading.faults import FAULTS


@dataclass(frozen=True)
class RecordSource:
    """One record before it is read.

    Attributes
    ----------
    record_id : str
        Its name in what is prepared; no two are the same.
    path : str
        The file (of a WFDB record its header), absolute, or a URL such as ``s3://bucket/records/1.hea``.
    place : str
        The same below the folder of the data set, so that what is written does not depend on where that folder lies.
    inner_id : str or None
        Which record of a file that holds many.
    patient_id : str or None
    fold : int or None
        1 to 10; all records of a patient share one.
    age : float or None
        In years, as the data set has it.
    sex : {"female", "male"} or None
    report : str or None
    findings : tuple of Finding
    assessed : tuple of str
        The types of findings whose absence is known.
    excluded : (str, str) or None
        Why it is rejected without being read: a code of `ecgbyte.signals.reading.faults.FAULTS`, and the sentence.
    """

    record_id: str
    path: str
    place: str
    inner_id: str | None = None
    patient_id: str | None = None
    fold: int | None = None
    age: float | None = None
    sex: str | None = None
    report: str | None = None
    findings: tuple[Finding, ...] = ()
    assessed: tuple[str, ...] = ()
    excluded: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.excluded is not None and self.excluded[0] not in FAULTS:
            raise ValueError(f"excluded: got the code {self.excluded[0]!r}, expected one of {', '.join(FAULTS)}")

    @property
    def where(self) -> str:
        """The file below the folder of its data set, and which of its records it is."""
        return self.place if self.inner_id is None else f"{self.place}#{self.inner_id}"


_FIELDS = tuple(item.name for item in dataclasses.fields(RecordSource))


def fingerprint_of(sources: Iterable[RecordSource]) -> str:
    """Identifies records and what is known of them, in their order; not where their folder lies or what files hold."""
    return fingerprint(*(json.dumps(_known(source), ensure_ascii=False) for source in sources))


def _known(source: RecordSource) -> list[object]:
    # By name and not by dataclasses.astuple, which takes ten times as long.
    findings = [(found.finding_type, found.name, found.leads, found.certain) for found in source.findings]
    values = [getattr(source, name) for name in _FIELDS if name not in ("path", "findings")]
    return [*values, findings]


def check_distinct(sources: Iterable[RecordSource]) -> None:
    """Make sure that no two records have the same id.

    Raises
    ------
    ValueError
        If two have; the message names both files.
    """
    seen: dict[str, RecordSource] = {}
    for source in sources:
        other = seen.setdefault(source.record_id, source)
        if other is not source:
            raise ValueError(f"sources: {other.where} and {source.where} are both called {source.record_id!r}")


def in_blocks(sources: list[RecordSource], size: int) -> Iterator[list[RecordSource]]:
    """The records in their order, `size` at a time: what becomes one shard."""
    for start in range(0, len(sources), size):
        yield sources[start : start + size]
