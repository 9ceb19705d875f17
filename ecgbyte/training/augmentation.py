"""Segments that are never quite the same: shifted within their record and a little larger or smaller.

What an ECG says does not depend on where a segment begins, nor, within limits, on its gain. Augmentation is applied to
the signal before it becomes tokens, so that what a model reads is the tokens of a real signal. It costs two draws and
one multiplication; encoding a segment of 12 x 200 samples again takes about a tenth of a millisecond.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class SegmentAugmentation:
    """How far segments may be moved and scaled; by default not at all.

    Parameters
    ----------
    largest_shift : int
        In samples: a segment begins up to so many earlier or later, as far as the record reaches.
    largest_gain : float
        All leads of a segment are multiplied by one number from 1 / `largest_gain` to `largest_gain`, uniform in its
        logarithm, so that leads keep their proportions, by which the axis is read.
    seed : int

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    largest_shift: int = 0
    largest_gain: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.largest_shift, bool) or not isinstance(self.largest_shift, int) or self.largest_shift < 0:
            raise ValueError(f"largest_shift: expected a whole number of samples, got {self.largest_shift!r}")
        if not (math.isfinite(self.largest_gain) and self.largest_gain >= 1):
            raise ValueError(f"largest_gain: expected a number of 1 at least, got {self.largest_gain!r}")

    @property
    def changes(self) -> bool:
        """Whether any segment is changed at all."""
        return self.largest_shift > 0 or self.largest_gain > 1

    def segment(self, record: np.ndarray, start: int, samples: int, *, key: str) -> np.ndarray:
        """Cut a segment out of a record, moved and scaled.

        Parameters
        ----------
        record : numpy.ndarray
            Float [leads, samples of the record], in mV.
        start, samples : int
            Where the segment begins when nothing moves it, and how long it is.
        key : str
            Names the draw: the same key and seed give the same shift and gain. Record, segment and epoch, say.

        Returns
        -------
        numpy.ndarray
            Float32 [leads, samples], a copy.

        Raises
        ------
        ValueError
            If the segment does not lie within the record.
        """
        if record.ndim != 2 or not 0 <= start <= record.shape[1] - samples or samples < 1:
            raise ValueError(
                f"start, samples: expected a segment within a record [leads, samples], got {start} and {samples} of "
                f"{list(record.shape)}"
            )
        digest = hashlib.sha256(f"{self.seed}|{key}".encode()).digest()
        generator = np.random.default_rng(np.frombuffer(digest, np.uint32))
        first = max(0, start - self.largest_shift)
        last = min(record.shape[1] - samples, start + self.largest_shift)
        moved = int(generator.integers(first, last + 1))
        gain = self.largest_gain ** generator.uniform(-1.0, 1.0)
        return (record[:, moved : moved + samples] * gain).astype(np.float32)
