"""Asking a saved model: questions about records, answers, and how sure it is of yes against no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ecgbyte.checks import finite_number
from ecgbyte.hub.frames import frames_of, placed
from ecgbyte.hub.saved_model import SavedModel
from ecgbyte.models.language.lead_markers import mark_leads
from ecgbyte.models.token_frames import TokenFrames
from ecgbyte.signals.records import Record
from ecgbyte.signals.segments import samples_per_segment
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.tokenizer.stored_preprocessing import preprocessor_from_settings
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_and_score


@dataclass(frozen=True)
class Answer:
    """What a model says to one question.

    Attributes
    ----------
    question, answer : str
    yes : float
        P(yes) / (P(yes) + P(no)) where the answer starts; it means nothing for questions about something else.
    """

    question: str
    answer: str
    yes: float


@dataclass(frozen=True)
class RecordAnswers:
    """What a model says about one record.

    Attributes
    ----------
    record_id : str
    seconds : (float, float)
        What of the record was shown to the model.
    clipped : float
        Share of these samples that lay outside the tokenizer's range.
    tokens, tokens_cut : int
        Tokens of the ECG, and how many of them did not fit the model.
    answers : tuple of Answer
    """

    record_id: str
    seconds: tuple[float, float]
    clipped: float
    tokens: int
    tokens_cut: int
    answers: tuple[Answer, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {"record": self.record_id, **{key: value for key, value in asdict(self).items() if key != "record_id"}}


def answer_questions(
    saved: SavedModel,
    records: Sequence[Record],
    questions: Sequence[str],
    *,
    start: float = 0.0,
    preprocess: bool = True,
    yes: str = "yes",
    no: str = "no",
    max_new_tokens: int | None = None,
    batch_size: int = 8,
    progress: bool = False,
) -> list[RecordAnswers]:
    """Ask every question about every record.

    Parameters
    ----------
    saved : SavedModel
        See `ecgbyte.hub.load_model`.
    records : list of Record
    questions : list of str
    start : float
        Where the segment begins that is shown, in seconds, for models that read segments.
    preprocess : bool
        Apply the preprocessing that the ECG tokenizer names; False where the records went through it already.
    yes, no : str
        The two answers that are weighed against each other.
    max_new_tokens : int, optional
        At most the model's room for answers, which is taken where nothing is given, or 128.
    batch_size : int
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of RecordAnswers
        In the order of the records.

    Raises
    ------
    TypeError
        If something else than records is given.
    ValueError
        If there is no question, or a record does not fit the model: other leads, another rate, too short. The message
        names the record.

    Notes
    -----
    Greedy; no answer holds an ECG token. It is no medical device.
    """
    asked = [question.strip() for question in questions]
    if not asked or not all(asked):
        raise ValueError("questions: expected one at least, none of them empty")
    shown = [show_record(saved, record, start=start, preprocess=preprocess) for record in records]
    encodings = saved.ecg_tokenizer.encode_batch([segment for segment, _ in shown])
    frames = frames_of(saved.model)
    collate = Collator(
        saved.token_map,
        saved.text_tokenizer,
        max_length=saved.reading.max_length,
        answer_room=saved.reading.answer_room,
        form=saved.reading.form,
        signal_positions=1 if frames is None else frames.num_positions,
    )
    ecgs = [_seen(saved, frames, encoding) for encoding in encodings]
    examples = [
        Example(f"{place}/{number}", segment.record_id, "", question, "", ecg)
        for place, ((segment, _), ecg) in enumerate(zip(shown, ecgs, strict=True))
        for number, question in enumerate(asked)
    ]
    generations, scores = answer_and_score(
        saved.model,
        examples,
        collate,
        yes=yes,
        no=no,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        progress=progress,
    )
    results = []
    for place, ((segment, seconds), encoding) in enumerate(zip(shown, encodings, strict=True)):
        own = range(place * len(asked), (place + 1) * len(asked))
        cut = [collate.sequence(examples[index], for_generation=True).dropped_ecg_tokens for index in own]
        answers = tuple(
            Answer(generations[index].question, generations[index].answer, float(scores[index])) for index in own
        )
        results.append(RecordAnswers(segment.record_id, seconds, encoding.clipped, len(encoding), max(cut), answers))
    return results


def _seen(saved: SavedModel, frames: TokenFrames | None, encoding: Encoding) -> np.ndarray:
    """The tokens of an ECG as the model was taught to see them."""
    if frames is not None:
        return placed(frames, encoding)
    if len(saved.token_map.lead_ids):
        return mark_leads(encoding.ids, encoding.leads, saved.token_map.vocabulary_size)
    return encoding.ids


def show_record(
    saved: SavedModel, record: Record, *, start: float = 0.0, preprocess: bool = True
) -> tuple[Record, tuple[float, float]]:
    """What of a record a model is shown, preprocessed, and from when to when that is, in seconds.

    Raises
    ------
    TypeError
        If it is no record.
    ValueError
        If the record does not fit the model; the message names it.
    """
    if not isinstance(record, Record):
        raise TypeError(f"records: got {type(record).__name__}, expected ecgbyte.Record, which knows rate and leads")
    start = finite_number("start", start, minimum=0, unit="in seconds")
    tokenizer = saved.ecg_tokenizer
    preprocessor = preprocessor_from_settings(tokenizer.preprocessing) if preprocess else None
    clean = record if preprocessor is None else preprocessor.apply(record)
    rate = tokenizer.sampling_rate
    if rate is not None and clean.sampling_rate != rate:
        raise ValueError(
            f"records: {record.record_id!r} has {clean.sampling_rate:g} samples a second, the model reads {rate:g}"
        )
    if tokenizer.lead_names is not None and clean.lead_names != tokenizer.lead_names:
        raise ValueError(
            f"records: {record.record_id!r} has the leads {', '.join(clean.lead_names)}, the model reads "
            f"{', '.join(tokenizer.lead_names)}"
        )
    seconds = saved.reading.segment_seconds
    if seconds is None:
        if start:
            raise ValueError(f"start: got {start:g}, but this model reads whole records")
        return clean, (0.0, clean.duration)
    length, first = samples_per_segment(clean.sampling_rate, seconds), round(start * clean.sampling_rate)
    if first + length > clean.num_samples:
        raise ValueError(
            f"records: {record.record_id!r} is {clean.duration:g} s long, the model reads {seconds:g} s from "
            f"{start:g} s on"
        )
    segment = replace(clean, signal=clean.signal[:, first : first + length])
    return segment, (first / clean.sampling_rate, (first + length) / clean.sampling_rate)
