"""Greedy answers and scores of answers, in batches, for every model with the interface of `ECGLanguageModel`.

The published decoding: greedy, at most 128 new tokens. Prompts are sorted by length, so that a batch needs little
padding, and a prompt that occurs twice is computed once (the questions of a text-only control, say). Questions about
one ECG share one pass over it, as in training (`ecgbyte.training.shared_prefix`). Results come in the order of the
examples and do not depend on the batch size, nor on what is shared, beyond rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ecgbyte.models.ecg_language_model import ECGLanguageModel, token_log_likelihoods
from ecgbyte.models.running import device_of, to_device
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation_file import Generation
from ecgbyte.training.prompts import ReadPrompts, over_prompts, read_prompts
from ecgbyte.training.sequences import IGNORED

MAX_NEW_TOKENS = 128


def generate_answers(
    model: ECGLanguageModel,
    examples: Sequence[Example],
    collate: Collator,
    *,
    max_new_tokens: int | None = None,
    batch_size: int = 32,
    progress: bool = True,
    description: str = "",
) -> list[Generation]:
    """Answer the question of every example.

    Parameters
    ----------
    model : ECGLanguageModel
    examples : sequence of Example
        Their answers are kept as references and not shown to the model.
    collate : Collator
        The one of training, so that the ECG is cut alike.
    max_new_tokens : int or None
        At most ``collate.answer_room``. None: 128 as published, or the room if that is less.
    batch_size : int
    progress : bool
        Whether to draw a progress bar on standard error.
    description : str
        Names the progress bar.

    Returns
    -------
    list of Generation
        One for every example, in their order; answers are stripped, and may be empty.
    """
    room = answer_room(collate, max_new_tokens)
    tokenizer = collate.text_tokenizer

    def answer(batch: dict[str, Tensor], _: list[Example]) -> list[str]:
        tokens = decode_tokens(model, batch, room, int(tokenizer.eos_token_id))
        return [tokenizer.decode(row, skip_special_tokens=True).strip() for row in tokens]

    answers = over_prompts(model, examples, collate, answer, batch_size, progress, description or "generating")
    return as_generations(examples, answers)


def answer_and_score(
    model: ECGLanguageModel,
    examples: Sequence[Example],
    collate: Collator,
    *,
    yes: str = "yes",
    no: str = "no",
    max_new_tokens: int | None = None,
    batch_size: int = 32,
    progress: bool = True,
    description: str = "",
) -> tuple[list[Generation], np.ndarray]:
    """`generate_answers` and `score_yes_no` of the same examples, with every prompt read once.

    Returns
    -------
    answers : list of Generation
    scores : float64 [samples]
        Also of questions that are not about yes and no, where they mean nothing.

    Raises
    ------
    ValueError
        As the two.
    """
    room = answer_room(collate, max_new_tokens)
    tokenizer = collate.text_tokenizer
    words = first_difference(collate, yes, no)

    def answer(batch: dict[str, Tensor], _: list[Example]) -> list[tuple[str, float]]:
        scores: list[float] = []

        def score(read: ReadPrompts) -> None:
            # A copy: the answer goes on from the prompt, not from what is appended here.
            scores.extend(_yes_scores(model, words, read, copy.deepcopy if words.shared else None))

        tokens = decode_tokens(model, batch, room, int(tokenizer.eos_token_id), after_prompt=score)
        texts = [tokenizer.decode(row, skip_special_tokens=True).strip() for row in tokens]
        return list(zip(texts, scores, strict=True))

    results = over_prompts(model, examples, collate, answer, batch_size, progress, description or "answering")
    scores = np.array([score for _, score in results], dtype=np.float64)
    return as_generations(examples, [text for text, _ in results]), scores


def score_yes_no(
    model: ECGLanguageModel,
    examples: Sequence[Example],
    collate: Collator,
    *,
    yes: str = "yes",
    no: str = "no",
    batch_size: int = 32,
    progress: bool = True,
) -> np.ndarray:
    """Return P(yes) / (P(yes) + P(no)) of the first token in which the two answers differ, for ROC areas.

    Returns
    -------
    float64 [samples]

    Raises
    ------
    ValueError
        If the tokens of one answer are the start of the other's.
    """
    words = first_difference(collate, yes, no)

    def score(batch: dict[str, Tensor], _: list[Example]) -> list[float]:
        return _yes_scores(model, words, read_prompts(model, batch))

    return np.array(over_prompts(model, examples, collate, score, batch_size, progress, "scoring"), np.float64)


def answer_log_likelihood(
    model: ECGLanguageModel,
    examples: Sequence[Example],
    collate: Collator,
    *,
    batch_size: int = 32,
    progress: bool = True,
) -> np.ndarray:
    """Return the natural logarithm of the probability of each example's answer and EOS.

    Returns
    -------
    float64 [samples]
    """

    def score(_: dict[str, Tensor], group: list[Example]) -> list[float]:
        batch = to_device(collate.with_answers(group), device_of(model))
        values = token_log_likelihoods(*model.label_logits(batch)).double()
        counts = (batch["labels"][:, 1:] != IGNORED).sum(dim=1).tolist()
        return [float(part.sum()) for part in values.split(counts)]

    return np.array(
        over_prompts(model, examples, collate, score, batch_size, progress, "scoring", with_answer=True), np.float64
    )


class AnswerDifference(NamedTuple):
    """Where the tokens of two answers part: those they share before, and the first that they do not."""

    shared: list[int]
    yes_id: int
    no_id: int

    def ratio(self, logits: Tensor) -> list[float]:
        """P(yes) / (P(yes) + P(no)) from logits [samples, vocabulary]."""
        values: list[float] = torch.sigmoid(logits[:, self.yes_id].double() - logits[:, self.no_id].double()).tolist()
        return values


def first_difference(collate: Collator, yes: str, no: str) -> AnswerDifference:
    """Where the tokens of two answers part.

    Raises
    ------
    ValueError
        If the tokens of one answer are the start of the other's.
    """
    words = [collate.answer_ids(word) for word in (yes, no)]
    shorter = min(map(len, words))
    shared = next((index for index in range(shorter) if words[0][index] != words[1][index]), shorter)
    if shared == shorter:
        raise ValueError(f"yes, no: expected answers neither of which starts the other, got {yes!r} and {no!r}")
    return AnswerDifference(list(words[0][:shared]), words[0][shared], words[1][shared])


def _append(tokens: list[int], mask: Tensor, last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same tokens after every row: their ids, the longer mask, and their positions after `last` [samples, 1]."""
    # A small text tokenizer may give both words a space of its own, which says nothing about either.
    ids = torch.tensor(tokens, device=mask.device).expand(len(mask), -1)
    steps = torch.arange(1, len(tokens) + 1, device=mask.device)
    return ids, torch.cat([mask, torch.ones_like(ids)], dim=1), last + steps


