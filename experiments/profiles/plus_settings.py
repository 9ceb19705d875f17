"""The section of a profile that says what ``ecg-byte-plus`` does beyond ``ecg-byte``; checked when it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.profiles.value_checks import at_least


@dataclass(frozen=True)
class PlusSettings:
    """What methods with ``uses_plus`` add. All is off by default, so that an ablation can switch on one thing alone.

    Attributes
    ----------
    lead_markers : bool
        A token of its own before each lead.
    frame_seconds : float
        Tokens that begin in the same frame, of so many seconds, share a position, whatever their lead
        (`ecgbyte.models.token_frames`); 0: each token has its own.
    ecg_loss_weight : float
        What the loss on the ECG's own tokens counts for beside that on answers.
    reports : int
        At most so many training records are asked for their reports too, in the same stage; test questions stay as they
        are.
    report_characters : int
        None of reports with more characters; 0: any number.
    report_weight : float
        What a token of a report counts for in the loss, beside one of an answer.
    bpe_dropout : float
        The probability with which a merge, or a match, is skipped in training.
    unclipped_levels : bool
        Levels of unequal width that reach to the R peaks (`ecgbyte.signals.amplitude_levels`) in the place of the
        tokenizer's range.
    largest_shift_seconds : float
        Training segments begin up to so much earlier or later, as far as the stored segments of the record reach.
    largest_gain : float
        Training segments are multiplied by a number from 1 / `largest_gain` to `largest_gain`.
    """

    lead_markers: bool = False
    frame_seconds: float = 0.0
    ecg_loss_weight: float = 0.0
    reports: int = 0
    report_characters: int = 0
    report_weight: float = 1.0
    bpe_dropout: float = 0.0
    unclipped_levels: bool = False
    largest_shift_seconds: float = 0.0
    largest_gain: float = 1.0

    def __post_init__(self) -> None:
        at_least(self, "plus", 0, "reports", "report_characters")
        lows = {"frame_seconds": 0.0, "ecg_loss_weight": 0.0, "largest_shift_seconds": 0.0, "largest_gain": 1.0}
        for name, low in lows.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= low):
                raise ValueError(f"plus.{name}: got {value}, expected {low:g} or more")
        if not (math.isfinite(self.report_weight) and self.report_weight > 0):
            raise ValueError(f"plus.report_weight: got {self.report_weight}, expected a positive number")
        if not 0 <= self.bpe_dropout < 1:
            raise ValueError(f"plus.bpe_dropout: got {self.bpe_dropout}, expected a number in [0, 1)")
        for name in ("lead_markers", "ecg_loss_weight"):
            if self.frame_seconds and getattr(self, name):
                raise ValueError(
                    f"plus.{name}: got {getattr(self, name)}, which does nothing with plus.frame_seconds, as tokens "
                    "then have no positions of their own"
                )

    def frame_samples(self, segment_seconds: float, sampling_rate: float) -> int:
        """Samples of a frame; 0 where there are none.

        Raises
        ------
        ValueError
            If a frame is no whole number of samples, or a segment no whole number of frames.
        """
        samples, segment = self.frame_seconds * sampling_rate, segment_seconds * sampling_rate
        whole = round(samples)
        if samples and (whole < 1 or not math.isclose(samples, whole) or round(segment) % whole):
            raise ValueError(
                f"plus.frame_seconds: got {self.frame_seconds:g}, expected a whole number of samples at "
                f"{sampling_rate:g} Hz that divides the {segment:g} of a segment"
            )
        return whole

    @property
    def changes_segments(self) -> bool:
        """Whether a training segment differs from epoch to epoch."""
        return bool(self.bpe_dropout or self.largest_shift_seconds or self.largest_gain > 1)

    def in_words(self) -> list[str]:
        """What is switched on, one part of a sentence each."""
        parts = {
            "a marker before each lead": self.lead_markers,
            f"one position for the tokens of all leads in {self.frame_seconds:g} s": self.frame_seconds,
            f"a loss on ECG tokens of weight {self.ecg_loss_weight:g}": self.ecg_loss_weight,
            f"{self.reports} reports as extra targets of weight {self.report_weight:g}": self.reports,
            f"BPE-dropout of {self.bpe_dropout:g}": self.bpe_dropout,
            "levels that reach to the R peaks": self.unclipped_levels,
            f"segments shifted by up to {self.largest_shift_seconds:g} s": self.largest_shift_seconds,
            f"segments scaled by up to {self.largest_gain:g}": self.largest_gain > 1,
        }
        return [part for part, is_on in parts.items() if is_on]
