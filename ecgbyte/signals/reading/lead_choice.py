"""Which signals of a file are the leads that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecgbyte.signals.lead_identities import DERIVED_LEADS
from ecgbyte.signals.leads import LEADS, LIMB_LEADS, canonical_lead_name, canonical_lead_names
from ecgbyte.signals.reading.faults import WrongLeads
from ecgbyte.signals.records import Remark

# Names of leads in the order wanted, or the lead for each name in the file; None for the twelve leads and nothing else.
Leads = Sequence[str] | Mapping[str, str] | None


@dataclass(frozen=True)
class LeadChoice:
    """The signals to take.

    Attributes
    ----------
    rows : dict of str to int
        For each lead to read the position of its signal: the leads wanted, and the limb leads that the identities and
        the derived leads need.
    wanted : tuple of str
        The leads of the record.
    derived : tuple of str
        Those of `wanted` that are computed from I and II.
    remarks : list of Remark
    """

    rows: dict[str, int]
    wanted: tuple[str, ...]
    derived: tuple[str, ...]
    remarks: list[Remark]


def checked_leads(leads: Leads) -> Leads:
    """The argument `leads` with its leads spelled as this package does.

    Raises
    ------
    TypeError
        If it is a single string, or holds something else than strings.
    ValueError
        If it is empty, a lead is unknown, or one occurs twice.
    """
    if leads is None:
        return None
    if not isinstance(leads, str) and len(leads) == 0:
        raise ValueError("leads: is empty, expected at least one lead name")
    try:
        if isinstance(leads, Mapping):
            return dict(zip(leads, canonical_lead_names(list(leads.values())), strict=True))
        return canonical_lead_names(leads)
    except (TypeError, ValueError) as error:
        raise type(error)(f"leads: {error}") from error


def choose_leads(where: str, names: Sequence[str | None], leads: Leads, derive_leads: bool) -> LeadChoice:
    """Find the signals of the leads that are wanted.

    Parameters
    ----------
    where : str
        The record, for messages.
    names : sequence of str or None
        The signals as the file names them; None for each where it names none.
    leads : sequence of str, mapping of str to str, or None
        As `checked_leads` gives it.
    derive_leads : bool
        Whether III, aVR, aVL and aVF may be computed where the file lacks them.

    Raises
    ------
    ValueError
        If a lead is missing or occurs twice, if the file names no signals and has another number of them than there
        are leads, or if it has signals beside the twelve leads and `leads` is None.
    """
    if names and all(name is None for name in names):
        return _by_position(where, len(names), leads, derive_leads)
    written = [name or f"(signal {row})" for row, name in enumerate(names)]
    if isinstance(leads, Mapping):
        rows = _by_own_names(where, written, leads)
        others: list[str] = []
    else:
        rows, others = _by_lead_names(where, written)
    wanted = LEADS if leads is None else tuple(leads.values()) if isinstance(leads, Mapping) else tuple(leads)
    missing = [lead for lead in wanted if lead not in rows]
    derived = tuple(lead for lead in missing if derive_leads and lead in DERIVED_LEADS and {"I", "II"} <= set(rows))
    if isinstance(leads, Mapping) and derive_leads and {"I", "II"} <= set(rows):
        derived = tuple(lead for lead in DERIVED_LEADS if lead not in rows)
        wanted += derived
    absent = [lead for lead in missing if lead not in derived]
    if absent:
        raise WrongLeads(_missing_leads(where, written, absent, set(rows), derive_leads))
    if others and leads is None:
        raise WrongLeads(
            f"path: record {where} has signals that are none of the twelve leads: {', '.join(others)}; name the leads "
            "to read with leads= to leave the others out"
        )
    kept = {lead: row for lead, row in rows.items() if lead in wanted or lead in LIMB_LEADS}
    remarks = [Remark("leads derived", f"{', '.join(derived)} computed from I and II")] if derived else []
    return LeadChoice(kept, wanted, derived, remarks)


def _by_position(where: str, count: int, leads: Leads, derive_leads: bool) -> LeadChoice:
    if isinstance(leads, Mapping):
        raise WrongLeads(f"leads: record {where} names no signals, so leads takes their names in their order")
    given = LEADS if leads is None else tuple(leads)
    if len(given) != count:
        raise WrongLeads(
            f"path: record {where} has {count} signals without names, expected {len(given)} ({', '.join(given)}); "
            "name them in their order with leads="
        )
    derived: tuple[str, ...] = ()
    if derive_leads and {"I", "II"} <= set(given):
        derived = tuple(lead for lead in DERIVED_LEADS if lead not in given)
    remarks = [Remark("lead names assumed", f"the file names no leads; taken as {', '.join(given)}")]
    if derived:
        remarks.append(Remark("leads derived", f"{', '.join(derived)} computed from I and II"))
    return LeadChoice({lead: row for row, lead in enumerate(given)}, (*given, *derived), derived, remarks)


def _by_own_names(where: str, written: Sequence[str], leads: Mapping[str, str]) -> dict[str, int]:
    places: dict[str, list[int]] = {}
    for row, name in enumerate(written):
        places.setdefault(name.strip(), []).append(row)
    rows = {}
    for name, lead in leads.items():
        found = places.get(name.strip(), [])
        if len(found) != 1:
            raise WrongLeads(
                f"leads: record {where} has {len(found)} signals called {name!r} among {', '.join(written)}"
            )
        rows[lead] = found[0]
    return rows


def _by_lead_names(where: str, written: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    rows: dict[str, int] = {}
    others = []
    for row, name in enumerate(written):
        try:
            lead = canonical_lead_name(name)
        except ValueError:
            others.append(name)
            continue
        if lead in rows:
            raise WrongLeads(f"path: record {where} has lead {lead} more than once among {list(written)}")
        rows[lead] = row
    return rows, others


def _missing_leads(
    where: str, written: Sequence[str], missing: Sequence[str], found: set[str], derive_leads: bool
) -> str:
    hint = "name the leads to read with leads="
    if set(missing) <= set(DERIVED_LEADS) and {"I", "II"} <= found and not derive_leads:
        hint += ", or compute these with derive_leads=True"
    if not found:
        hint = "say which signal is which lead with leads={name: lead}"
    return f"path: record {where} has no lead {', '.join(missing)}, only {', '.join(written)}; {hint}"
