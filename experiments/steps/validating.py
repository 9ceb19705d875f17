"""How well a language model answers the validation questions while it trains: by this the best weights are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch

from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, Question
from ecgbyte.metrics.roc_area import roc_area
from ecgbyte.models.ecg_language_model import ECGLanguageModel, token_log_likelihoods
from ecgbyte.models.running import device_of, to_device
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import first_difference
from ecgbyte.training.sequences import IGNORED
from ecgbyte.training.shared_prefix import ExampleGroup, SharedPrefixCollator
from ecgbyte.training.validation import ValidationScore

ACCURACY, ROC_AREA, LOSS = "accuracy", "roc-area-macro", "loss"


def validation_score(
    examples: Sequence[Example], questions: Sequence[Question], collator: Collator, *, batch_size: int
) -> ValidationScore:
    """What the best weights are chosen by: the share of validation questions that greedy decoding would answer right.

    It takes no decoding: greedy decoding gives a reference exactly where each of its tokens, EOS among them, is the
    likeliest after those before it, which one pass over the references shows.

    Parameters
    ----------
    examples : sequence of Example
        The validation questions as the method meets them.
    questions : sequence of Question
        The same, in the same order.
    collator : Collator
        Builds the sequences; padding never counts here.
    batch_size : int
        Groups of a batch.

    Returns
    -------
    ValidationScore
        Measures ``accuracy`` in %, the score, of all questions but those for whole reports, which nobody gives to the
        letter; ``roc-area-macro``, the mean over what yes/no questions ask for, where one has both answers; and
        ``loss``, the mean per token of all answers in nats.
    """
    measure = _Measure(examples, questions, SharedPrefixCollator(collator), batch_size)
    return ValidationScore(ACCURACY, measure)


class _Measure:
    def __init__(
        self,
        examples: Sequence[Example],
        questions: Sequence[Question],
        collate: SharedPrefixCollator,
        batch_size: int,
    ) -> None:
        # Questions that share an ECG are computed together, whatever their order.
        self._order = sorted(range(len(examples)), key=lambda place: (examples[place].record_id, place))
        self._examples = examples
        self._collate = collate
        self._batch_size = batch_size
        self._words = first_difference(collate.collator, "yes", "no")
        self._asked = _yes_no_questions(questions)
        short = [question.question_type != REPORT_QUESTION_TYPE for question in questions]
        self._short = np.array(short if any(short) else [True] * len(short))

    def __call__(self, trained: torch.nn.Module) -> Mapping[str, float]:
        model = cast(ECGLanguageModel, trained)
        right = np.zeros(len(self._examples), dtype=bool)
        scores = np.zeros(len(self._examples))
        summed, labels = 0.0, 0
        for first in range(0, len(self._order), self._batch_size):
            places = self._order[first : first + self._batch_size]
            groups = [ExampleGroup(self._examples[at].record_id, (self._examples[at],)) for at in places]
            batch = to_device(self._collate(groups), device_of(model))
            with torch.no_grad():
                logits, targets = model.label_logits(batch)
            likelihoods = token_log_likelihoods(logits, targets)
            summed -= float(likelihoods.double().sum())
            labels += len(targets)
            hits = logits.argmax(dim=-1) == targets
            counts = (batch["labels"][:, 1:] != IGNORED).sum(dim=1).tolist()
            start = 0
            for at, count in zip(places, counts, strict=True):
                right[at] = bool(hits[start : start + count].all())
                # Longer answers are none of yes and no, and are not looked at.
                of_word = logits[start + min(len(self._words.shared), count - 1)]
                scores[at] = float(of_word[self._words.yes_id] - of_word[self._words.no_id])
                start += count
        found = {ACCURACY: 100 * float(right[self._short].mean()), LOSS: summed / labels}
        areas = [
            roc_area(scores[places], positives)
            for places, positives in self._asked
            if positives.any() and not positives.all()
        ]
        return {**found, ROC_AREA: float(np.mean(areas))} if areas else found


def _yes_no_questions(questions: Sequence[Question]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For everything that yes/no questions ask for: their places, and which have the answer yes."""
    found: dict[tuple[str, ...], list[int]] = {}
    for place, question in enumerate(questions):
        if question.question_type == "single-verify" and question.answer in (("yes",), ("no",)):
            found.setdefault((question.source, *question.attributes), []).append(place)
    return [
        (np.array(places), np.array([questions[place].answer == ("yes",) for place in places]))
        for places in found.values()
    ]
