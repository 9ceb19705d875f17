"""A marker before each lead's tokens: ``lead_I`` to ``lead_V6`` in a language model's vocabulary.

The number of tokens differs from lead to lead and from ECG to ECG, so that without markers nothing tells a model which
lead a token is in. In an array of ECG tokens, the marker of the lead with index k is the id after the vocabulary's
last, plus k; `ecgbyte.models.language.ecg_tokens.ECGTokenMap` says where it stands in the language model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecgbyte.signals.leads import LEADS, canonical_lead_names


def lead_marker(lead: str) -> str:
    """Return the string of a lead's marker in the language model's vocabulary."""
    return f"lead_{lead}"


def mark_leads(ids: np.ndarray, leads: np.ndarray, vocabulary_size: int) -> np.ndarray:
    """Put each lead's marker before its tokens.

    Parameters
    ----------
    ids : int [tokens]
        The tokens of one ECG, one lead after another.
    leads : int [tokens]
        The index of the lead in which each token starts (`ecgbyte.tokenizer.encoding.Encoding.leads`), not falling.
    vocabulary_size : int
        Of the ECG tokenizer; lead k is marked by this number plus k.

    Returns
    -------
    int32 [tokens + leads that have tokens]

    Raises
    ------
    ValueError
        If there is not one lead for each token, or leads fall.

    Examples
    --------
    >>> mark_leads(np.array([5, 6, 7]), np.array([0, 0, 1]), 100).tolist()
    [100, 5, 6, 101, 7]
    """
    ids, leads = np.asarray(ids), np.asarray(leads, np.int64)
    if ids.ndim != 1 or ids.shape != leads.shape:
        raise ValueError(f"leads: expected one for each of {ids.shape} tokens, got {leads.shape}")
    steps = np.diff(leads, prepend=-1)
    if (steps[1:] < 0).any():
        raise ValueError("leads: expected one lead after another, got a lead after a later one")
    first = np.flatnonzero(steps != 0)
    marked: np.ndarray = np.insert(ids.astype(np.int32), first, vocabulary_size + leads[first])
    return marked


def marker_strings(leads: Sequence[str]) -> list[str]:
    """Return the strings of the markers of leads, which must come in canonical order.

    Raises
    ------
    TypeError, ValueError
        If a name is none of the twelve, occurs twice, or stands in another order.
    """
    if isinstance(leads, str):
        raise TypeError(f"lead_markers: expected a sequence of lead names, got the string {leads!r}")
    names = list(canonical_lead_names(leads)) if leads else []
    if names != sorted(names, key=LEADS.index):
        raise ValueError(f"lead_markers: expected the order {', '.join(LEADS)}, got {', '.join(names)}")
    return [lead_marker(name) for name in names]


def stored_markers(text_tokenizer: Any) -> list[str]:
    """Return the strings of the markers that a text tokenizer has, in canonical order."""
    known = text_tokenizer.get_added_vocab()
    return [lead_marker(lead) for lead in LEADS if lead_marker(lead) in known]
