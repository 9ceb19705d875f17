"""Timed steps count what they compute, and speed ratios follow their rounds."""

from __future__ import annotations

import numpy as np
import pytest

from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from experiments.steps.learning import Learner
from experiments.steps.timing import time_steps


def small_learner() -> tuple[Learner, list[Example]]:
    texts = ["is it normal?", "any block?", "yes", "no"]
    language_model, tokenizer = load_language_model(
        "tiny", texts=texts, size=TinySize(hidden=32, layers=2, heads=2, mlp=48, max_positions=256)
    )
    token_map = add_ecg_tokens(language_model, tokenizer, 40, initialisation="random")
    generator = np.random.default_rng(0)
    examples = []
    for record in range(24):
        ecg = generator.integers(0, 40, 10 + 3 * record).astype(np.int32)
        examples += [
            Example(f"{record}-{place}", f"r{record}", "p", texts[place], texts[2 + place], ecg) for place in range(2)
        ]
    learner = Learner(
        EndToEndModel(language_model, token_map), Collator(token_map, tokenizer, max_length=160, answer_room=16)
    )
    return learner, examples


def test_layouts_see_the_same_questions_over_all_lengths() -> None:
    learner, examples = small_learner()
    timed = time_steps(learner, examples, batch_size=4, rounds=2, steps=3, padded_length=200)
    assert list(timed) == ["200", "none", "packed", "shared"]
    assert [len(layout.seconds_per_sample) for layout in timed.values()] == [2, 2, 2, 2]
    assert all(value > 0 for layout in timed.values() for value in layout.seconds_per_sample)
    assert {layout.samples for layout in timed.values()} == {12}
    assert timed["200"].padded_positions == 12 * 200
    assert timed["200"].positions == timed["none"].positions == timed["packed"].positions
    assert timed["packed"].padded_positions == timed["packed"].positions <= timed["none"].padded_positions
    assert timed["shared"].positions < 0.7 * timed["packed"].positions
    flops = [timed[name].flops_per_sample for name in ("200", "none", "packed", "shared")]
    assert flops == sorted(flops, reverse=True) and flops[-1] > 0
    lengths = [learner.collator.length(example) for example in examples]
    # The middle of the lengths, not the middle lengths alone.
    assert timed["none"].positions / 12 == pytest.approx(np.mean(lengths), rel=0.15)
    of_training = timed["none"].of_training(120)
    assert of_training["padded_positions"] == 10 * timed["none"].padded_positions
    assert of_training["flops"] == pytest.approx(120 * timed["none"].flops_per_sample)


def test_timed_steps_are_the_same_questions_again() -> None:
    positions = []
    for _ in range(2):
        learner, examples = small_learner()
        timed = time_steps(learner, examples, batch_size=4, rounds=1, steps=2, padded_length=160, seed=5)
        positions.append({name: layout.padded_positions for name, layout in timed.items()})
    assert positions[0] == positions[1]


def test_a_model_that_cannot_be_packed_is_timed_without() -> None:
    learner, examples = small_learner()
    learner.model.plain_language_model.set_attn_implementation("eager")
    timed = time_steps(learner, examples, batch_size=4, rounds=1, steps=1, padded_length=160)
    assert list(timed) == ["160", "none", "shared"]


def test_labels_on_padding_are_timed_padded_alone() -> None:
    learner, examples = small_learner()
    collator = learner.collator
    learner.collator = Collator(
        collator.token_map, collator.text_tokenizer, max_length=160, answer_room=16, pad_to=160, padding_in_labels=True
    )
    assert list(time_steps(learner, examples, batch_size=4, rounds=1, steps=1, padded_length=160)) == ["160"]


@pytest.mark.parametrize("name", ["batch_size", "rounds", "steps"])
def test_numbers_that_are_not_positive_are_refused(name: str) -> None:
    learner, examples = small_learner()
    settings = {"batch_size": 2, "rounds": 1, "steps": 1, name: 0}
    with pytest.raises(ValueError, match=f"{name}: expected a positive number, got 0"):
        time_steps(learner, examples, **settings)
    with pytest.raises(ValueError, match="examples: expected one at least"):
        time_steps(learner, [], batch_size=2, rounds=1)
