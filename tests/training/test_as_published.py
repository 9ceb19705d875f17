"""Every piece of the published training, each against the published formula or behaviour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.training.as_published import published_peak, published_reader, published_settings
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import train

TEXTS = ["Is the rhythm regular?", "yes", "no", "atrial fibrillation"]
SIZE = TinySize(hidden=32, layers=2, heads=2, mlp=48, max_positions=256, text_vocabulary=300)
MERGES = [(0, 0), (1, 1), (26, 26), (27, 2)]


def reader(**options: Any) -> tuple[Any, Any, Any]:
    language_model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    ecg_tokenizer = ECGTokenizer.from_merges(MERGES, boundary="record", amplitude_range=(-1.0, 1.0), num_leads=2)
    text_rows = language_model.get_input_embeddings().weight.detach().clone()
    model, collate = published_reader(language_model, tokenizer, ecg_tokenizer, **options)
    return model, collate, text_rows


def test_the_learning_rate_is_that_of_the_published_formula() -> None:
    settings = published_settings()
    assert published_peak() == pytest.approx(9.88e-4, rel=1e-3)
    for step in (1, 2, 100, 499, 500, 501, 2000, 100_000):
        expected = 2048**-0.5 * min(step**-0.5, step * 500**-1.5)
        assert settings.learning_rate_of(step, 200_000) == pytest.approx(expected, rel=1e-9)
    assert (settings.optimizer, settings.betas, settings.weight_decay) == ("adam", (0.9, 0.99), 0.01)
    assert settings.max_gradient_norm is None and settings.batch_size == 8 and settings.epochs == 1
    assert published_settings(precision="no", epochs=None, max_steps=3).max_steps == 3


@pytest.mark.parametrize("training", ["lora", "full"])
def test_rows_start_at_the_mean_all_alike_and_stay_frozen(training: str) -> None:
    model, collate, text_rows = reader(training=training, max_length=100, answer_room=30)
    ids = torch.tensor(model.token_map.all_ids())
    before = model.embed_tokens(ids).detach().clone()
    deviation = (before - text_rows.mean(0)).abs().max() / text_rows.std(0).mean()
    assert float(deviation) < 1e-3
    examples = [
        Example(str(n), str(n), "p", TEXTS[0], TEXTS[1 + n % 3], np.arange(n % 3, 20, dtype=np.int32)) for n in range(8)
    ]
    train(model, examples, collate, published_settings(epochs=None, max_steps=3, precision="no"), progress=False)
    assert torch.equal(model.embed_tokens(ids), before)
    assert len(model.never_answered) == 0, "ECG tokens compete in the softmax of answers"


def test_the_ecg_is_cut_from_its_end_with_the_answer_counted_in() -> None:
    _, collate, _ = reader(max_length=60, answer_room=30)
    ecg = np.arange(30, dtype=np.int32).repeat(3)
    kept = {}
    for answer in ("no", "atrial fibrillation, atrial fibrillation"):
        item = Example("1", "r", "p", TEXTS[0], answer, ecg)
        sequence = collate.sequence(item)
        question = len(collate.text_tokenizer.encode(TEXTS[0]))
        target = int((sequence.labels != -100).sum()) - 1
        shown = [int(index) for index in sequence.input_ids if index in collate.token_map.ids]
        kept[answer] = len(shown)
        assert len(shown) == 60 - question - target and len(sequence.input_ids) == 64
        assert shown == collate.token_map.ids[ecg[: len(shown)]].tolist(), "the end is what goes"
        batch = collate([item])
        assert batch["input_ids"].shape == (1, 64)
    assert kept["no"] > kept["atrial fibrillation, atrial fibrillation"]
    assert len(collate.prompts([Example("1", "r", "p", TEXTS[0], "no", ecg)])["input_ids"][0]) > 64, "never cut"


def test_a_token_may_cross_leads_and_another_tokenizer_is_refused() -> None:
    ecg_tokenizer = ECGTokenizer.from_merges(MERGES, boundary="record", amplitude_range=(-1.0, 1.0), num_leads=2)
    encoding = ecg_tokenizer.encode(np.full((2, 5), -1.0))
    assert any(len(encoding.spans(token)) == 2 for token in range(len(encoding)))
    language_model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    for options, message in (
        ({"boundary": "lead"}, "expected boundary='record' as published, got 'lead'"),
        ({"boundary": "record", "matching": "merge-order"}, "expected matching='longest' as published"),
    ):
        with pytest.raises(ValueError, match=message):
            published_reader(language_model, tokenizer, ECGTokenizer.from_merges(MERGES, **options))
