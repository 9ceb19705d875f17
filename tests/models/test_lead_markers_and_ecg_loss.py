"""A marker before each lead's tokens, a loss on the ECG's own tokens, and labels that count for less."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer

from ecgbyte.models.attention import answer_attention
from ecgbyte.models.end_to_end import EndToEndModel, LoraSettings
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens, find_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.language.lead_markers import mark_leads
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.packing import PackedCollator
from ecgbyte.training.shared_prefix import GroupCollator, SharedPrefixCollator, group_examples

SIZE = TinySize(hidden=32, layers=2, heads=2, mlp=48, max_positions=256, text_vocabulary=300)
TEXTS = ["Is the rhythm regular?", "Which finding is there?", "yes", "no", "atrial fibrillation"]
VOCABULARY, LEADS = 30, ("I", "II", "V1")


def examples() -> list[Example]:
    """Six questions on three records; those about one record share its ECG, with markers."""
    generator = np.random.default_rng(3)
    ecgs = []
    for _ in range(3):
        leads = np.sort(generator.integers(0, 3, int(generator.integers(4, 12))))
        ecgs.append(mark_leads(generator.integers(0, VOCABULARY, len(leads)), leads, VOCABULARY))
    return [Example(str(n), f"r{n % 3}", f"p{n % 3}", TEXTS[n % 2], TEXTS[2 + n % 3], ecgs[n % 3]) for n in range(6)]


def build(**options: Any) -> tuple[EndToEndModel, Any, Collator]:
    language_model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    token_map = add_ecg_tokens(language_model, tokenizer, VOCABULARY, initialisation="random", lead_markers=LEADS)
    model = EndToEndModel(language_model, token_map, **options)
    return model, tokenizer, Collator(token_map, tokenizer, max_length=100, answer_room=30)


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 99)), max_size=40))
@settings(deadline=None, max_examples=60)
def test_markers_stand_before_their_leads(tokens: list[tuple[int, int]]) -> None:
    tokens = sorted(tokens, key=lambda pair: pair[0])
    expected: list[int] = []
    for place, (lead, token) in enumerate(tokens):
        if place == 0 or tokens[place - 1][0] != lead:
            expected.append(100 + lead)
        expected.append(token)
    leads, ids = (np.array([pair[part] for pair in tokens], np.int64) for part in (0, 1))
    marked = mark_leads(ids, leads, 100)
    assert marked.dtype == np.int32 and marked.tolist() == expected


def test_markers_have_rows_of_their_own_and_are_no_answers() -> None:
    model, tokenizer, collate = build()
    token_map = model.token_map
    assert tokenizer.convert_ids_to_tokens(token_map.lead_ids.tolist()) == ["lead_I", "lead_II", "lead_V1"]
    assert set(token_map.lead_ids.tolist()) <= set(token_map.all_ids())
    assert set(model.never_answered.tolist()) == set(token_map.all_ids())
    item = examples()[0]
    ids = collate.sequence(item).input_ids
    block = ids[2 : 2 + len(item.ecg)]
    assert ids[1] == token_map.start_id and ids[2 + len(item.ecg)] == token_map.end_id
    np.testing.assert_array_equal(block, token_map.shown_ids()[item.ecg])
    with pytest.raises(ValueError, match=r"has ids 0\.\.32 \(markers of leads among them\)"):
        collate.sequence(replace(item, ecg=np.array([33], np.int32)))


def test_a_saved_text_tokenizer_knows_its_markers_again(tmp_path: Path) -> None:
    model, tokenizer, _ = build()
    tokenizer.save_pretrained(tmp_path)
    loaded_tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    token_map = find_ecg_tokens(loaded_tokenizer, VOCABULARY)
    np.testing.assert_array_equal(token_map.lead_ids, model.token_map.lead_ids)
    with pytest.raises(ValueError, match="lead_markers: the text tokenizer has"):
        add_ecg_tokens(model.language_model, loaded_tokenizer, VOCABULARY, lead_markers=("I",))


def test_attention_is_laid_on_tokens_not_on_markers() -> None:
    model, _, collate = build()
    item = examples()[0]
    (seen,) = answer_attention(model, collate([item]))
    assert seen.attention.shape[-1] == int((item.ecg < VOCABULARY).sum()) < len(item.ecg)
    np.testing.assert_allclose(seen.parts.sum(axis=-1), 1, rtol=1e-5)


def slow_ecg_loss(model: EndToEndModel, collate: Collator, ecgs: list[Example]) -> float:
    """The loss of each ECG token given those before it, with the softmax over ECG tokens, one ECG at a time."""
    losses = []
    ids = model.token_map.ids
    for item in ecgs:
        sequence = collate.sequence(item).input_ids
        with torch.no_grad():
            logits = model.language_model(input_ids=torch.from_numpy(sequence)[None]).logits[0]
        for place, token in enumerate(sequence):
            if token in ids:
                number = int(np.flatnonzero(ids == token)[0])
                losses.append(float(-logits[place - 1, ids].log_softmax(-1)[number]))
    return float(np.mean(losses))


@pytest.mark.parametrize("layout", ["padded", "packed", "shared", "groups apart"])
def test_the_loss_on_ecg_tokens_is_that_of_a_loop(layout: str) -> None:
    plain, _, collate = build()
    model, _, _ = build(ecg_loss_weight=0.3)
    items = examples()
    # An ECG that questions share counts once, elsewhere once for each question.
    once = items[:3] if layout == "shared" else items
    made: dict[str, Any] = {
        "padded": collate(items),
        "packed": PackedCollator(collate)(items),
        "shared": SharedPrefixCollator(collate)(group_examples(items, 2)),
        "groups apart": GroupCollator(collate)(group_examples(items, 2)),
    }
    batch = made[layout]
    with torch.no_grad():
        answers = float(plain(**batch).loss)
        assert float(model.eval()(**batch).loss) == pytest.approx(answers, rel=1e-5), "evaluation is of answers alone"
        both = float(model.train()(**batch).loss)
        logits, targets, ecg_logits, ecg_targets = model.logits_of_both(batch)
        same_logits, same_targets = model.label_logits(batch)
    torch.testing.assert_close(logits, same_logits, rtol=1e-4, atol=1e-5)
    assert torch.equal(targets, same_targets)
    assert ecg_logits.shape == (len(ecg_targets), VOCABULARY)
    assert both == pytest.approx(answers + 0.3 * slow_ecg_loss(plain, collate, once), rel=1e-4)


@pytest.mark.parametrize("training", ["full", "lora"])
def test_training_with_it_predicts_the_ecg_better_and_goes_on_after_a_stop(training: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"training": training}
    if training == "lora":
        options |= {"lora": LoraSettings(rank=4, dropout=0.0), "train_embeddings": True}
    items = group_examples(examples(), 2)
    given = TrainingSettings(max_steps=30, batch_size=3, learning_rate=1e-2)
    losses = {}
    for weight in (0.0, 1.0):
        model, _, collate = build(ecg_loss_weight=weight, **options)
        train(model, items, SharedPrefixCollator(collate), given, progress=False, output_folder=tmp_path / str(weight))
        batch = SharedPrefixCollator(collate)(items)
        with torch.no_grad():
            _, _, logits, targets = model.logits_of_both(batch)
        losses[weight] = float(cross_entropy(logits, targets))
    assert losses[1.0] < losses[0.0] - 0.5


def test_text_alone_has_no_ecg_to_predict() -> None:
    model, _, collate = build(ecg_loss_weight=0.5)
    items = [replace(item, ecg=None) for item in examples()]
    plain = build()[0]
    for batch in (collate(items), SharedPrefixCollator(collate)(group_examples(items, 2))):
        assert float(model.train()(**batch).loss.detach()) == pytest.approx(
            float(plain(**batch).loss.detach()), rel=1e-5
        )


def test_weights_of_labels_make_a_weighted_mean_in_every_layout() -> None:
    model, _, collate = build()
    weights = [1.0, 0.25, 2.0, 1.0, 0.5, 1.0]
    items = [replace(item, weight=weight) for item, weight in zip(examples(), weights, strict=True)]
    parts = []
    with torch.no_grad():
        for item in items:
            logits, targets = model.label_logits(collate([item]))
            parts.append((cross_entropy(logits, targets, reduction="sum"), len(targets), item.weight))
        expected = float(sum(loss * weight for loss, _, weight in parts)) / sum(n * weight for _, n, weight in parts)
        for batch in (
            collate(items),
            PackedCollator(collate)(items),
            SharedPrefixCollator(collate)(group_examples(items, 2)),
        ):
            assert float(model(**batch).loss) == pytest.approx(expected, rel=1e-5)
    assert "label_weights" not in collate(examples()) and "label_weights" not in collate.prompts(items)


def test_accumulated_steps_weigh_as_one_batch() -> None:
    items = [
        replace(item, weight=weight) for item, weight in zip(examples(), (1.0, 0.1, 3.0, 1.0, 0.5, 1.0), strict=True)
    ]
    results = []
    for size, accumulation in ((6, 1), (2, 3)):
        model, _, collate = build()
        given = TrainingSettings(max_steps=2, batch_size=size, gradient_accumulation=accumulation, optimizer="adam")
        report = train(model, items, collate, given, progress=False)
        results.append((report.losses, model.embed_tokens(torch.arange(330)).detach()))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-3, atol=1e-5)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="ecg_loss_weight: expected 0 or a positive number, got -1"):
        build(ecg_loss_weight=-1)
    with pytest.raises(ValueError, match="leads: expected one lead after another"):
        mark_leads(np.array([1, 2]), np.array([1, 0]), 10)
    with pytest.raises(ValueError, match="leads: expected one for each of"):
        mark_leads(np.array([1, 2]), np.array([1]), 10)
    language_model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    with pytest.raises(ValueError, match="lead_markers: expected the order I, II"):
        add_ecg_tokens(language_model, tokenizer, 5, lead_markers=("V1", "I"))
    with pytest.raises(TypeError, match="lead_markers: expected a sequence of lead names, got the string 'I'"):
        add_ecg_tokens(language_model, tokenizer, 5, lead_markers="I")
    with pytest.raises(ValueError, match="weight: expected a positive number, got 0"):
        replace(examples()[0], weight=0)
