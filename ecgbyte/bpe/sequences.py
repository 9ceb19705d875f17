"""The two forms in which many symbol sequences are given: a list of arrays, or one array with a sequence a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def _check_sequence(sequence: object, place: str) -> None:
    if not isinstance(sequence, np.ndarray) or sequence.dtype != np.uint8:
        kind = f"dtype {sequence.dtype}" if isinstance(sequence, np.ndarray) else type(sequence).__name__
        raise TypeError(f"{place}: got {kind}, expected a NumPy array of uint8")
    if sequence.ndim != 1:
        raise ValueError(f"{place}: got shape {sequence.shape}, expected [symbols]")


def check_form(sequences: object) -> None:
    """Check that many sequences are given in one of the two forms; not what the list holds.

    Raises
    ------
    TypeError, ValueError
        If they are not.
    """
    if isinstance(sequences, np.ndarray):
        if sequences.dtype != np.uint8:
            raise TypeError(f"sequences: got dtype {sequences.dtype}, expected uint8")
        if sequences.ndim != 2:
            raise ValueError(
                f"sequences: got shape {sequences.shape}, expected [sequences, symbols] or a list of arrays"
            )
        return
    if not isinstance(sequences, list | tuple):
        raise TypeError(
            f"sequences: got {type(sequences).__name__}, expected a list of uint8 arrays, or uint8 [sequences, symbols]"
        )


def as_rows(sequences: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], parts: int) -> list[NDArray[np.uint8]]:
    """View the sequences as a list of uint8 [sequences, symbols] blocks, without copying.

    A list gives one block a sequence, one array is cut into at most `parts` blocks of about equal size.

    Raises
    ------
    TypeError, ValueError
        If `sequences` has neither of the two forms.
    """
    check_form(sequences)
    if isinstance(sequences, np.ndarray):
        return np.array_split(sequences, max(1, min(parts, len(sequences))))
    for index, sequence in enumerate(sequences):
        _check_sequence(sequence, f"sequences[{index}]")
    return [sequence[np.newaxis, :] for sequence in sequences]
