"""Answers from counts of tokens, without a language model; see `ecgbyte.models.token_counts`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from ecgbyte.data.questions.question import Question
from ecgbyte.models.token_counts import TokenCountReader, count_tokens
from ecgbyte.signals.leads import LEADS
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import locate_tokens
from ecgbyte.training.epochs import rotated_segment
from experiments.steps.answering import AnswerSettings
from experiments.steps.answers import Answers, given_answers, write_answers
from experiments.steps.learning import LearningSettings
from experiments.steps.readers.tokens import TokenReader
from experiments.steps.shown import Shown


def answer_by_token_counts(
    folder: Path,
    reader: TokenReader,
    learning: LearningSettings,
    settings: AnswerSettings,
    shown: Shown,
    inputs: Sequence[str],
    description: str,
) -> dict[str, Any]:
    """Learn from the training questions and answer the test questions under every input: the work of a step.

    Each training question stands for every segment about which a language model with these settings meets it.
    Arguments as in `experiments.steps.answering.answer_test_questions`; nothing is generated: no `settings` are read.
    """
    prepared = shown.prepared
    if shown.view is None:
        raise ValueError(f"reader: expected one that sees an ECG, got {type(reader).__name__}")
    train, test = prepared.questions["train"], prepared.questions["test"]
    samples = int(prepared.segments.signals.shape[3])
    keys: dict[tuple[str, int], int] = {}
    questions: list[Question] = []
    rows: list[int] = []
    met = met_segments(train, prepared.segments.per_record, shown.questions_per_segment, learning.training.epochs)
    for question, segments in zip(train, met, strict=True):
        for segment in segments:
            questions.append(question)
            rows.append(keys.setdefault((question.record_id, segment), len(keys)))
    counts = counts_by_lead([shown.view.values[key] for key in keys], reader.tokenizer, samples)
    fitted = TokenCountReader.fit(questions, rows, counts)
    altered = shown.with_altered(inputs, reader.read)
    for name in inputs:
        # Where there is no ECG there is no token.
        ids = [np.empty(0, np.int32) if ecg is None else ecg for ecg in (e.ecg for e in altered.examples("test", name))]
        asked = counts_by_lead(ids, reader.tokenizer, samples)
        places = range(len(test))
        given = given_answers(fitted.answers(test, places, asked), test, prepared.patients)
        scores = fitted.yes_scores(test, places, asked).tolist()
        verify = {
            question.sample_id: score
            for question, score in zip(test, scores, strict=True)
            if question.question_type == "single-verify"
        }
        write_answers(folder, name, Answers(given.generations, verify))
    return {"truncation": {}, "statements": len(fitted.statements), "segments": len(keys)}


def met_segments(
    questions: Sequence[Question], segments_per_record: int, questions_per_segment: int, epochs: int
) -> list[list[int]]:
    """The segments about which each question is met in so many epochs, sorted (`ecgbyte.training.epochs`)."""
    asked: dict[str, int] = {}
    met = []
    for question in questions:
        number = asked.get(question.record_id, 0)
        asked[question.record_id] = number + 1
        group = number // questions_per_segment
        met.append(
            sorted(
                {
                    rotated_segment(question.record_id, group, epoch, segments_per_record)
                    for epoch in range(min(epochs, segments_per_record))
                }
            )
        )
    return met


def counts_by_lead(ids: Sequence[np.ndarray], tokenizer: ECGTokenizer, samples: int) -> sparse.csr_matrix:
    """How often each token starts in each lead, float64 [ECGs, leads * vocabulary], with the logarithms not yet taken.

    Parameters
    ----------
    ids : sequence of int32 [tokens]
        Of whole segments.
    tokenizer : ECGTokenizer
        That made them.
    samples : int
        Of a lead.
    """
    leads = [locate_tokens(row, tokenizer, samples)[0] for row in ids]
    return count_tokens(ids, tokenizer.vocabulary_size, leads=leads, num_leads=len(LEADS))
