"""What is known of every record, as arrays: which findings are there, which are not, which are unknown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ecgbyte.data.catalogue import FINDING_TYPES, Finding, RecordEntry
from ecgbyte.signals.leads import LEADS

ABSENT, PRESENT, UNCERTAIN, UNKNOWN = 0, 1, 2, 3


@dataclass(frozen=True)
class FindingTable:
    """The state of every finding in every record.

    Attributes
    ----------
    record_ids : tuple of str
        Sorted; the columns of all arrays.
    names : dict of str to tuple of str
        For each type of finding its names, sorted.
    states : dict of (str, str) to uint8 [records]
        For each type and name `ABSENT`, `PRESENT`, `UNCERTAIN` or `UNKNOWN` (the type was not assessed).
    overlapped : dict of (str, str) to bool [records]
        For each type and name the records where another finding makes the answer a matter of opinion.
    leads : dict of (str, str) to list of (tuple of str or None)
        For each type and name the leads in canonical order, empty where it is absent, None where they are not known.
        Only for findings that name leads in at least one record.
    listed : dict of str to list of (tuple of str or None)
        For each type the names found, None where the list is not known: not assessed, or a finding is uncertain.
    """

    record_ids: tuple[str, ...]
    names: dict[str, tuple[str, ...]]
    states: dict[tuple[str, str], np.ndarray]
    overlapped: dict[tuple[str, str], np.ndarray]
    leads: dict[tuple[str, str], list[tuple[str, ...] | None]]
    listed: dict[str, list[tuple[str, ...] | None]]

    def lead_states(self, finding_type: str, name: str, lead: str) -> np.ndarray:
        """`ABSENT`, `PRESENT` or `UNKNOWN` for one lead: uint8 [records]."""
        return np.array(
            [UNKNOWN if found is None else int(lead in found) for found in self.leads[finding_type, name]],
            dtype=np.uint8,
        )


def tabulate_findings(
    entries: Sequence[RecordEntry],
    *,
    finding_types: Sequence[str] = FINDING_TYPES,
    attributes: Collection[str] | None = None,
    overlaps: Mapping[str, Sequence[str]] | None = None,
) -> FindingTable:
    """Put the findings of many records into arrays.

    Parameters
    ----------
    entries : sequence of RecordEntry
        The records, in any order, none twice.
    finding_types : sequence of str
        The types to keep.
    attributes : collection of str, optional
        The names to keep, all where None. A record that shows another name of a type has no list for that type.
    overlaps : mapping of str to sequence of str, optional
        For a name the other names whose presence makes it a matter of opinion.

    Raises
    ------
    ValueError
        If a record occurs twice.
    """
    entries = sorted(entries, key=lambda entry: entry.record_id)
    for earlier, later in pairwise(entries):
        if earlier.record_id == later.record_id:
            raise ValueError(f"entries: record {later.record_id!r} occurs twice")
    overlaps = {} if overlaps is None else overlaps
    found: dict[str, set[str]] = {finding_type: set() for finding_type in finding_types}
    for entry in entries:
        for finding in entry.findings:
            if finding.finding_type in found:
                found[finding.finding_type].add(finding.name)
    every = {kind: tuple(sorted(values)) for kind, values in found.items()}

    states: dict[tuple[str, str], np.ndarray] = {}
    for kind, names in every.items():
        assessed = np.array([kind in entry.assessed for entry in entries], dtype=bool)
        for name in names:
            states[kind, name] = np.where(assessed, ABSENT, UNKNOWN).astype(np.uint8)
    leads: dict[tuple[str, str], list[tuple[str, ...] | None]] = {}
    with_leads: set[tuple[str, str]] = set()
    for key, state in states.items():
        leads[key] = [() if value == ABSENT else None for value in state]
    for column, entry in enumerate(entries):
        for key, certain, found_leads in _merged(entry, states):
            # An uncertain finding stays unasked although its type is not assessed; a certain one is a fact.
            states[key][column] = PRESENT if certain else UNCERTAIN
            leads[key][column] = found_leads if certain and found_leads else None
            if certain and found_leads:
                with_leads.add(key)

    overlapped = {}
    for (kind, name), state in states.items():
        hidden = np.zeros(len(entries), dtype=bool)
        for other in overlaps.get(name, ()):
            if (kind, other) in states:
                hidden |= states[kind, other] == PRESENT
        overlapped[kind, name] = hidden & (state != PRESENT)

    kept = {kind: tuple(n for n in names if attributes is None or n in attributes) for kind, names in every.items()}
    listed: dict[str, list[tuple[str, ...] | None]] = {}
    for kind, names in every.items():
        listed[kind] = []
        for column, entry in enumerate(entries):
            values = {name: states[kind, name][column] for name in names}
            present = tuple(name for name in names if values[name] == PRESENT)
            complete = (
                kind in entry.assessed
                and UNCERTAIN not in values.values()
                and all(name in kept[kind] for name in present)
            )
            listed[kind].append(present if complete else None)
    return FindingTable(
        record_ids=tuple(entry.record_id for entry in entries),
        names=kept,
        states=states,
        overlapped=overlapped,
        leads={key: value for key, value in leads.items() if key in with_leads},
        listed=listed,
    )


def _merged(
    entry: RecordEntry, states: Mapping[tuple[str, str], np.ndarray]
) -> list[tuple[tuple[str, str], bool, tuple[str, ...]]]:
    """One item for each finding of a record: certain if one mention is, its leads those of the certain mentions.

    The leads are empty (not known) as soon as one certain mention gives none.
    """
    mentions: dict[tuple[str, str], list[Finding]] = {}
    for finding in entry.findings:
        if (finding.finding_type, finding.name) in states:
            mentions.setdefault((finding.finding_type, finding.name), []).append(finding)
    merged = []
    for key, findings in mentions.items():
        certain = [finding for finding in findings if finding.certain]
        names = {lead for finding in certain for lead in finding.leads} if all(f.leads for f in certain) else set()
        merged.append((key, bool(certain), tuple(lead for lead in LEADS if lead in names)))
    return merged
