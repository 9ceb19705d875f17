"""Methods that read the question alone: a language model with the ECG tokens in its vocabulary, which sees none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.steps.readers import tokens
from experiments.steps.readers.reading import Reading

if TYPE_CHECKING:
    from experiments.profiles.methods import Method
    from experiments.steps.segments import Segments
    from experiments.steps.study import Study


class TextReader(tokens.TokenReader):
    """Opened on a trained tokenizer, whose tokens are in the vocabulary, so that the models are alike."""

    def view(self, segments: Segments) -> None:
        """It reads no ECG."""
        return None


def reading(study: Study, method: Method, seed: int) -> Reading:
    """Of a method that reads text alone."""
    tasks = study.tokenizer_of(method)
    reader = TextReader(tasks.trained.step.folder, tasks.encoded.step.folder, method.matching)
    return Reading(reader, (tasks.segments, tasks.trained), (__name__,))
