"""From records to the symbol sequences that merges are learned from: one range, one rate, one set of leads."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from ecgbyte.checks import check_option, positive_number
from ecgbyte.files import fingerprint
from ecgbyte.progress import progress_bar
from ecgbyte.signals.amplitude_levels import AmplitudeLevels
from ecgbyte.signals.amplitude_range import AmplitudeRange, fit_amplitude_range, record_range
from ecgbyte.signals.leads import canonical_lead_names
from ecgbyte.signals.records import Record
from ecgbyte.symbols import symbolize
from ecgbyte.tokenizer.input_signals import Signal, check_finite, check_same_recording, checked_signal
from ecgbyte.tokenizer.tokenizer_content import BOUNDARIES, PER_RECORD, as_amplitude_range, check_levels


@runtime_checkable
class KnowsItsRange(Protocol):
    """A collection of records that has counted its amplitudes already, as a prepared folder has."""

    def fitted_amplitude_range(self) -> AmplitudeRange:
        """The range of ``amplitude_range="global"``: percentiles 1 and 99, widened by 0.5 mV."""
        ...


class TrainingCorpus:
    """The symbol sequences of a population of records, one record at a time, and what they have in common.

    Iterate it once, to the end: no record and no symbols are kept. After that the attributes hold.

    Attributes
    ----------
    num_records, num_symbols : int
    amplitude_range : AmplitudeRange or "per-record"
        In mV.
    range_source : {"global", "per-record", "given"}
    sampling_rate : float
        Samples a second.
    num_leads : int
    lead_names : tuple of str or None
        None where arrays were given without names.
    fingerprint : str
        Of rate, leads, and every record's id and symbols, in the order given.
    """

    def __init__(
        self,
        records: Iterable[Signal],
        *,
        amplitude_range: AmplitudeRange | tuple[float, float] | str,
        boundary: str,
        alphabet_size: int,
        sampling_rate: float | None = None,
        lead_names: Sequence[str] | None = None,
        num_threads: int = 1,
        progress: bool = True,
    ) -> None:
        """Check the options and read the range; see `ecgbyte.ECGTokenizer.train` for the parameters and errors."""
        check_option("boundary", boundary, BOUNDARIES)
        check_levels(amplitude_range, alphabet_size)
        self.range_source, self._given_range = _checked_range(amplitude_range)
        if isinstance(records, (str, bytes, Record)) or not hasattr(records, "__iter__"):
            raise TypeError(f"records: got {type(records).__name__}, expected a collection of records")
        if self.range_source == "global" and isinstance(records, Iterator):
            raise ValueError(
                f"records: got a one-shot iterator ({type(records).__name__}), but amplitude_range='global' reads the "
                "records twice, once for the range and once for the symbols; give a list or another collection that "
                "can be iterated again, or give amplitude_range=(low, high) or 'per-record'"
            )
        self._records = records
        self._boundary = boundary
        self._alphabet_size = alphabet_size
        self._num_threads = num_threads
        self._progress = progress
        self._first_reading: _Population | None = None
        if self.range_source == "global" and isinstance(records, KnowsItsRange):
            self._given_range = records.fitted_amplitude_range()
        elif self.range_source == "global":
            self._first_reading = _Population(sampling_rate, lead_names)
            self._given_range = self._fitted_range(self._first_reading)
        self.amplitude_range: AmplitudeRange | str = PER_RECORD if self._given_range is None else self._given_range
        self._reader = _Population(sampling_rate, lead_names)
        self.num_records = 0
        self.num_symbols = 0

    def _fitted_range(self, reader: _Population) -> AmplitudeRange:
        signals = (
            signal for _, signal in reader.read(_progress_bar(self._records, "reading the range", self._progress))
        )
        first = next(signals, None)
        if first is None:
            raise ValueError("records: is empty, expected at least one record")
        return fit_amplitude_range(itertools.chain([first], signals))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Give each record's symbols, uint8 [leads, samples], or [1, symbols] where no border is between the leads."""
        reader = self._reader
        parts: list[str] = []
        for record_id, signal in reader.read(_progress_bar(self._records, "reading the symbols", self._progress)):
            limits = record_range(signal) if self._given_range is None else self._given_range
            if isinstance(limits, AmplitudeLevels):
                signal, limits = limits.places(signal), AmplitudeRange(0.0, limits.num_levels)
            symbols = symbolize(
                signal, limits.low, limits.high, alphabet_size=self._alphabet_size, num_threads=self._num_threads
            )
            parts.append(fingerprint(record_id, symbols))
            self.num_symbols += symbols.size
            yield symbols if self._boundary == "lead" else symbols.reshape(1, -1)
        first = self._first_reading
        if first is not None and first.read_so_far != reader.read_so_far:
            raise ValueError(
                f"records: the first reading gave {len(first.read_so_far)} records, the second "
                f"{len(reader.read_so_far)} or others; expected a collection that gives the same records whenever it "
                "is iterated"
            )
        if not parts or reader.sampling_rate is None or reader.num_leads is None:
            raise ValueError("records: is empty, expected at least one record")
        self.num_records = len(parts)
        self.sampling_rate = reader.sampling_rate
        self.num_leads = reader.num_leads
        self.lead_names = reader.lead_names
        names = "" if reader.lead_names is None else ",".join(reader.lead_names)
        self.fingerprint = fingerprint(repr(reader.sampling_rate), names, *parts)


class _Population:
    """Reads records one by one and refuses those that differ from the first in kind, rate or leads."""

    def __init__(self, sampling_rate: float | None, lead_names: Sequence[str] | None) -> None:
        self.sampling_rate = None if sampling_rate is None else positive_number("sampling_rate", sampling_rate)
        self.lead_names = None if lead_names is None else canonical_lead_names(lead_names)
        self.num_leads = None if self.lead_names is None else len(self.lead_names)
        self.read_so_far: list[tuple[str, tuple[int, ...]]] = []
        self._named: bool | None = None

    def read(self, records: Iterable[Signal]) -> Iterator[tuple[str, np.ndarray]]:
        """Give each record's id ("" for an array) and its samples, float [leads, samples]."""
        for index, record in enumerate(records):
            argument = f"records[{index}]"
            named = isinstance(record, Record)
            if self._named is None:
                self._named = named
            elif self._named != named:
                raise TypeError(f"{argument}: got {type(record).__name__}, expected only records or only arrays")
            if isinstance(record, Record):
                check_same_recording(argument, record, self.sampling_rate, self.lead_names)
                self.sampling_rate, self.lead_names = record.sampling_rate, record.lead_names
            elif self.sampling_rate is None:
                raise ValueError(f"sampling_rate: missing; {argument} is an array, which does not say its rate")
            signal = checked_signal(argument, record, self.num_leads)
            self.num_leads = signal.shape[0]
            if not named:
                check_finite(argument, signal, self.lead_names)
            record_id = record.record_id if isinstance(record, Record) else ""
            self.read_so_far.append((record_id, signal.shape))
            yield record_id, signal


def _checked_range(
    amplitude_range: AmplitudeRange | tuple[float, float] | str,
) -> tuple[str, AmplitudeRange | None]:
    """Where the range comes from, and the range itself where it is given."""
    if isinstance(amplitude_range, str):
        return check_option("amplitude_range", amplitude_range, ("global", PER_RECORD)), None
    return "given", as_amplitude_range(amplitude_range)


def _progress_bar(records: Iterable[Signal], description: str, progress: bool) -> Iterable[Signal]:
    return progress_bar(records, description, " records", shown=progress)
