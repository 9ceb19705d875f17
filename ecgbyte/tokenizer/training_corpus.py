"""From records to the symbol sequences that merges are learned from: one range, one rate, one set of leads."""

from __future__ import annotations

import itertools
import operator
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ecgbyte.files import fingerprint
from ecgbyte.options import check_option
from ecgbyte.signals.amplitude_range import AmplitudeRange, fit_amplitude_range, record_range
from ecgbyte.signals.leads import canonical_lead_names
from ecgbyte.signals.records import Record
from ecgbyte.symbols import symbolize
from ecgbyte.tokenizer.input_signals import Signal, check_finite, check_same_recording, checked_signal
from ecgbyte.tokenizer.tokenizer_content import BOUNDARIES, PER_RECORD, as_amplitude_range, positive_number


@dataclass(frozen=True, eq=False)
class TrainingCorpus:
    """Symbols of a population of records, and what they have in common.

    Attributes
    ----------
    sequences : list of uint8 [symbols]
        One a lead, or one a record with its leads joined; no merge crosses their borders.
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

    sequences: list[np.ndarray]
    num_records: int
    num_symbols: int
    amplitude_range: AmplitudeRange | str
    range_source: str
    sampling_rate: float
    num_leads: int
    lead_names: tuple[str, ...] | None
    fingerprint: str


def read_corpus(
    records: Iterable[Signal],
    *,
    amplitude_range: AmplitudeRange | tuple[float, float] | str,
    boundary: str,
    alphabet_size: int,
    sampling_rate: float | None = None,
    lead_names: Sequence[str] | None = None,
    num_threads: int = 1,
    progress: bool = True,
) -> TrainingCorpus:
    """Turn records into symbol sequences; see `ecgbyte.ECGTokenizer.train` for the parameters and errors."""
    check_option("boundary", boundary, BOUNDARIES)
    source, chosen = _checked_range(amplitude_range)
    if isinstance(records, (str, bytes, Record)) or not hasattr(records, "__iter__"):
        raise TypeError(f"records: got {type(records).__name__}, expected a collection of records")
    if source == "global" and isinstance(records, Iterator):
        raise ValueError(
            f"records: got a one-shot iterator ({type(records).__name__}), but amplitude_range='global' reads the "
            "records twice, once for the range and once for the symbols; give a list or another collection that can "
            "be iterated again, or give amplitude_range=(low, high) or 'per-record'"
        )
    reader = _Population(sampling_rate, lead_names)
    if source == "global":
        signals = (signal for _, signal in reader.read(_progress_bar(records, "reading the range", progress)))
        first = next(signals, None)
        if first is None:
            raise ValueError("records: is empty, expected at least one record")
        chosen = fit_amplitude_range(itertools.chain([first], signals))
        seen, reader = reader, _Population(sampling_rate, lead_names)

    sequences: list[np.ndarray] = []
    parts: list[str] = []
    for record_id, signal in reader.read(_progress_bar(records, "reading the symbols", progress)):
        limits = chosen if isinstance(chosen, AmplitudeRange) else record_range(signal)
        symbols = symbolize(signal, limits.low, limits.high, alphabet_size=alphabet_size, num_threads=num_threads)
        sequences.extend(symbols if boundary == "lead" else [symbols.reshape(-1)])
        parts.append(fingerprint(record_id, symbols))
    if source == "global" and seen.read_so_far != reader.read_so_far:
        raise ValueError(
            f"records: the first reading gave {len(seen.read_so_far)} records, the second {len(reader.read_so_far)} or "
            "others; expected a collection that gives the same records whenever it is iterated"
        )
    if not sequences or reader.sampling_rate is None or reader.num_leads is None:
        raise ValueError("records: is empty, expected at least one record")
    names = "" if reader.lead_names is None else ",".join(reader.lead_names)
    return TrainingCorpus(
        sequences=sequences,
        num_records=len(parts),
        num_symbols=sum(len(sequence) for sequence in sequences),
        amplitude_range=chosen if isinstance(chosen, AmplitudeRange) else PER_RECORD,
        range_source=source,
        sampling_rate=reader.sampling_rate,
        num_leads=reader.num_leads,
        lead_names=reader.lead_names,
        fingerprint=fingerprint(repr(reader.sampling_rate), names, *parts),
    )


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
    total = operator.length_hint(records, 0) or None
    return tqdm(records, desc=description, total=total, unit=" records", file=sys.stderr, disable=not progress)
