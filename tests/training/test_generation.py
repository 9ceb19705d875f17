"""Greedy answers, scores, and the file they are kept in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.training import prompts
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_and_score, answer_log_likelihood, generate_answers, score_yes_no
from ecgbyte.training.generation_file import Generation, read_generations, write_generations
from ecgbyte.training.loop import TrainingSettings, train


@pytest.fixture(scope="module")
def overfitted(make_reader: Callable[..., Any], examples: list[Example]) -> Any:
    """Return a model that has learnt 8 examples by heart; the ECG alone tells apart those with one question."""
    reader = make_reader()
    settings = TrainingSettings(max_steps=150, batch_size=8, learning_rate=1e-2, weight_decay=0.0)
    report = train(reader.model, examples[:8], reader.collate, settings, progress=False)
    assert report.losses[-1] < 0.05
    return reader


def test_eight_examples_are_learnt_by_heart_and_answered_exactly(overfitted: Any, examples: list[Example]) -> None:
    answers = generate_answers(overfitted.model, examples[:8], overfitted.collate, progress=False)
    assert [item.answer for item in answers] == [item.answer for item in examples[:8]]
    first, example = answers[0], examples[0]
    assert first == Generation(
        example.sample_id, example.record_id, example.patient_id, example.question, example.answer, example.answer
    )
    likelihood = answer_log_likelihood(overfitted.model, examples[:8], overfitted.collate, progress=False)
    assert likelihood.dtype == np.float64 and (likelihood > -1.0).all() and (likelihood <= 0).all()
    yes = replace(examples[0], question=examples[0].question, answer="?")
    no = replace(examples[1], answer="?")
    assert (examples[0].answer, examples[1].answer) == ("yes", "no")
    scores = score_yes_no(overfitted.model, [no, yes], overfitted.collate, progress=False)
    assert scores[0] < 0.1 and scores[1] > 0.9


def test_results_do_not_depend_on_the_batch_size(overfitted: Any, examples: list[Example]) -> None:
    text_only = [replace(item, sample_id=f"{item.sample_id}-text", ecg=None) for item in examples]
    items = examples + text_only

    def results(size: int) -> tuple[list[Generation], np.ndarray, np.ndarray]:
        options: dict[str, Any] = {"batch_size": size, "progress": False}
        arguments = (overfitted.model, items, overfitted.collate)
        return (
            generate_answers(*arguments, max_new_tokens=12, **options),
            score_yes_no(*arguments, **options),
            answer_log_likelihood(*arguments, **options),
        )

    answers, scores, likelihoods = results(1)
    assert len({item.answer for item in answers}) > 3
    for size in (2, 5, 64):
        other_answers, other_scores, other_likelihoods = results(size)
        assert other_answers == answers
        np.testing.assert_allclose(other_scores, scores, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(other_likelihoods, likelihoods, rtol=1e-4, atol=1e-4)


def test_cached_decoding_equals_decoding_from_the_start(overfitted: Any, examples: list[Example]) -> None:
    tokenizer, eos = overfitted.text_tokenizer, overfitted.text_tokenizer.eos_token_id
    answers = generate_answers(overfitted.model, examples, overfitted.collate, max_new_tokens=10, progress=False)
    for item, answer in zip(examples, answers, strict=True):
        ids = overfitted.collate.prompts([item])["input_ids"]
        new: list[int] = []
        with torch.no_grad():
            while len(new) < 10:
                token = int(overfitted.model.language_model(input_ids=ids).logits[0, -1].argmax())
                if token == eos:
                    break
                new.append(token)
                ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
        assert answer.answer == tokenizer.decode(new, skip_special_tokens=True).strip()


def test_likelihoods_are_those_of_the_full_logits(reader: Any, examples: list[Example]) -> None:
    found = answer_log_likelihood(reader.model, examples, reader.collate, batch_size=5, progress=False)
    for item, value in zip(examples, found, strict=True):
        batch = reader.collate([item])
        with torch.no_grad():
            logits = reader.model.language_model(input_ids=batch["input_ids"]).logits[0, :-1]
        logits[:, reader.token_map.all_ids()] = -torch.inf
        labels = batch["labels"][0, 1:]
        log_probabilities = logits.log_softmax(-1)[torch.arange(len(labels)), labels.clamp(min=0)]
        assert value == pytest.approx(float(log_probabilities[labels != -100].sum()), rel=1e-4)


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("yes", "atrial fibrillation"), ("left axis", "left bundle")])
def test_yes_and_no_scores_are_a_ratio_of_probabilities(
    yes: str, no: str, reader: Any, examples: list[Example]
) -> None:
    scores = score_yes_no(reader.model, examples, reader.collate, yes=yes, no=no, progress=False)
    words = [reader.text_tokenizer.encode(f" {word}", add_special_tokens=False) for word in (yes, no)]
    different = next(index for index in range(20) if words[0][index] != words[1][index])
    for item, score in zip(examples, scores, strict=True):
        ids = reader.collate.prompts([item])["input_ids"]
        ids = torch.cat([ids, torch.tensor([words[0][:different]], dtype=torch.int64)], dim=1)
        with torch.no_grad():
            probabilities = reader.model.language_model(input_ids=ids).logits[0, -1].softmax(-1)
        first, second = (float(probabilities[word[different]]) for word in words)
        assert score == pytest.approx(first / (first + second), rel=1e-4)


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("left axis", "left bundle")])
def test_answers_and_scores_in_one_pass_are_those_of_two(
    yes: str, no: str, overfitted: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (overfitted.model, examples, overfitted.collate)
    expected = generate_answers(*arguments, batch_size=5, progress=False)
    expected_scores = score_yes_no(*arguments, yes=yes, no=no, batch_size=5, progress=False)
    read = 0
    embed = type(overfitted.model).embed

    def counting(self: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        nonlocal read
        read += len(batch["input_ids"])
        return embed(self, batch)

    monkeypatch.setattr(type(overfitted.model), "embed", counting)
    answers, scores = answer_and_score(*arguments, yes=yes, no=no, batch_size=5, progress=False)
    assert answers == expected
    assert scores == pytest.approx(expected_scores, rel=1e-4)
    assert read == len(examples), "every prompt is read once"


def test_the_reference_is_not_shown_to_the_model(overfitted: Any, examples: list[Example]) -> None:
    hidden = [replace(item, answer="none") for item in examples]
    seen = generate_answers(overfitted.model, examples, overfitted.collate, progress=False)
    blind = generate_answers(overfitted.model, hidden, overfitted.collate, progress=False)
    assert [item.answer for item in seen] == [item.answer for item in blind]


def test_empty_answers_are_kept(reader: Any, examples: list[Example], tmp_path: Path) -> None:
    silent = [replace(item, answer="") for item in examples]
    settings = TrainingSettings(max_steps=30, batch_size=12, learning_rate=1e-2)
    train(reader.model, silent, reader.collate, settings, progress=False)
    answers = generate_answers(reader.model, examples, reader.collate, progress=False)
    assert [item.answer for item in answers] == [""] * len(examples)
    write_generations(tmp_path / "answers.jsonl", answers)
    assert read_generations(tmp_path / "answers.jsonl") == answers


def test_a_prompt_that_comes_twice_is_computed_once(
    reader: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 0
    embed = type(reader.model).embed

    def counting(self: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        nonlocal rows
        rows += len(batch["suffix_ids"])
        return embed(self, batch)

    monkeypatch.setattr(type(reader.model), "embed", counting)
    items = [replace(item, ecg=None) for item in examples]
    answers = generate_answers(reader.model, items, reader.collate, max_new_tokens=3, progress=False)
    assert rows == len({item.question for item in items}) == 3
    assert [item.sample_id for item in answers] == [item.sample_id for item in items]


def test_the_model_is_left_in_its_mode(reader: Any, examples: list[Example]) -> None:
    for training in (True, False):
        reader.model.train(training)
        score_yes_no(reader.model, examples[:2], reader.collate, progress=False)
        assert reader.model.training is training


def test_bad_options_are_refused(reader: Any, examples: list[Example]) -> None:
    arguments = (reader.model, examples, reader.collate)
    with pytest.raises(ValueError, match="max_new_tokens: expected 1 to 40"):
        generate_answers(*arguments, max_new_tokens=41)
    with pytest.raises(ValueError, match="batch_size: expected a positive integer, got 0"):
        generate_answers(*arguments, batch_size=0)
    with pytest.raises(
        ValueError, match="yes, no: expected answers neither of which starts the other, got 'yes' and 'yes'"
    ):
        score_yes_no(*arguments, no="yes")


def test_lora_and_trained_rows_generate(make_reader: Callable[..., Any], examples: list[Example]) -> None:
    reader = make_reader(training="lora", train_embeddings=True)
    answers = generate_answers(reader.model, examples, reader.collate, max_new_tokens=4, progress=False)
    assert len(answers) == len(examples)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"sample_id": "1"', "line 2: expected a JSON object, got a damaged line"),
        ("[]", "line 2: expected the fields sample_id"),
        (json.dumps(dict.fromkeys(Generation.__dataclass_fields__, 1)), "line 2: expected text in sample_id"),
    ],
)
def test_a_damaged_file_of_answers_is_named(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write_generations(path, [Generation("1", "r", "p", "q?", "ja\n", "é\u2028")])
    assert read_generations(path)[0].answer == "é\u2028"
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    with pytest.raises(ValueError, match=message):
        read_generations(path)


@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_questions_about_one_ecg_share_one_pass_over_it(
    size: int, overfitted: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers are those of questions apart; the positions computed are those of each ECG once and of the questions."""
    items = [
        replace(item, question=f"{item.question}{end}") for item in examples[:4] for end in ("", " Now?", " Where?")
    ]
    items += [replace(item, ecg=None) for item in items[:3]]
    arguments = (overfitted.model, items, overfitted.collate)
    options: dict[str, Any] = {"progress": False, "batch_size": size}
    monkeypatch.setattr(prompts, "_sharing", lambda _: None)
    apart, apart_scores = answer_and_score(*arguments, max_new_tokens=8, **options)
    monkeypatch.undo()
    positions: list[int] = []
    run_plainly = type(overfitted.model).run_plainly

    def counting(self: Any, embeddings: Any, mask: Any, *rest: Any, **others: Any) -> Any:
        positions.append(embeddings.shape[0] * embeddings.shape[1])
        return run_plainly(self, embeddings, mask, *rest, **others)

    monkeypatch.setattr(type(overfitted.model), "run_plainly", counting)
    together, scores = answer_and_score(*arguments, max_new_tokens=8, **options)
    assert together == apart
    np.testing.assert_allclose(scores, apart_scores, rtol=1e-3, atol=1e-6)
    assert generate_answers(*arguments, max_new_tokens=8, **options) == apart
    np.testing.assert_allclose(score_yes_no(*arguments, **options), apart_scores, rtol=1e-3, atol=1e-6)
    if size == 64:
        # All in one batch: padded beginnings of 4 ECGs and of text alone first.
        assert positions[0] == 5 * (3 + max(len(item.ecg) for item in examples[:4]))
