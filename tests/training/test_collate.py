"""Batches: padding on the left, masks, and that padding changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.models.ecg_tokens import ECGTokenMap
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example


def example(ecg: np.ndarray | None, answer: str = "yes", question: str = "Is the rhythm regular?") -> Example:
    return Example("s", "r", "p", question, answer, ecg)


def test_padding_is_on_the_left_and_has_no_labels(reader: Any) -> None:
    tokenizer = reader.text_tokenizer
    question = tokenizer.encode("Is the rhythm regular?", add_special_tokens=False)
    answer = tokenizer.encode(" yes", add_special_tokens=False)
    ecg = reader.token_map.ids[[4, 9]].tolist()
    long = [tokenizer.bos_token_id, reader.token_map.start_id, *ecg, reader.token_map.end_id, *question, *answer]
    long.append(tokenizer.eos_token_id)
    short = [tokenizer.bos_token_id, *question, *answer, tokenizer.eos_token_id]
    batch = reader.collate([example(np.array([4, 9])), example(None)])
    assert batch["input_ids"].tolist() == [long, [tokenizer.pad_token_id] * 4 + short]
    assert batch["attention_mask"].tolist() == [[1] * len(long), [0] * 4 + [1] * len(short)]
    assert batch["position_ids"].tolist() == [list(range(len(long))), [0] * 4 + list(range(len(short)))]
    target = [*answer, tokenizer.eos_token_id]
    assert batch["labels"].tolist() == [[-100] * (len(long) - len(target)) + target] * 2


def test_prompts_end_where_the_answer_starts(reader: Any) -> None:
    items = [example(np.array([4, 9])), example(None, answer="something else")]
    batch = reader.collate.prompts(items)
    assert "labels" not in batch
    full = reader.collate(items)
    for row in range(2):
        prompt = batch["input_ids"][row][batch["attention_mask"][row] == 1]
        unlabelled = (full["attention_mask"][row] == 1) & (full["labels"][row] == -100)
        assert prompt.tolist() == full["input_ids"][row][unlabelled].tolist()


def test_eos_is_learnt_where_pad_is_eos(reader: Any) -> None:
    reader.text_tokenizer.pad_token = reader.text_tokenizer.eos_token
    collate = Collator(reader.token_map, reader.text_tokenizer)
    batch = collate([example(np.arange(8)), example(None)])
    eos = reader.text_tokenizer.eos_token_id
    assert batch["labels"][:, -1].tolist() == [eos, eos]
    assert (batch["labels"] == eos).sum() == 2
    assert batch["attention_mask"][:, -1].tolist() == [1, 1]
    assert (batch["input_ids"][1, :10] == eos).all() and not batch["attention_mask"][1, :10].any()


def test_pad_to_the_full_length_as_published(reader: Any) -> None:
    collate = Collator(reader.token_map, reader.text_tokenizer, max_length=64, answer_room=8, pad_to=64)
    items = [example(np.arange(8)), example(None)]
    assert collate(items)["input_ids"].shape == (2, 64)
    short, long = reader.model(**reader.collate(items)).loss, reader.model(**collate(items)).loss
    torch.testing.assert_close(short, long)


def test_left_padding_does_not_change_the_logits(reader: Any, examples: list[Example]) -> None:
    reader.model.eval()
    batch = reader.collate(examples)
    assert not batch["attention_mask"].all()
    with torch.no_grad():
        together, _ = reader.model.label_logits(batch)
        alone = torch.cat([reader.model.label_logits(reader.collate([item]))[0] for item in examples])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_features_are_stacked_and_must_agree(reader: Any) -> None:
    collate = Collator(ECGTokenMap(np.empty(0, np.int64), 0, 1, 2), reader.text_tokenizer)
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert collate([example(vectors[0]), example(None), example(vectors[1])])["features"].tolist() == vectors.tolist()
    with pytest.raises(ValueError, match=r"features of one length, got \[2, 3\]"):
        collate([example(vectors[0]), example(vectors[1, :2])])


def test_lengths_and_truncation_are_counted_without_padding(reader: Any) -> None:
    items = [example(np.zeros(500, np.int32)), example(np.zeros(5, np.int32)), example(None)]
    lengths = [reader.collate.length(item) for item in items]
    masks = reader.collate(items)["attention_mask"].sum(dim=1)
    assert lengths == masks.tolist()
    report = reader.collate.truncation(items)
    assert (report.samples, report.truncated_samples, report.ecg_tokens) == (3, 1, 505)
    assert 500 - report.dropped_ecg_tokens == lengths[0] - lengths[1] + 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 0}, "max_length: expected a positive integer, got 0"),
        ({"answer_room": -1}, "answer_room: expected a positive integer"),
        ({"pad_to": 100}, "pad_to: expected 'longest' or an integer of max_length=1024 at least, got 100"),
        ({"pad_to": "max"}, "pad_to: expected 'longest'"),
    ],
)
def test_bad_settings_are_refused(reader: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Collator(reader.token_map, reader.text_tokenizer, **options)


def test_an_empty_batch_and_a_missing_pad_token_are_errors(reader: Any) -> None:
    with pytest.raises(ValueError, match="examples: expected one at least"):
        reader.collate([])
    reader.text_tokenizer.pad_token = None
    with pytest.raises(ValueError, match="expected a pad token"):
        Collator(reader.token_map, reader.text_tokenizer)
