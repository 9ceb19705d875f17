"""From the signals of a file to a record in mV: leads, units, rate, invalid samples, and what to doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ecgbyte.checks import check_option, positive_number
from ecgbyte.signals.lead_identities import check_lead_identities, derive_lead, identity_tolerance
from ecgbyte.signals.leads import LIMB_LEADS
from ecgbyte.signals.padding import signal_part
from ecgbyte.signals.plausibility import doubts_about
from ecgbyte.signals.reading.faults import ContradictingLeads, CutFile, WrongRate, WrongUnit
from ecgbyte.signals.reading.invalid_samples import INVALID, fill_invalid
from ecgbyte.signals.reading.lead_choice import LeadChoice, Leads, checked_leads, choose_leads
from ecgbyte.signals.reading.limits import HIGHEST_RATE, LOWEST_RATE
from ecgbyte.signals.reading.recorded_signals import RecordedSignal, RecordedSignals, millivolts
from ecgbyte.signals.records import Record, Remark

IDENTITY_CHECKS = ("error", "warn", "off")
# A rate this close to a whole number, relative to it, is that number: 499.99995 Hz is 500 Hz with a rounding error, and
# over ten seconds the difference is less than 0.1 ms.
RATE_TOLERANCE = 1e-5


@dataclass(frozen=True)
class ReadingOptions:
    """How to read a record; `ecgbyte.read_record` documents the fields.

    Beside them, `fallback` says that `units` and `sampling_rate` are for files that state none, as on the command line,
    where one choice holds for files of many kinds. Otherwise they also replace what a file states.
    """

    leads: Leads = None
    _: KW_ONLY
    units: str | float | None = None
    sampling_rate: float | None = None
    derive_leads: bool = False
    invalid: str = "raise"
    check_identities: str = "error"
    verify_checksums: bool = True
    fallback: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "leads", checked_leads(self.leads))
        check_option("check_identities", self.check_identities, IDENTITY_CHECKS)
        check_option("invalid", self.invalid, INVALID)
        if isinstance(self.units, str):
            if millivolts(self.units) is None:
                raise ValueError(f"units: got {self.units!r}, expected 'mV', 'uV', 'V', 'nV', or the mV of one step")
        elif self.units is not None:
            positive_number("units", self.units, unit="of mV a step")
        if self.sampling_rate is not None:
            positive_number("sampling_rate", self.sampling_rate, unit="of samples a second")


def record_of(where: str, found: RecordedSignals, options: ReadingOptions) -> Record:
    """The record of the signals of a file.

    Parameters
    ----------
    where : str
        The file and the record in it, for messages.
    found : RecordedSignals
    options : ReadingOptions

    Raises
    ------
    ValueError
        For the reasons of `ecgbyte.read_record`.
    """
    choice = choose_leads(where, [signal.name for signal in found.signals], options.leads, options.derive_leads)
    chosen = {lead: found.signals[row] for lead, row in choice.rows.items()}
    remarks = [*found.remarks, *choice.remarks]
    rate = _sampling_rate(where, chosen, options, remarks)
    signal, resolution = _in_millivolts(where, chosen, options, remarks)
    names = list(chosen)
    mask, filled = fill_invalid(where, signal, names, rate, options.invalid)
    remarks += filled
    if options.check_identities != "off" and found.raw and set(LIMB_LEADS) <= set(names):
        limb = max(resolution[names.index(lead)] for lead in LIMB_LEADS)
        remarks += _checked_identities(where, signal, names, limb, options.check_identities)
    signal, mask = _wanted(choice, signal, mask, names)
    remarks += doubts_about(signal)
    start, stop = signal_part(signal, rate)
    if (start, stop) != (0, signal.shape[1]):
        text = f"no lead changes in the first {start} and the last {signal.shape[1] - stop} samples"
        remarks.append(Remark("constant padding", text))
    return Record(
        signal,
        rate,
        choice.wanted,
        found.record_id,
        derived_leads=choice.derived,
        invalid=mask,
        reader=found.reader,
        remarks=tuple(remarks),
    )


def _sampling_rate(
    where: str, chosen: dict[str, RecordedSignal], options: ReadingOptions, remarks: list[Remark]
) -> float:
    rates = {signal.sampling_rate for signal in chosen.values()}
    if len(rates) > 1:
        each = ", ".join(f"{lead} {signal.sampling_rate} Hz" for lead, signal in chosen.items())
        raise WrongRate(f"path: record {where} has leads of several rates ({each}); choose some with leads=")
    lengths = {len(signal.samples) for signal in chosen.values()}
    if len(lengths) > 1:
        each = ", ".join(f"{lead} {len(signal.samples)}" for lead, signal in chosen.items())
        raise CutFile(f"path: record {where} has leads of several lengths ({each}); choose some with leads=")
    if lengths == {0}:
        raise CutFile(f"path: record {where} is empty, its leads have no samples")
    (stated,) = rates
    rate = stated
    if options.sampling_rate is not None and (stated is None or not options.fallback):
        rate = options.sampling_rate
        if stated is not None and not np.isclose(rate, stated, rtol=RATE_TOLERANCE):
            remarks.append(Remark("rate replaced", f"the file says {stated:g} Hz, taken as {rate:g} Hz as told"))
    if rate is None:
        raise WrongRate(f"path: record {where} does not state its sampling rate; give it with sampling_rate=")
    rate = positive_number(f"path: sampling_rate of record {where}", rate, unit="of samples a second")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise WrongRate(
            f"path: sampling_rate of record {where}: got {rate:g} Hz, expected {LOWEST_RATE:g} to {HIGHEST_RATE:g} Hz"
        )
    whole = float(round(rate))
    if rate != whole and whole > 0 and abs(rate - whole) <= RATE_TOLERANCE * whole:
        remarks.append(Remark("rate rounded", f"{rate!r} Hz taken as {whole:g} Hz"))
        rate = whole
    return rate


def _in_millivolts(
    where: str, chosen: dict[str, RecordedSignal], options: ReadingOptions, remarks: list[Remark]
) -> tuple[np.ndarray, list[float]]:
    """The samples in mV, float64 [leads, samples], and the step of each lead in mV."""
    first = next(iter(chosen.values()))
    signal = np.empty((len(chosen), len(first.samples)))
    resolution = []
    stated = sorted({lead.unit for lead in chosen.values() if lead.unit is not None})
    replaced = options.units is not None and not options.fallback
    if replaced and any(millivolts(unit) != _factor(options.units) for unit in stated):
        remarks.append(Remark("units replaced", f"the file says {', '.join(stated)}, taken as {options.units} as told"))
    if not stated and options.units is None:
        remarks.append(Remark("units assumed", "the file states no unit; taken as mV"))
    for row, (lead, source) in zip(signal, chosen.items(), strict=True):
        unit = options.units if replaced or (source.unit is None and options.units is not None) else source.unit
        if unit is None and source.samples.dtype.kind in "iu":
            raise WrongUnit(
                f"path: record {where} holds whole numbers without a unit or a scale (lead {lead}: "
                f"{source.samples.min()} to {source.samples.max()}), which may be counts of a converter; say with "
                "units= what one of them is: 'uV', 'mV', or a number of mV"
            )
        factor = _factor("mV" if unit is None else unit)
        if factor is None:
            raise WrongUnit(f"path: record {where} has lead {lead} in unit {unit!r}, expected mV, uV or V")
        np.multiply(source.samples, factor, out=row)
        resolution.append(source.resolution * factor)
    return signal, resolution


def _factor(unit: str | float | None) -> float | None:
    """How many mV one of `unit` is, a name or a number of mV."""
    return millivolts(unit) if isinstance(unit, str) else unit


def _wanted(
    choice: LeadChoice, signal: np.ndarray, mask: np.ndarray | None, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """The leads of the record in the order wanted, those that are computed among them, and their mask."""
    if not choice.derived:
        rows = [names.index(lead) for lead in choice.wanted]
        if rows == list(range(len(names))):
            return signal, mask
        return signal[rows], None if mask is None else mask[rows]
    one, two = names.index("I"), names.index("II")
    leads = [
        derive_lead(lead, signal[one], signal[two]) if lead in choice.derived else signal[names.index(lead)]
        for lead in choice.wanted
    ]
    masks = None
    if mask is not None:
        either = mask[one] | mask[two]
        masks = [either if lead in choice.derived else mask[names.index(lead)] for lead in choice.wanted]
    return np.stack(leads), None if masks is None else np.stack(masks)


def _checked_identities(
    where: str, signal: np.ndarray, names: Sequence[str], resolution: float, check_identities: str
) -> list[Remark]:
    try:
        check_lead_identities(signal, names, tolerance_mv=identity_tolerance(resolution))
    except ValueError as error:
        if check_identities == "error":
            raise ContradictingLeads(f"path: record {where}: {error}") from error
        return [Remark("limb leads contradict one another", str(error), doubt=True)]
    return []
