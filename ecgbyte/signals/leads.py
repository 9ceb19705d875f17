"""The twelve leads: their names in the dialects that files use, and their order."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
LIMB_LEADS = LEADS[:6]

# What files write before the name of a lead: "Lead I", "ECG V1", "MDC_ECG_LEAD_AVR" (IEEE 11073, HL7 aECG).
_PREFIXES = ("MDC ECG LEAD ", "ECG LEAD ", "EKG LEAD ", "LEAD ", "ECG ", "EKG ")
# Every other name of a lead, in upper case: Portuguese and Spanish devices write D for derivation (CODE: "DI"),
# and C1 to C6 are the chest leads by their electrodes (IEC).
_OTHER_NAMES = {
    "I": ("DI", "D1"),
    "II": ("DII", "D2"),
    "III": ("DIII", "D3"),
    "aVR": ("DAVR",),
    "aVL": ("DAVL",),
    "aVF": ("DAVF",),
    **{f"V{k}": (f"C{k}", f"DV{k}") for k in range(1, 7)},
}
_BY_NAME = {name: lead for lead in LEADS for name in (lead.upper(), *_OTHER_NAMES[lead])}
_MINUS = "-\u2212\u2013"


def canonical_lead_name(name: str) -> str:
    """The name of a lead as this package spells it: ``"AVR"``, ``"Lead aVR"`` and ``"MDC_ECG_LEAD_AVR"`` are ``"aVR"``.

    Upper and lower case, spaces around the name and underscores for spaces make no difference. ``"-aVR"`` is another
    lead than aVR, as Cabrera's order has it, and no lead of this package.

    Raises
    ------
    TypeError
        If `name` is no string.
    ValueError
        If `name` is none of the twelve leads.
    """
    if not isinstance(name, str):
        raise TypeError(f"name: expected a lead name, got {type(name).__name__} {name!r}")
    lead = _lead_called(name)
    if lead is None:
        inverted = _lead_called(name.strip().lstrip(_MINUS)) if name.strip().startswith(tuple(_MINUS)) else None
        hint = f"; it is {inverted} upside down: multiply its samples by -1 and call it {inverted}" if inverted else ""
        raise ValueError(f"name: {name!r} is no lead, expected one of {', '.join(LEADS)} or another name of one{hint}")
    return lead


@functools.lru_cache(1024)
def _lead_called(name: str) -> str | None:
    text = re.sub(r"[\s_]+", " ", unicodedata.normalize("NFKC", name)).strip().upper()
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            text = text.removeprefix(prefix)
            break
    return _BY_NAME.get(text)


def canonical_lead_names(names: Iterable[str]) -> tuple[str, ...]:
    """Every name as this package spells it, in the order given; a repeated lead is an error.

    Raises
    ------
    TypeError
        If `names` is one string, or holds something else than strings.
    ValueError
        If a name is none of the twelve leads, or a lead occurs twice.
    """
    if isinstance(names, str):
        raise TypeError(f"names: expected a sequence of lead names, got the single string {names!r}")
    names = tuple(names)
    for name in names:
        if not isinstance(name, str):
            canonical_lead_name(name)  # says what is wrong
    return _canonical(names)


@functools.lru_cache(1024)
def _canonical(names: tuple[str, ...]) -> tuple[str, ...]:
    # The names of a data set's records are a few, and asked for several times a record.
    canonical = tuple(canonical_lead_name(name) for name in names)
    repeated = sorted({lead for lead in canonical if canonical.count(lead) > 1}, key=LEADS.index)
    if repeated:
        raise ValueError(f"names: {', '.join(repeated)} given more than once in {list(canonical)}")
    return canonical


@functools.lru_cache(1024)
def canonical_order(names: tuple[str, ...]) -> tuple[int, ...]:
    """The places of these leads, as this package spells them, in the order of `LEADS`."""
    return tuple(sorted(range(len(names)), key=lambda row: LEADS.index(names[row])))


def lead_order(names: Sequence[str], *, leads: Sequence[str] = LEADS) -> np.ndarray:
    """Where to find each lead of `leads`, so that ``signal[lead_order(names)]`` has its leads in that order.

    Parameters
    ----------
    names : sequence of str
        The leads of a signal, in its own order and in any case. Leads that are not in `leads` are left out.
    leads : sequence of str
        The leads to find; all twelve in the canonical order where nothing else is said.

    Returns
    -------
    int64 [leads]
        Positions in `names`.

    Raises
    ------
    ValueError
        If a name is none of the twelve leads, a lead occurs twice, or one of `leads` is missing; the message names it.

    Examples
    --------
    >>> lead_order(["aVF", "i", "II"], leads=["I", "II", "aVF"]).tolist()
    [1, 2, 0]
    """
    available = canonical_lead_names(names)
    wanted = canonical_lead_names(leads)
    missing = [lead for lead in wanted if lead not in available]
    if missing:
        raise ValueError(f"names: {', '.join(missing)} missing from {list(available)}, expected {', '.join(wanted)}")
    return np.array([available.index(lead) for lead in wanted], dtype=np.int64)
