"""What each method is shown in the place of the ECG: its tokens, its features, or a control's."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ecgbyte.checks import check_option
from ecgbyte.data.controls import INPUTS, noise_like, shuffled_leads
from ecgbyte.data.questions.question import Question
from ecgbyte.training.examples import Example
from experiments.steps.segments import Segments

SCALE_SAMPLE = 2000
"""Training ECGs at most from which a model takes the scale of its input."""
ALTERED_INPUTS = ("noise", "shuffled-leads")
"""Inputs that are made from the signal of the very record that a question is about."""


def assign_segments(
    questions: Sequence[Question], segments_per_record: int, questions_per_segment: int = 1
) -> list[int]:
    """Which segment of its record each question is asked about, the same for every method.

    A record's questions, in their order, are dealt to its segments in turn, `questions_per_segment` at a time; which
    segment is the first depends on the record's name.
    """
    asked: Counter[str] = Counter()
    segments = []
    for question in questions:
        digest = hashlib.sha256(question.record_id.encode()).digest()
        first = int.from_bytes(digest[:8], "little")
        segments.append((first + asked[question.record_id] // questions_per_segment) % segments_per_record)
        asked[question.record_id] += 1
    return segments


@dataclass(frozen=True)
class ECGView:
    """What one method sees of every segment.

    Attributes
    ----------
    values : mapping
        From (record id, segment) to token ids int32 [tokens] or features float32 [features].
    flat_line : numpy.ndarray
        The same of 12 leads of zeros.
    altered : mapping
        From (one of `ALTERED_INPUTS`, record id, segment) to the same of the altered signal. Only what is asked for
        need be there.
    """

    values: Mapping[tuple[str, int], np.ndarray]
    flat_line: np.ndarray
    altered: Mapping[tuple[str, str, int], np.ndarray] = field(default_factory=dict)


def altered_signals(
    segments: Segments, record_ids: Sequence[str], *, seed: int
) -> Iterator[tuple[tuple[str, str, int], np.ndarray]]:
    """The altered signals of records, with the keys of `ECGView.altered`; a method's view holds what it makes of them.

    Every method meets the same: noise is drawn for each segment, an order of the leads for each record.

    Parameters
    ----------
    segments : Segments
        The stored segments.
    record_ids : sequence of str
        The records that questions are about; those of one split do.
    seed : int
        Seed of the draws.

    Yields
    ------
    key : (str, str, int)
        One of `ALTERED_INPUTS`, the record id and the segment.
    signal : numpy.ndarray
        float32 [leads, samples], mV.
    """
    for record_id in record_ids:
        for number in range(segments.per_record):
            signal = segments.signal(record_id, number)
            yield ("noise", record_id, number), noise_like(signal, key=f"{record_id}|{number}", seed=seed)
            yield ("shuffled-leads", record_id, number), shuffled_leads(signal, key=record_id, seed=seed)


def make_examples(
    questions: Sequence[Question],
    patients: Mapping[str, str],
    view: ECGView | None,
    *,
    shown: str,
    segments: Sequence[int],
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
    segments : sequence of int
        The segment of each question, from `assign_segments`.
    others : mapping
        From record id to the record of another patient, for ``"other-patient"``.

    Raises
    ------
    ValueError
        If `shown` is no input, or the view lacks the altered signal of a record.
    """
    check_option("shown", shown, INPUTS)
    examples = []
    for question, segment in zip(questions, segments, strict=True):
        if view is None or shown == "text-only":
            ecg = None
        elif shown == "flat-line":
            ecg = view.flat_line
        elif shown in ALTERED_INPUTS:
            if (shown, question.record_id, segment) not in view.altered:
                raise ValueError(
                    f"view.altered: there is no {shown!r} for segment {segment} of record {question.record_id!r}; it "
                    "is needed for every record that a question of this split is about"
                )
            ecg = view.altered[shown, question.record_id, segment]
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


def distinct_ecgs(examples: Sequence[Example], limit: int | None = None) -> np.ndarray:
    """What the examples hold of their ECGs, once for each array, in order; evenly chosen where there is a limit.

    Returns
    -------
    numpy.ndarray
        [ECGs, ...] of the arrays' type.
    """
    arrays = list({id(example.ecg): example.ecg for example in examples if example.ecg is not None}.values())
    if limit is not None and len(arrays) > limit:
        arrays = [arrays[place] for place in np.linspace(0, len(arrays) - 1, limit).astype(int)]
    return np.stack(arrays)


def signal_view(segments: Segments) -> ECGView:
    """The view of a method that reads the signal itself, float32 [leads, samples] in mV."""
    values = {
        (record_id, number): np.asarray(segments.signals[row, number])
        for record_id, row in segments.rows.items()
        for number in range(segments.per_record)
    }
    return ECGView(values, np.zeros(segments.signals.shape[2:], dtype=np.float32))
