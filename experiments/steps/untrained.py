"""A method's model before its first step, asked the same questions: the floor of areas under ROC curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.steps.answering import AnswerSettings, answer_shown
from experiments.steps.learning import LearningSettings, build_learner
from experiments.steps.readers.reading import Reader
from experiments.steps.shown import Shown


def answer_untrained(
    folder: Path,
    reader: Reader,
    learning: LearningSettings,
    settings: AnswerSettings,
    shown: Shown,
    inputs: Sequence[str],
    description: str,
) -> dict[str, Any]:
    """Let a model that no step has trained answer the test questions under every input: the work of a step.

    Arguments as in `experiments.steps.answering.answer_test_questions`.
    """
    learner = build_learner(reader, learning, shown.examples("train"))
    learner.model.eval()
    return answer_shown(folder, learner, reader, settings, shown, inputs, description)
