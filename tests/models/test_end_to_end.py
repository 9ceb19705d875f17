"""The end-to-end model: its loss, what is trained, saving and loading."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.models.end_to_end import EndToEndModel, LoraSettings
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingSettings, train

SIZE = TinySize(hidden=32, layers=2, heads=2, mlp=48, max_positions=128, text_vocabulary=300)
TEXTS = ["Is the rhythm regular?", "yes", "no", "atrial fibrillation"]
ECG_TOKENIZER: Any = SimpleNamespace(
    vocabulary=SimpleNamespace(size=20), vocabulary_size=20, fingerprint="sha256:00000000000000aa"
)
EXAMPLES = [
    Example("1", "r1", "p1", TEXTS[0], "yes", np.arange(12, dtype=np.int32)),
    Example("2", "r2", "p2", TEXTS[0], "atrial fibrillation", np.arange(5, 9, dtype=np.int32)),
    Example("3", "r3", "p3", TEXTS[0], "no", None),
]


def build(**options: Any) -> tuple[EndToEndModel, Any, Collator]:
    language_model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    token_map = add_ecg_tokens(language_model, tokenizer, ECG_TOKENIZER, initialisation="random")
    collate = Collator(token_map, tokenizer, max_length=100, answer_room=30)
    return EndToEndModel(language_model, token_map, **options), tokenizer, collate


def logits(model: EndToEndModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return model.eval().label_logits(batch)[0]


def test_loss_is_the_plain_loss_though_few_logits_are_computed() -> None:
    model, _, collate = build(answer_vocabulary="all")
    batch = collate(EXAMPLES)
    plain = model.language_model(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]
    ).loss
    seen = []
    model.language_model.lm_head.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[1]))
    loss = model(**batch).loss
    torch.testing.assert_close(loss, plain)
    plain.backward()
    expected = {name: value.grad.clone() for name, value in model.named_parameters()}
    model.zero_grad()
    loss.backward()
    for name, value in model.named_parameters():
        torch.testing.assert_close(value.grad, expected[name], rtol=1e-4, atol=1e-6)
    longest_answer = int((batch["labels"] != -100).sum(dim=1).max())
    assert seen == [longest_answer + 1]


def test_models_with_absolute_positions_and_without_logits_to_keep_work() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    _, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=128, n_embd=32, n_layer=2, n_head=2)
    language_model = GPT2LMHeadModel(config).eval()
    token_map = add_ecg_tokens(language_model, tokenizer, 20)
    collate = Collator(token_map, tokenizer, max_length=100, answer_room=30)
    model = EndToEndModel(language_model, token_map)
    together = logits(model, collate(EXAMPLES))
    alone = torch.cat([logits(model, collate([item])) for item in EXAMPLES])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    model._takes_logits_to_keep = False
    torch.testing.assert_close(logits(model, collate(EXAMPLES)), together)


def test_a_batch_without_labels_is_an_error() -> None:
    model, _, collate = build()
    batch = collate(EXAMPLES)
    batch["labels"].fill_(-100)
    with pytest.raises(ValueError, match="labels: expected one at least"):
        model(**batch)


def test_gradient_reaches_every_ecg_position_and_row() -> None:
    model, _, collate = build()
    batch = collate(EXAMPLES[:1])
    embeddings = model.embed(batch).detach().requires_grad_()
    model.embed = lambda _: embeddings  # type: ignore[method-assign]
    model(**batch).loss.backward()
    assert embeddings.grad is not None
    ecg = torch.isin(batch["input_ids"][0], torch.from_numpy(model.token_map.ids))
    assert ecg.sum() == 12 and (embeddings.grad[0][ecg].abs().sum(dim=1) > 0).all()

    model, _, collate = build()
    model(**collate(EXAMPLES)).loss.backward()
    gradient = model.language_model.get_input_embeddings().weight.grad
    assert (gradient[model.token_map.ids[:12]].abs().sum(dim=1) > 0).all()


def trained(model: EndToEndModel, collate: Collator) -> EndToEndModel:
    settings = TrainingSettings(max_steps=3, batch_size=3, learning_rate=1e-2)
    train(model, EXAMPLES, collate, settings, progress=False)
    return model


def test_lora_leaves_the_rows_frozen_as_published() -> None:
    model, _, collate = build(training="lora")
    assert all("lora_" in name for name, value in model.named_parameters() if value.requires_grad)
    names = {name.split(".")[-4] for name, value in model.named_parameters() if value.requires_grad}
    assert names == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    before = model.embed_tokens(torch.arange(300)).detach().clone()
    trained(model, collate)
    assert torch.equal(model.embed_tokens(torch.arange(300)), before)


def test_lora_can_train_the_rows_of_the_new_tokens_and_no_others() -> None:
    model, tokenizer, collate = build(training="lora", train_embeddings=True)
    everything = torch.arange(len(tokenizer))
    before = model.embed_tokens(everything).detach().clone()
    batch = collate(EXAMPLES)
    model(**batch).loss.backward()
    counted = sum(
        value.numel() for name, value in model.named_parameters() if value.requires_grad and "lora" not in name
    )
    assert counted == 22 * SIZE.hidden
    model.zero_grad()
    trained(model, collate)
    moved = (model.embed_tokens(everything) != before).any(dim=1)
    assert set(everything[moved].tolist()) == set(model.token_map.all_ids())


def test_lora_dropout_is_honoured() -> None:
    for dropout in (0.0, 0.6):
        model, _, collate = build(training="lora", lora=LoraSettings(dropout=dropout))
        trained(model, collate)
        batch = collate(EXAMPLES)
        quiet = model(**batch).loss.item()
        model.train()
        losses = {model(**batch).loss.item() for _ in range(3)}
        assert losses == {quiet} if dropout == 0 else len(losses | {quiet}) == 4


def test_lora_starts_from_its_seed() -> None:
    starts = []
    for noise, seed in ((1, 0), (2, 0), (1, 3)):
        torch.manual_seed(noise)
        model, _, _ = build(training="lora", seed=seed)
        starts.append([value for name, value in model.named_parameters() if "lora_A" in name])
    assert all(torch.equal(a, b) for a, b in zip(starts[0], starts[1], strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(starts[0], starts[2], strict=True))


def test_bad_options_are_refused() -> None:
    with pytest.raises(ValueError, match="training: got 'adapter', expected one of 'full', 'lora'"):
        build(training="adapter")
    with pytest.raises(ValueError, match="lora: settings were given, but training is 'full'"):
        build(lora=LoraSettings())
    with pytest.raises(ValueError, match=r"dropout: expected a number in \[0, 1\), got 1"):
        LoraSettings(dropout=1)
    with pytest.raises(ValueError, match="rank, alpha: expected positive integers, got 0 and 32"):
        LoraSettings(rank=0)
    model, _, _ = build()
    smaller, _ = load_language_model("tiny", texts=TEXTS, size=SIZE)
    with pytest.raises(ValueError, match="the highest id of an ECG token is"):
        EndToEndModel(smaller, model.token_map)
