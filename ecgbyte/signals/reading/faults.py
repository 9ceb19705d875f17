"""What may be wrong with a record, as errors that say which kind of fault it is.

They are `ValueError` (a missing file is a `FileNotFoundError`), so who reads one record need not know them; who reads
many counts them by `fault_of`.
"""

from __future__ import annotations


class RecordFault(ValueError):
    """A record cannot be used; `code` is the kind of fault, one of `FAULTS`."""

    code = "unreadable-file"


class UnreadableHeader(RecordFault):
    """The header is empty, no text, or has a line that cannot be understood."""

    code = "unreadable-header"


class CutFile(RecordFault):
    """A signal file is shorter or longer than its header says."""

    code = "cut-file"


class DamagedFile(RecordFault):
    """The samples have another checksum than the header says."""

    code = "damaged-file"


class InvalidSamples(RecordFault):
    """Samples are NaN or marked as invalid, more of them than are accepted."""

    code = "invalid-samples"


class WrongLeads(RecordFault):
    """A lead is missing, not known, or there twice."""

    code = "wrong-leads"


class ContradictingLeads(RecordFault):
    """The limb leads break Einthoven's or Goldberger's identities."""

    code = "lead-identities"


class FlatLead(RecordFault):
    """A lead keeps one value from start to end."""

    code = "flat-lead"


class ImplausibleAmplitude(RecordFault):
    """No heart makes a signal so large or so small."""

    code = "amplitude"


class WrongRate(RecordFault):
    """The sampling rate is not known, or none of those that the data set has."""

    code = "wrong-rate"


class WrongUnit(RecordFault):
    """The unit is no voltage, or not known."""

    code = "wrong-unit"


class TooShort(RecordFault):
    """The record is too short to be filtered or cut into segments."""

    code = "too-short"


class DuplicateRecord(RecordFault):
    """The data set has the same record twice; the first is kept."""

    code = "duplicate"


# Every code with what it means; in rejected.csv and in the counts at the end of a preparation.
FAULTS = {
    "missing-file": "a file of the record is missing",
    "unreadable-header": "the header cannot be understood",
    "cut-file": "the signal file is shorter or longer than its header says",
    "damaged-file": "the samples have another checksum than the header says",
    "unreadable-file": "the file cannot be read, for another reason",
    "missing-reader": "a package that reads this format is not installed",
    "wrong-leads": "a lead is missing, not known, or there twice",
    "wrong-unit": "the unit is no voltage, or not known",
    "wrong-rate": "the sampling rate is not known, or none of the data set's",
    "invalid-samples": "more samples are NaN or marked as invalid than are accepted",
    "lead-identities": "the limb leads contradict one another",
    "flat-lead": "a lead keeps one value from start to end",
    "amplitude": "no heart makes a signal so large or so small",
    "too-short": "too short to be filtered or cut",
    "duplicate": "the same record is there twice, the first is kept",
}


def fault_of(error: Exception) -> str:
    """The code of what an error says about a record, one of `FAULTS`."""
    if isinstance(error, RecordFault):
        return error.code
    if isinstance(error, FileNotFoundError):
        return "missing-file"
    if isinstance(error, ImportError):
        return "missing-reader"
    return "unreadable-file"
