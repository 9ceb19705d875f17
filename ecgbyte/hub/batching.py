"""From stretches of ids to the rows of a batch: cut where they are too long, padded, with labels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecgbyte.checks import check_option

IGNORED = -100
PADDINGS = ("longest", "max_length", "do_not_pad")


@dataclass(frozen=True)
class Padding:
    """How rows become as long as each other, and how long they may be; see `ecgbyte.hub.ECGProcessor`.

    Raises
    ------
    TypeError, ValueError
        If an option is unknown, or `max_length` is missing.
    """

    padding: bool | str = False
    truncation: bool = False
    max_length: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.padding, bool):
            object.__setattr__(self, "padding", "longest" if self.padding else "do_not_pad")
        check_option("padding", str(self.padding), PADDINGS)
        if not isinstance(self.truncation, bool):
            raise TypeError(
                f"truncation: got {self.truncation!r}, expected True (ECGs are cut from their ends) or False"
            )
        if (self.truncation or self.padding == "max_length") and self.max_length is None:
            raise ValueError("max_length: missing, with truncation=True or padding='max_length'")


class Part:
    """Ids of a stretch, in the language model's vocabulary; those of an ECG without start and end."""

    def __init__(self, ids: list[int], answered: bool = False, *, is_ecg: bool = False) -> None:
        self.ids = ids
        self.answered = answered
        self.is_ecg = is_ecg


def as_lists(ecgs: Any, *, single: bool, count: int) -> list[list[Any]]:
    """The ECGs of each of `count` samples."""
    if ecgs is None:
        return [[] for _ in range(count)]
    if single:
        return [list(ecgs) if _is_list_of_ecgs(ecgs) else [ecgs]]
    if not _is_list_of_ecgs(ecgs) or len(ecgs) != count:
        given = len(ecgs) if _is_list_of_ecgs(ecgs) else "one ECG"
        raise ValueError(
            f"ecgs: got {given}, expected a list with the ECG, or the list of ECGs, of each of {count} texts"
        )
    return [[] if own is None else list(own) if _is_list_of_ecgs(own) else [own] for own in ecgs]


def _is_list_of_ecgs(value: Any) -> bool:
    """Whether this is a list of ECGs, and no ECG written as a list of numbers."""
    if not isinstance(value, (list, tuple)):
        return isinstance(value, np.ndarray) and value.ndim == 3
    first = value[0] if value else None
    if isinstance(first, (list, tuple)) and first and isinstance(first[0], float):
        return False  # [leads, samples]
    return not isinstance(first, (int, float, np.integer, np.floating))


def cut_ecgs(parts: list[Part], max_length: int) -> int:
    """Cut ECGs from their ends, the longest first, until a sequence fits; the number of tokens dropped.

    Raises
    ------
    ValueError
        If the text leaves no room for a token of each ECG.
    """
    ecgs = [part for part in parts if part.is_ecg]
    room = max_length - sum(len(part.ids) + 2 if part.is_ecg else len(part.ids) for part in parts)
    if room >= 0:
        return 0
    room += sum(len(part.ids) for part in ecgs)
    if room < len(ecgs):
        raise ValueError(
            f"max_length: {max_length} positions do not hold the text and a token of each of {len(ecgs)} ECGs"
        )
    before = sum(len(part.ids) for part in ecgs)
    for left, part in zip(range(len(ecgs), 0, -1), sorted(ecgs, key=lambda part: len(part.ids)), strict=True):
        del part.ids[room // left :]
        room -= len(part.ids)
    return before - sum(len(part.ids) for part in ecgs)


def to_columns(
    samples: list[list[Part]], options: Padding, *, around_ecg: tuple[int, int], pad_id: int | None, left: bool
) -> dict[str, list[list[int]]]:
    """The rows of a batch.

    Parameters
    ----------
    samples : list of list of Part
    options : Padding
    around_ecg : (int, int)
        What stands before and after the tokens of an ECG.
    pad_id : int or None
    left : bool
        Pad on the left.

    Returns
    -------
    dict of str to list of list of int
        ``input_ids``, ``attention_mask`` and ``labels``.

    Raises
    ------
    ValueError
        If a text leaves its ECGs no room, or there is no pad token where one is needed.
    """
    if options.truncation and options.max_length is not None:
        dropped = sum(cut_ecgs(parts, options.max_length) for parts in samples)
        if dropped:
            total = dropped + sum(len(part.ids) for parts in samples for part in parts if part.is_ecg)
            warnings.warn(
                f"{dropped} of {total} ECG tokens were cut to keep {options.max_length} positions", stacklevel=5
            )
    ids: list[list[int]] = []
    labels: list[list[int]] = []
    for parts in samples:
        ids.append([])
        labels.append([])
        for part in parts:
            tokens = [around_ecg[0], *part.ids, around_ecg[1]] if part.is_ecg else part.ids
            ids[-1] += tokens
            labels[-1] += tokens if part.answered else [IGNORED] * len(tokens)
    width = {"longest": max(map(len, ids), default=0), "max_length": options.max_length}.get(str(options.padding))
    if width is not None and pad_id is None and any(len(row) < width for row in ids):
        raise ValueError("padding: the text tokenizer has no pad token (ecgbyte's load_language_model adds one)")
    return {
        "input_ids": [padded(row, width, pad_id or 0, left) for row in ids],
        "attention_mask": [padded([1] * len(row), width, 0, left) for row in ids],
        "labels": [padded(row, width, IGNORED, left) for row in labels],
    }


def padded(row: list[int], width: int | None, fill: int, left: bool) -> list[int]:
    """A row of at least `width` values, filled up on one side."""
    missing = [fill] * (0 if width is None else width - len(row))
    return missing + row if left else row + missing
