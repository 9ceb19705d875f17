"""Rhythms that take seconds to tell: what is not asked of a short segment.

Whether a rhythm needs seconds is decided by its name: where what defines it is a rate, a variation of the rate or a
pattern over several beats, it does. What every single beat or the line between two beats shows (atrial fibrillation and
flutter, a pacemaker, supraventricular tachycardia with its narrow distances) does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ecgbyte.data.catalogue import Finding, RecordEntry

RHYTHMS_OVER_SECONDS: Mapping[str, str] = MappingProxyType(
    {
        "sinus bradycardia": "below 60 beats a minute, two seconds hold one or two beats",
        "sinus tachycardia": "a rate, as distinct from two beats that are close",
        "sinus arrhythmia": "the rate varies with breathing, over seconds",
        "supraventricular arrhythmia": "distances that vary over several beats",
        "paroxysmal supraventricular tachycardia": "what makes it paroxysmal is where it begins or ends",
        "bigeminal pattern": "every second beat, over four beats at least",
        "trigeminal pattern": "every third beat, over six beats at least",
    }
)
"""The rhythms, each with what takes the seconds."""
SINUS_RHYTHM = "sinus rhythm"


def without_rhythms_over_seconds(entries: Iterable[RecordEntry]) -> list[RecordEntry]:
    """Records as one may be asked about them who sees a short segment: such rhythms are uncertain.

    `ecgbyte.data.questions.generation.generate_questions` asks nothing about uncertain findings, and for no list that
    one is part of. Fast, slow and irregular sinus rhythms are sinus rhythms, so there that is uncertain too.

    Parameters
    ----------
    entries : iterable of RecordEntry

    Returns
    -------
    list of RecordEntry
        In the same order; records without such a rhythm are the same objects.
    """
    return [_without(entry) for entry in entries]


def _without(entry: RecordEntry) -> RecordEntry:
    names = {finding.name for finding in entry.findings if finding.finding_type == "rhythm"}
    hidden = names & set(RHYTHMS_OVER_SECONDS)
    if not hidden:
        return entry
    if SINUS_RHYTHM not in names and any(name.startswith("sinus ") for name in hidden):
        hidden.add(SINUS_RHYTHM)
    kept = {finding for finding in entry.findings if (finding.finding_type, finding.name) not in _pairs(hidden)}
    leads = {finding.name: finding.leads for finding in entry.findings if finding.finding_type == "rhythm"}
    uncertain = {Finding("rhythm", name, leads.get(name, ()), certain=False) for name in hidden}
    return entry.with_findings(tuple(sorted(kept | uncertain)))


def _pairs(names: Iterable[str]) -> set[tuple[str, str]]:
    return {("rhythm", name) for name in names}
