"""One sample of training or generation: an ECG as the model reads it, a question and its answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Example:
    """A question about one ECG, with its answer.

    Parameters
    ----------
    sample_id, record_id, patient_id : str
        Names of the question, of the recording it asks about, and of the patient of that recording.
    question, answer : str
        The text before and after the point where the model starts to answer. An empty answer is allowed.
    ecg : numpy.ndarray or None
        int32 [tokens], the ids of the ECG tokenizer (end to end); float32 [features], the vector of a frozen encoder
        (two stages); float32 [leads, samples], the signal in mV, for layers that are trained with the language model,
        or tokens in the places where they begin (`ecgbyte.models.token_frames.place_tokens`); or None for text alone.
        Questions about one signal may, and should, hold the same array. Token ids may hold markers of leads
        (`ecgbyte.models.language.lead_markers.mark_leads`).
    weight : float
        What each token of the answer counts for in the loss, beside those of other examples: less than 1 for targets
        that train along, such as reports, which are much longer than answers.

    Raises
    ------
    TypeError, ValueError
        If a field has another type, or `ecg` another shape or data type, is empty or holds NaN.
    """

    sample_id: str
    record_id: str
    patient_id: str
    question: str
    answer: str
    ecg: np.ndarray | None
    weight: float = 1.0

    def __post_init__(self) -> None:
        for name in ("sample_id", "record_id", "patient_id", "question", "answer"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise TypeError(f"{name}: expected str, got {type(value).__name__}")
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise ValueError(f"weight: expected a positive number, got {self.weight!r} of sample {self.sample_id!r}")
        if self.ecg is None:
            return
        if not isinstance(self.ecg, np.ndarray):
            raise TypeError(f"ecg: expected a NumPy array or None, got {type(self.ecg).__name__}")
        where = f"ecg of sample {self.sample_id!r}"
        if self.ecg.dtype.kind not in "iuf":
            raise TypeError(
                f"{where}: expected integers (token ids) or floats (features or a signal), got {self.ecg.dtype}"
            )
        if self.ecg.ndim not in ((1, 2) if self.ecg.dtype.kind == "f" else (1,)) or self.ecg.size == 0:
            raise ValueError(
                f"{where}: expected shape [tokens], [features] or, of floats, [leads, samples], with one value at "
                f"least, got {self.ecg.shape} of {self.ecg.dtype}"
            )
        if self.ecg.ndim == 2 and self.ecg.dtype != np.float32:
            raise TypeError(f"{where}: expected a signal of float32, got {self.ecg.dtype}")
        if self.ecg.dtype.kind == "f" and not np.isfinite(self.ecg).all():
            raise ValueError(f"{where}: expected finite features or signal, got NaN or infinity")

    @property
    def is_tokens(self) -> bool:
        """Whether `ecg` holds token ids."""
        return self.ecg is not None and self.ecg.dtype.kind in "iu"

    @property
    def is_features(self) -> bool:
        """Whether `ecg` holds an encoder's features."""
        return self.ecg is not None and self.ecg.dtype.kind == "f" and self.ecg.ndim == 1

    @property
    def is_signal(self) -> bool:
        """Whether `ecg` holds a signal in mV."""
        return self.ecg is not None and self.ecg.dtype.kind == "f" and self.ecg.ndim == 2
