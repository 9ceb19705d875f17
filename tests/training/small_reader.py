"""A language model small enough for tests: 32 wide, 2 layers, 40 ECG tokens; and questions for it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import ECGTokenMap, add_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example

QUESTIONS = ["Is the rhythm regular?", "Is there ST depression in lead V5?", "Which finding does this ECG show?"]
ANSWERS = ["yes", "no", "atrial fibrillation", "left bundle branch block, axis deviation", "none", "sinus rhythm"]
VOCABULARY_SIZE = 40


class Reader(NamedTuple):
    model: EndToEndModel
    text_tokenizer: Any
    token_map: ECGTokenMap
    collate: Collator


def small_reader(**options: Any) -> Reader:
    """Build the same small model each time, with options of `EndToEndModel`."""
    size = TinySize(hidden=32, layers=2, heads=2, mlp=48, max_positions=256, text_vocabulary=320)
    language_model, text_tokenizer = load_language_model("tiny", texts=QUESTIONS + ANSWERS, size=size)
    token_map = add_ecg_tokens(language_model, text_tokenizer, VOCABULARY_SIZE, initialisation="random")
    model = EndToEndModel(language_model, token_map, **options)
    return Reader(model, text_tokenizer, token_map, Collator(token_map, text_tokenizer, max_length=128, answer_room=40))


def twelve_examples() -> list[Example]:
    """Twelve examples of different lengths, on ten records."""
    generator = np.random.default_rng(5)
    return [
        Example(
            f"sample-{index}",
            f"record-{index % 10}",
            f"patient-{index % 5}",
            QUESTIONS[index % len(QUESTIONS)],
            ANSWERS[index % len(ANSWERS)],
            generator.integers(0, VOCABULARY_SIZE, int(generator.integers(3, 30))).astype(np.int32),
        )
        for index in range(12)
    ]