def _yes_scores(
    model: ECGLanguageModel, words: AnswerDifference, read: ReadPrompts, keeping: Callable[[Any], Any] | None = None
) -> list[float]:
    """Score yes and no after prompts; `keeping` copies their cache where it is still needed."""
    logits = read.output.logits
    if words.shared:
        start, mask, positions = _append(words.shared, read.mask, read.last)
        cache = read.output.past_key_values
        cache = cache if keeping is None else keeping(cache)
        logits = model.run(model.embed_tokens(start), mask, positions, keep=1, cache=cache).logits
    return words.ratio(logits[:, -1])


def answer_room(collate: Collator, max_new_tokens: int | None) -> int:
    """Return the most tokens of an answer.

    Raises
    ------
    ValueError
        If they are not 1 to the room that the collator keeps.
    """
    if max_new_tokens is None:
        return min(MAX_NEW_TOKENS, collate.answer_room)
    if not 1 <= max_new_tokens <= collate.answer_room:
        raise ValueError(
            f"max_new_tokens: expected 1 to {collate.answer_room}, which is the collator's answer_room, "
            f"got {max_new_tokens}"
        )
    return max_new_tokens


def as_generations(examples: Sequence[Example], answers: Sequence[str]) -> list[Generation]:
    """Return the answers with the questions and references that they belong to."""
    return [
        Generation(item.sample_id, item.record_id, item.patient_id, item.question, item.answer, text)
        for item, text in zip(examples, answers, strict=True)
    ]


def decode_tokens(
    model: ECGLanguageModel,
    batch: dict[str, Tensor],
    max_new_tokens: int,
    eos_id: int,
    after_prompt: Callable[[ReadPrompts], None] | None = None,
    choose: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> list[list[int]]:
    """Return the new tokens of each row up to EOS, which is left out. A row that has ended is computed no further.

    Parameters
    ----------
    model : ECGLanguageModel
    batch : dict of str to Tensor
        Prompts, from the collator.
    max_new_tokens, eos_id : int
    after_prompt : callable or None
        Given what was read of the prompts.
    choose : callable or None
        From logits, float [rows left, vocabulary], and the numbers of these rows in the batch, int64 [rows left], to
        the next token of each, int64 [rows left]. None: the likeliest.
    """
    read = read_prompts(model, batch)
    output, mask, last = read
    answers: list[list[int]] = [[] for _ in range(len(last))]
    rows = torch.arange(len(answers))
    if after_prompt is not None:
        after_prompt(read)
    for count in range(1, max_new_tokens + 1):
        logits = output.logits[:, -1]
        tokens = logits.argmax(dim=-1) if choose is None else choose(logits, rows)
        alive = (tokens != eos_id).nonzero()[:, 0]
        for row, token in zip(rows[alive.cpu()].tolist(), tokens[alive].tolist(), strict=True):
            answers[row].append(token)
        if len(alive) == 0 or count == max_new_tokens:
            break
        cache = output.past_key_values
        if len(alive) < len(tokens):
            cache.batch_select_indices(alive)
            rows, tokens, mask, last = rows[alive.cpu()], tokens[alive], mask[alive], last[alive]
        last = last + 1
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        output = model.run(model.embed_tokens(tokens[:, None]), mask, last, keep=1, cache=cache, use_cache=True)
    return answers
