"""Packed rows: the same loss and gradients as padded batches, for every architecture that says it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.models.end_to_end import EndToEndModel, LoraSettings
from ecgbyte.models.language.ecg_tokens import add_signal_token
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.language.packed_attention import PACKED_ATTENTION, PackedLayout, why_not_packed
from ecgbyte.models.two_stage import TwoStageModel
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import generate_answers
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.packing import PackedCollator
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
}
FEWER_KEYS = {**SMALL, "num_key_value_heads": 2}
ARCHITECTURES = {
    "llama": ("LlamaConfig", FEWER_KEYS),
    "qwen3": ("Qwen3Config", {**FEWER_KEYS, "head_dim": 16}),
    "mistral": ("MistralConfig", {**FEWER_KEYS, "sliding_window": 128}),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 256, "resid_pdrop": 0.0}),
    "gpt-neox": ("GPTNeoXConfig", SMALL),
    "phi": ("PhiConfig", SMALL),
    "opt": ("OPTConfig", {**SMALL, "ffn_dim": 48, "word_embed_proj_dim": 32, "dropout": 0.0}),
}


def loss_and_gradients(model: ECGLanguageModel, batch: dict[str, Any]) -> tuple[float, dict[str, torch.Tensor]]:
    model.zero_grad()
    loss = model(**batch).loss
    loss.backward()
    return loss.item(), {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


def assert_same(model: ECGLanguageModel, first: dict[str, Any], second: dict[str, Any]) -> None:
    (loss, gradients), (other_loss, other_gradients) = (loss_and_gradients(model, batch) for batch in (first, second))
    assert other_loss == pytest.approx(loss, rel=1e-5)
    assert {name for name, part in gradients.items() if part.any()} == {
        name for name, part in other_gradients.items() if part.any()
    }
    for name, gradient in other_gradients.items():
        torch.testing.assert_close(gradient, gradients[name], rtol=1e-3, atol=2e-6, msg=name)


def two_questions_each(examples: list[Example]) -> list[Example]:
    """Every ECG is asked the question of the next one as well; in an order that does not group them."""
    others = [examples[(place + 1) % len(examples)] for place in range(len(examples))]
    return examples + [
        Example(f"{one.sample_id}-b", one.record_id, one.patient_id, other.question, other.answer, one.ecg)
        for one, other in zip(examples, others, strict=True)
    ]


def of_architecture(name: str, reader: Any, seed: int = 0) -> ECGLanguageModel:
    kind, options = ARCHITECTURES[name]
    rows = reader.model.language_model.get_input_embeddings().weight.shape[0]
    configuration = getattr(transformers, kind)(vocab_size=rows, **options)
    for dropout in ("attn_pdrop", "embd_pdrop"):
        if hasattr(configuration, dropout):
            setattr(configuration, dropout, 0.0)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        language_model = transformers.AutoModelForCausalLM.from_config(configuration, attn_implementation="sdpa")
    return EndToEndModel(language_model, reader.token_map).train()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_packed_and_shared_rows_have_the_loss_and_gradients_of_padded_batches(
    name: str, reader: Any, examples: list[Example]
) -> None:
    model = of_architecture(name, reader)
    asked = two_questions_each(examples)
    padded = reader.collate(asked)
    assert why_not_packed(model.plain_language_model, longest=padded["labels"].shape[1], shared=True) is None
    assert_same(model, padded, PackedCollator(reader.collate)(asked))
    groups = group_examples(asked, 4)
    # The groups hold the same questions in another order, which a mean does not see.
    assert_same(model, padded, SharedPrefixCollator(reader.collate)(groups))
    assert model.plain_language_model.config._attn_implementation == PACKED_ATTENTION


def test_features_of_an_encoder_are_packed() -> None:
    language_model, text_tokenizer = load_language_model(
        "tiny", texts=["Is it so?", "yes"], size=TinySize(hidden=32, layers=2, heads=2, mlp=48)
    )
    token_map = add_signal_token(language_model, text_tokenizer)
    model = TwoStageModel(language_model, token_map, 6).train()
    generator = np.random.default_rng(0)
    asked = [
        Example(
            f"s{place}",
            f"r{place // 2}",
            "p",
            "Is it so?" * (1 + place),
            "yes",
            None if place == 4 else generator.normal(size=6).astype(np.float32),
        )
        for place in range(6)
    ]
    collate = Collator(token_map, text_tokenizer, max_length=128, answer_room=40)
    assert_same(model, collate(asked), PackedCollator(collate)(asked))


@pytest.mark.parametrize(
    "options", [{}, {"training": "lora", "train_embeddings": True, "lora": LoraSettings(dropout=0.0)}]
)
def test_gradient_checkpointing_changes_nothing(
    options: dict[str, Any], make_reader: Callable[..., Any], examples: list[Example]
) -> None:
    reader = make_reader(**options)
    model = reader.model.train()
    asked = two_questions_each(examples)
    shared, packed = (
        SharedPrefixCollator(reader.collate)(group_examples(asked, 4)),
        PackedCollator(reader.collate)(asked),
    )
    plain = [loss_and_gradients(model, batch) for batch in (shared, packed)]
    model.plain_language_model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    again = [loss_and_gradients(model, batch) for batch in (shared, packed)]
    for (loss, gradients), (other_loss, other_gradients) in zip(plain, again, strict=True):
        assert other_loss == pytest.approx(loss, rel=1e-5)
        for name, gradient in gradients.items():
            torch.testing.assert_close(other_gradients[name], gradient, rtol=1e-3, atol=2e-6)


def test_equal_inputs_give_equal_bits(reader: Any, examples: list[Example]) -> None:
    model = reader.model.train()
    for batch in (
        PackedCollator(reader.collate)(examples),
        SharedPrefixCollator(reader.collate)(group_examples(examples, 4)),
    ):
        first, second = loss_and_gradients(model, batch), loss_and_gradients(model, batch)
        assert first[0] == second[0]
        assert all(torch.equal(first[1][name], second[1][name]) for name in first[1])


def test_bfloat16_autocast_gives_nearly_the_padded_loss(reader: Any, examples: list[Example]) -> None:
    model = reader.model.train()
    with torch.autocast("cpu", torch.bfloat16):
        losses = [
            model(**batch).loss.item() for batch in (reader.collate(examples), PackedCollator(reader.collate)(examples))
        ]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_a_model_that_was_packed_generates_and_reads_padded_batches_as_before(
    make_reader: Callable[..., Any], examples: list[Example]
) -> None:
    fresh, packed = make_reader(), make_reader()
    packed.model(**PackedCollator(packed.collate)(examples))
    assert packed.model.plain_language_model.config._attn_implementation == PACKED_ATTENTION
    batch = fresh.collate(examples)
    with torch.no_grad():
        assert torch.equal(fresh.model(**batch).loss, packed.model(**batch).loss)
    answers = [
        generate_answers(one.model.eval(), examples, one.collate, max_new_tokens=6, progress=False)
        for one in (fresh, packed)
    ]
    assert answers[0] == answers[1]


def test_a_saved_model_does_not_name_the_packed_attention(reader: Any, examples: list[Example], tmp_path: Any) -> None:
    reader.model(**PackedCollator(reader.collate)(examples))
    reader.model.language_model.save_pretrained(tmp_path)
    assert PACKED_ATTENTION not in (tmp_path / "config.json").read_text(encoding="utf-8")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    assert loaded.config._attn_implementation == "sdpa"


def test_training_counts_no_padding(reader: Any, examples: list[Example]) -> None:
    settings = TrainingSettings(batch_size=4, epochs=2, group_by_length=True, seed=1)
    collate = PackedCollator(reader.collate)
    report = train(reader.model, examples, collate, settings, progress=False)
    assert report.positions == report.padded_positions == 2 * sum(collate.length(example) for example in examples)
    assert report.samples_seen == 24
    assert report.truncation is not None
    assert collate.settings()["pad_to"] == "packed"


def test_training_packed_follows_training_padded(make_reader: Callable[..., Any], examples: list[Example]) -> None:
    losses = []
    for kind in (lambda collate: collate, PackedCollator):
        reader = make_reader()
        settings = TrainingSettings(batch_size=4, max_steps=6, learning_rate=1e-3, seed=1)
        losses.append(train(reader.model, examples, kind(reader.collate), settings, progress=False).losses)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    assert losses[0][-1] < losses[0][0]


def test_models_that_would_mix_sequences_are_refused(reader: Any, examples: list[Example]) -> None:
    batch = PackedCollator(reader.collate)(examples)
    model = of_architecture("mistral", reader)
    model.plain_language_model.config.sliding_window = 8
    with pytest.raises(ValueError, match="sliding window of 8 positions, so rows cannot be packed; use padded batches"):
        model(**batch)
    eager = of_architecture("llama", reader)
    eager.plain_language_model.set_attn_implementation("eager")
    with pytest.raises(ValueError, match="attention implementation of LlamaForCausalLM is 'eager', expected 'sdpa'"):
        eager(**batch)
    rows = reader.model.language_model.get_input_embeddings().weight.shape[0]
    bloom = transformers.BloomForCausalLM(
        transformers.BloomConfig(vocab_size=rows, hidden_size=32, n_layer=2, n_head=4)
    )
    with pytest.raises(ValueError, match="BloomForCausalLM"):
        EndToEndModel(bloom, reader.token_map)(**batch)
    mixed = transformers.Lfm2Config(vocab_size=rows, hidden_size=32, num_hidden_layers=2, full_attn_idxs=[1])
    reason = why_not_packed(transformers.Lfm2ForCausalLM(mixed))
    assert reason is not None and "layers of kind conv" in reason


@pytest.mark.parametrize("kind", ["eager", "bloom"])
def test_models_that_cannot_be_packed_still_share_beginnings(kind: str, reader: Any, examples: list[Example]) -> None:
    if kind == "eager":
        model = of_architecture("llama", reader)
        model.plain_language_model.set_attn_implementation("eager")
    else:
        rows = reader.model.language_model.get_input_embeddings().weight.shape[0]
        configuration = transformers.BloomConfig(
            vocab_size=rows, hidden_size=32, n_layer=2, n_head=4, hidden_dropout=0.0, attention_dropout=0.0
        )
        model = EndToEndModel(transformers.BloomForCausalLM(configuration), reader.token_map).train()
    asked = two_questions_each(examples)
    assert_same(model, reader.collate(asked), SharedPrefixCollator(reader.collate)(group_examples(asked, 4)))


def test_a_layer_without_packed_attention_is_found(
    reader: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reader.model.language_model.model.layers[0].self_attn

    def passes_on(hidden_states: torch.Tensor, **_: Any) -> tuple[torch.Tensor, None]:
        return hidden_states.flip(1), None

    monkeypatch.setattr(first, "forward", passes_on)
    with pytest.raises(RuntimeError, match="only 1 of 2 layers of LlamaForCausalLM"):
        reader.model(**PackedCollator(reader.collate)(examples))


def test_labels_on_padding_are_refused(reader: Any) -> None:
    published = Collator(reader.token_map, reader.text_tokenizer, pad_to=1024, padding_in_labels=True)
    with pytest.raises(ValueError, match="collator: padding_in_labels makes targets of the padding"):
        PackedCollator(published)


def test_layouts_without_positions_are_refused() -> None:
    with pytest.raises(ValueError, match="groups: expected positive lengths"):
        PackedLayout([])
    with pytest.raises(ValueError, match="groups: expected positive lengths"):
        PackedLayout([(3, (2, 0))])
