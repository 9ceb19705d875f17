"""The lead texts of PTB-XL's noise columns, such as `` , I-AVF,V5,6``, typed by hand and never quite the same way."""

from __future__ import annotations

import re

from ecgbyte.signals.leads import LEADS

# The technicians wrote in German: all (leads), light, medium, strong, and what was seen rather than where.
_ALL = frozenset({"alle", "alles", "alle abl"})
_DESCRIPTIONS = frozenset(
    ("leicht", "mittel", "stark", "starke", "noise", "noisy", "recording", "drift", "stufe", "stufen")
)
_LEAD_BY_LOWER_CASE = {lead.lower(): lead for lead in LEADS}
_PART = re.compile(r"(?P<first>[a-z]+ ?\d?|\d)(?: *-+ *(?P<last>[a-z]+ ?\d?|\d))?")


def parse_noise_leads(text: str) -> tuple[str, ...] | None:
    """The leads that a noise column names.

    Commas, semicolons and full stops separate parts; a part is a lead (``V6``), the number of a chest lead after
    another one (``V1,3``), a range in canonical order (``I-AVF``, ``v4-6``), or the German for all leads. Words for how
    strong the noise is are passed over, question and exclamation marks too.

    Parameters
    ----------
    text : str
        The column as it is in the file.

    Returns
    -------
    tuple of str or None
        In canonical order; None where the text names no lead or one of its parts cannot be read.
    """
    leads: set[str] = set()
    chest = False
    for piece in re.split(r"[,;.]", re.sub(r"[?!]", " ", text.lower())):
        words = " ".join(word for word in piece.split() if word not in _DESCRIPTIONS)
        if not words:
            continue
        if words in _ALL:
            leads.update(LEADS)
            continue
        part = _PART.fullmatch(words)
        if part is None:
            return None
        first = _lead(part["first"], chest)
        if first is None:
            return None
        chest = first.startswith("V")
        last = first if part["last"] is None else _lead(part["last"], chest)
        if last is None:
            return None
        chest = last.startswith("V")
        low, high = sorted((LEADS.index(first), LEADS.index(last)))
        leads.update(LEADS[low : high + 1])
    return tuple(lead for lead in LEADS if lead in leads) or None


def _lead(text: str, chest: bool) -> str | None:
    """A lead by name; a number alone counts where a chest lead came before it."""
    name = text.replace(" ", "")
    if name.isdigit():
        if not chest:
            return None
        name = f"v{name}"
    return _LEAD_BY_LOWER_CASE.get(name)
