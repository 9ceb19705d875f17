"""Batches: padding on the left, masks, and that padding changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.models.language.ecg_tokens import ECGTokenMap
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_log_likelihood, generate_answers
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.shared_prefix import SharedPrefixCollator


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
        ({"signal_positions": 0}, "signal_positions: expected a positive integer, got 0"),
        ({"truncation": "none"}, "truncation: got 'none', expected one of 'ecg-end', 'as-published'"),
        ({"truncation": "as-published", "pad_to": 1024}, "max_length=1024 and 4 special tokens at least, got 1024"),
        ({"padding_in_labels": True}, "padding_in_labels: expected a number of positions as pad_to, got 'longest'"),
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


def test_signals_are_stacked_and_must_have_one_shape(reader: Any) -> None:
    collate = Collator(ECGTokenMap(np.empty(0, np.int64), 500, 501, 502), reader.text_tokenizer, signal_positions=2)
    signals = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    batch = collate([example(signals[0]), example(None), example(signals[1])])
    assert batch["features"].dtype == torch.float32 and batch["features"].tolist() == signals.tolist()
    assert (batch["input_ids"] == 502).sum(dim=1).tolist() == [2, 0, 2]
    with pytest.raises(ValueError, match=r"signals of one shape \[leads, samples\], got \[\(3, 2\), \(3, 4\)\]"):
        collate([example(signals[0]), example(signals[1, :, :2])])


def published(reader: Any, **options: Any) -> Collator:
    return Collator(
        reader.token_map, reader.text_tokenizer, **{"max_length": 64, "answer_room": 8, "pad_to": 64, **options}
    )


def test_padding_is_a_target_only_by_name(reader: Any) -> None:
    items = [example(np.arange(8)), example(None)]
    tokenizer = reader.text_tokenizer
    plain, batch = published(reader)(items), published(reader, padding_in_labels=True)(items)
    assert all(torch.equal(plain[name], batch[name]) for name in plain if name != "labels")
    for row in range(2):
        padded = batch["attention_mask"][row] == 0
        width = int(padded.sum())
        assert width > 0 and batch["labels"][row, :width].tolist() == [tokenizer.pad_token_id] * width
        # As published BOS is one too; what follows is as always.
        assert batch["labels"][row, width] == tokenizer.bos_token_id
        assert torch.equal(batch["labels"][row, width + 1 :], plain["labels"][row, width + 1 :])
    # About 40 pad tokens for the two or three of an answer.
    assert (batch["labels"] != -100).sum() > 10 * (plain["labels"] != -100).sum()


def test_padding_among_labels_is_told_from_eos_by_its_place(reader: Any) -> None:
    tokenizer = reader.text_tokenizer
    tokenizer.pad_token = tokenizer.eos_token
    batch = published(reader, padding_in_labels=True)([example(np.arange(8)), example(None)])
    for row in range(2):
        padded = batch["attention_mask"][row] == 0
        is_eos = batch["labels"][row] == tokenizer.eos_token_id
        assert is_eos[:-1].tolist() == padded[:-1].tolist()
        assert is_eos[-1] and batch["attention_mask"][row, -1] == 1
        # Nothing between padding and EOS is taken for padding: BOS, then -100 up to the answer.
        inside = batch["labels"][row][~padded]
        assert inside[0] == tokenizer.bos_token_id and (inside[1:-3] == -100).all()


def test_a_row_without_padding_has_the_usual_labels(reader: Any) -> None:
    item = example(np.zeros(500, np.int32), answer="yes no yes no yes no")
    full = Collator(reader.token_map, reader.text_tokenizer, max_length=64, answer_room=64 - 40)
    width = full.length(item)
    collate = Collator(
        reader.token_map, reader.text_tokenizer, max_length=64, answer_room=64 - 40, pad_to=64, padding_in_labels=True
    )
    labels = collate([item])["labels"]
    assert torch.equal(labels[0, 64 - width + 1 :], full([item])["labels"][0, 1:])


def test_padding_in_labels_trains_through_the_ordinary_loop(reader: Any) -> None:
    items = [example(np.arange(8)), example(None, answer="no"), example(np.arange(3))]
    collate = published(reader, padding_in_labels=True)
    batch = collate(items)
    loss = reader.model(**batch).loss
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(value.grad).all() for value in reader.model.parameters() if value.grad is not None)
    first = train(reader.model, items, collate, TrainingSettings(batch_size=3, max_steps=1), progress=False).losses[0]
    assert first == pytest.approx(loss.item(), rel=1e-4)


def test_accumulated_steps_weigh_padding_among_labels(make_reader: Any) -> None:
    items = [example(np.arange(8)), example(None, answer="no"), example(np.arange(3))]
    losses = []
    for size, accumulation in ((3, 1), (1, 3)):
        reader = make_reader()
        settings = TrainingSettings(batch_size=size, gradient_accumulation=accumulation, max_steps=5)
        collate = published(reader, padding_in_labels=True)
        losses.append(train(reader.model, items, collate, settings, progress=False).losses)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    assert losses[0][-1] < losses[0][0]


def test_scores_of_answers_leave_padding_out(reader: Any) -> None:
    items = [example(np.arange(8)), example(None, answer="no")]
    scores = [
        answer_log_likelihood(reader.model, items, published(reader, padding_in_labels=flag), progress=False)
        for flag in (False, True)
    ]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-6)


def test_questions_that_share_an_ecg_refuse_padding_in_labels(reader: Any) -> None:
    with pytest.raises(ValueError, match="padding_in_labels makes targets of the padding"):
        SharedPrefixCollator(published(reader, padding_in_labels=True))


def test_prompts_as_published_are_not_cut_and_need_no_fixed_width(reader: Any) -> None:
    collate = published(reader, pad_to=68, truncation="as-published")
    item = example(np.zeros(200, np.int32))
    assert collate([item])["input_ids"].shape == (1, 68)
    assert collate([item])["attention_mask"].all()
    prompts = collate.prompts([item, example(None)])
    assert prompts["input_ids"].shape[1] > 200 and prompts["attention_mask"].sum(dim=1)[1] < 30
    answers = generate_answers(reader.model, [item], collate, max_new_tokens=3, progress=False)
    assert len(answers) == 1


def test_options_that_are_off_leave_no_mark_in_the_settings(reader: Any) -> None:
    assert published(reader).settings() == {"max_length": 64, "answer_room": 8, "pad_to": 64}
    options = {"signal_positions": 3, "truncation": "as-published", "padding_in_labels": True}
    assert published(reader, pad_to=70, **options).settings() == {
        "max_length": 64,
        "answer_room": 8,
        "pad_to": 70,
        **options,
    }
