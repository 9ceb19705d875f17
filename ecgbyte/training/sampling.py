"""Sampled answers: one trained model decoded several times, as published results come from.

The published intervals are over "seeds" that decode one checkpoint again. What they measure is how far sampling moves
the answers, not how far training does; beside training seeds this can be seen.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_room, as_generations, decode_tokens
from ecgbyte.training.generation_file import Generation
from ecgbyte.training.prompts import over_prompts


def sample_answers(
    model: ECGLanguageModel,
    examples: Sequence[Example],
    collate: Collator,
    *,
    temperature: float,
    seed: int,
    max_new_tokens: int | None = None,
    batch_size: int = 32,
    progress: bool = True,
    description: str = "",
) -> list[Generation]:
    """Answer the question of every example with tokens drawn from the model's probabilities.

    Parameters
    ----------
    model, examples, collate, max_new_tokens, batch_size, progress, description
        As in `ecgbyte.training.generation.generate_answers`.
    temperature : float
        Logits are divided by it; the nearer to 0, the nearer to greedy answers.
    seed : int
        With the sample's id it decides all draws of an answer, whatever stands beside it in a batch. Examples with one
        prompt and one ECG are answered once, by the draws of the first.

    Returns
    -------
    list of Generation
        One for every example, in their order.

    Raises
    ------
    ValueError
        If the temperature is not positive, or as `generate_answers`.
    """
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature: expected a positive number, got {temperature}")
    room = answer_room(collate, max_new_tokens)
    tokenizer = collate.text_tokenizer

    def answer(batch: dict[str, Tensor], group: list[Example]) -> list[str]:
        drawn = _Draws([example.sample_id for example in group], temperature, seed)
        tokens = decode_tokens(model, batch, room, int(tokenizer.eos_token_id), choose=drawn)
        return [tokenizer.decode(row, skip_special_tokens=True).strip() for row in tokens]

    answers = over_prompts(model, examples, collate, answer, batch_size, progress, description or "sampling")
    return as_generations(examples, answers)


class _Draws:
    """Draws the next token of each row: the largest of logits and Gumbel noise, which is a draw from their softmax."""

    def __init__(self, sample_ids: Sequence[str], temperature: float, seed: int) -> None:
        self._temperature = temperature
        digests = [hashlib.sha256(f"{seed}|{name}".encode()).digest() for name in sample_ids]
        self._generators = [np.random.default_rng(np.frombuffer(digest, np.uint32)) for digest in digests]

    def __call__(self, logits: Tensor, rows: Tensor) -> Tensor:
        noise = np.stack([self._generators[row].gumbel(size=logits.shape[1]) for row in rows.tolist()])
        values = logits.double() / self._temperature + torch.from_numpy(noise).to(logits.device)
        return values.argmax(dim=-1)
