"""Which questions ask for the ECG: those whose answer their text does not give away.

A model that never sees the ECG answers many questions rightly, because some answers are frequent for some texts. Two
parts of a test set leave that out, in two ways:

- `answer_balanced`: questions chosen so that after every text each answer is right equally often. The choice knows
  texts and references only, no model's answers, so every model can be measured on it, and one that reads text alone is
  right in one of k cases at most, k being the number of answers after a text.
- `ecg_needed`: questions that no text-only method answered rightly. This is what the name says, but it is selected by
  mistakes: text-only methods score 0 by construction (a new training run of one would not), and whoever answers
  otherwise than they do gains, right or wrong: on a yes/no question it leaves one answer. Compare methods that see the
  ECG on it with the same methods under a control, never with the text-only methods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.language import check_pairs, exact_match_scores, normalize_answer


def ecg_needed(
    references: Sequence[str], answers_without_ecg: Sequence[Sequence[str]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part questions by whether anyone answered them without the ECG; selected by mistakes, see the module's head.

    Parameters
    ----------
    references : sequence of str
        [samples], the right answers.
    answers_without_ecg : sequence of sequences of str
        The answers [samples] of each training run of a text-only model and of each baseline that sees no ECG.

    Returns
    -------
    needed, given_away : numpy.ndarray
        int64, the places of questions that none of them, and that at least one of them, answered rightly (exact match,
        as ``accuracy``); together all places, both rising.

    Raises
    ------
    ValueError, TypeError
        If there are no answers, lengths differ, or a reference is empty.
    """
    if not len(answers_without_ecg):
        raise ValueError("answers_without_ecg: got no set of answers, expected at least one")
    right = np.zeros(len(references), dtype=bool)
    for answers in answers_without_ecg:
        right |= exact_match_scores(references, answers) > 0
    return np.flatnonzero(~right), np.flatnonzero(right)


def answer_balanced(
    texts: Sequence[str], references: Sequence[str], sample_ids: Sequence[str], *, seed: int
) -> NDArray[np.int64]:
    """Choose questions so that after each text every answer is right equally often.

    Questions with the same words (case and white space aside) are one group. Of each answer in it as many are kept as
    the rarest has; groups with one answer only are left out, as their text gives it away.

    Parameters
    ----------
    texts, references, sample_ids : sequences of str
        [samples], the questions, their right answers, and names that are all different.
    seed : int
        Seed of the draw among questions with the same text and answer; it goes by sample id, not by order.

    Returns
    -------
    numpy.ndarray
        int64, rising places; empty where every text has one answer only.

    Raises
    ------
    ValueError, TypeError
        If lengths differ, there are no questions, a reference is empty or a sample id occurs twice.
    """
    check_pairs(references, texts)
    if len(sample_ids) != len(texts) or len(set(sample_ids)) != len(sample_ids):
        raise ValueError(
            f"sample_ids: got {len(set(sample_ids))} different ones for {len(texts)} questions, expected one each"
        )
    groups: dict[str, dict[tuple[str, ...], list[int]]] = {}
    for place, (text, reference) in enumerate(zip(texts, references, strict=True)):
        by_answer = groups.setdefault(" ".join(text.lower().split()), {})
        by_answer.setdefault(normalize_answer(reference), []).append(place)
    chosen: list[int] = []
    for by_answer in groups.values():
        if len(by_answer) > 1:
            kept = min(map(len, by_answer.values()))
            for places in by_answer.values():
                chosen += sorted(places, key=lambda place: _drawn(sample_ids[place], seed))[:kept]
    return np.array(sorted(chosen), dtype=np.int64)


def _drawn(sample_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}|{sample_id}".encode()).digest()
