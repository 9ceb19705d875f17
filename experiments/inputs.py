"""What each method is shown in the place of the ECG: its tokens, its features, or a control's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecgbyte.data.controls import INPUTS
from ecgbyte.data.questions import Question
from ecgbyte.options import check_option
from ecgbyte.training.examples import Example


def segment_of(question: Question, segments_per_record: int) -> int:
    """Which segment of its record a question is asked about: drawn from its text and record, the same for every method."""
    identity = f"{question.source}|{question.sample_id}|{question.record_id}".encode()
    return int.from_bytes(hashlib.sha256(identity).digest()[:8], "little") % segments_per_record


@dataclass(frozen=True)
class ECGView:
    """What one method sees of every segment.

    Attributes
    ----------
    values : mapping
        From (record id, segment) to token ids int32 [tokens] or features float32 [features].
    flat_line : numpy.ndarray
        The same of 12 leads of zeros.
    """

    values: Mapping[tuple[str, int], np.ndarray]
    flat_line: np.ndarray


def make_examples(
    questions: Sequence[Question],
    patients: Mapping[str, str],
    view: ECGView | None,
    *,
    shown: str,
    segments_per_record: int,
    others: Mapping[str, str],
) -> list[Example]:
    """The questions as a method meets them under one input.

    Parameters
    ----------
    questions : sequence of Question
        About single records.
    patients : mapping
        From record id to patient id.
    view : ECGView or None
        None for a method that reads text alone.
    shown : str
        One of `INPUTS`.
    segments_per_record : int
        Segments among which `segment_of` draws.
    others : mapping
        From record id to the record of another patient, for ``"other-patient"``.
    """
    check_option("shown", shown, INPUTS)
    examples = []
    for question in questions:
        segment = segment_of(question, segments_per_record)
        if view is None or shown == "text-only":
            ecg = None
        elif shown == "flat-line":
            ecg = view.flat_line
        else:
            source = others[question.record_id] if shown == "other-patient" else question.record_id
            ecg = view.values[source, segment]
        examples.append(
            Example(
                question.sample_id,
                question.record_id,
                patients[question.record_id],
                question.question,
                question.reference,
                ecg,
            )
        )
    return examples
