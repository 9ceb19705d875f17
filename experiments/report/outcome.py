"""What a run leaves behind for its folder of results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgbyte.data.audit import SplitAudit
from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.token_usage import TokenUsage
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.rows.schema import ResultRow
from experiments.steps.answers import Answers
from experiments.steps.segments import Segments
from experiments.steps.token_usage import UsageOf
from experiments.steps.work_folder import Failure

MethodAnswers = dict[int, dict[str, Answers]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run leaves for the tables, the figures and the report.

    Attributes
    ----------
    rows : list of ResultRow
    audit : SplitAudit
    answers : dict
        From method to training seed to input to answers.
    questions : list of Question
        The test questions, in the order of the answers.
    patients : dict
        From record id to patient id.
    losses : list of dict
        Learning curves: method, stage, seed, losses, and validation as [step, seconds, loss].
    tokenizer : ECGTokenizer
        Of ``ecg-byte``.
    segments : Segments
    rejected : Path
        The records that could not be used, with reasons.
    example_record : str
        The first test record, drawn in the figures.
    attention : Path or None
        The folder of the stored attention, where ``ecg-byte`` was trained.
    token_usages : dict
        How often each token stands in the test segments, by data set and tokenizer.
    details : dict
        Plain data of the steps that has no row.
    failures : list of Failure
        Runs that did not end.
    """

    rows: list[ResultRow]
    audit: SplitAudit
    answers: dict[str, MethodAnswers]
    questions: list[Question]
    patients: dict[str, str]
    losses: list[dict[str, Any]]
    tokenizer: ECGTokenizer
    segments: Segments
    rejected: Path
    example_record: str
    attention: Path | None
    token_usages: dict[UsageOf, TokenUsage]
    details: dict[str, Any]
    failures: list[Failure]
