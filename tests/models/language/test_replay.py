"""Language models of every kind answer as they do alone: with padding, in batches, with a cache or without."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.text_tokenizer import train_text_tokenizer
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_log_likelihood, generate_answers, score_yes_no
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples

ROWS = 280
SHAPE = {"vocab_size": ROWS, "hidden_size": 32, "num_hidden_layers": 2}
ATTENTION = {**SHAPE, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2}


def llama() -> Any:
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**ATTENTION))


def mistral() -> Any:
    return transformers.MistralForCausalLM(transformers.MistralConfig(**ATTENTION, sliding_window=16))


def gpt_2() -> Any:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=ROWS, n_embd=32, n_layer=2, n_head=4))


def mamba() -> Any:
    return transformers.MambaForCausalLM(transformers.MambaConfig(**SHAPE, state_size=8))


def mamba_2() -> Any:
    return transformers.Mamba2ForCausalLM(
        transformers.Mamba2Config(**SHAPE, state_size=8, num_heads=8, head_dim=8, n_groups=1)
    )


def lfm_2() -> Any:
    return transformers.Lfm2ForCausalLM(transformers.Lfm2Config(**ATTENTION, layer_types=["conv", "full_attention"]))


def rwkv() -> Any:
    return transformers.RwkvForCausalLM(transformers.RwkvConfig(**SHAPE))


FAMILIES: dict[str, tuple[Callable[[], Any], bool]] = {
    "Llama": (llama, True),
    "Mistral, a window of 16": (mistral, True),
    "GPT-2, learned positions": (gpt_2, True),
    "Mamba": (mamba, False),
    "Mamba-2": (mamba_2, False),
    "LFM2, convolutions and attention": (lfm_2, False),
    "RWKV": (rwkv, False),
}


def examples() -> list[Example]:
    rng = np.random.default_rng(3)
    lengths = (3, 33, 14, 57, 8, 8)
    return [
        Example(str(k), str(k), str(k), "Which rhythm is this?", "sinus", rng.integers(0, 20, n).astype(np.int32))
        for k, n in enumerate(lengths)
    ]


def build(make: Callable[[], Any]) -> tuple[EndToEndModel, Collator]:
    texts = [f"{example.question} {example.answer}" for example in examples()] * 3
    tokenizer = train_text_tokenizer(texts, vocabulary_size=270)
    torch.manual_seed(5)
    language_model = make().eval()
    with torch.no_grad():
        for value in language_model.parameters():
            value.add_(torch.randn_like(value) * (0.3 if value.ndim == 2 else 0.05))
    token_map = add_ecg_tokens(language_model, tokenizer, 20)
    model = EndToEndModel(language_model, token_map).eval()
    return model, Collator(token_map, tokenizer, max_length=160, answer_room=12)


def alone(model: EndToEndModel, collate: Collator, example: Example, steps: int) -> str:
    """Greedy decoding of one prompt by the transformers model itself, everything anew at each step."""
    ids = collate.prompts([example])["input_ids"]
    new: list[int] = []
    for _ in range(steps):
        with torch.no_grad():
            logits = model.language_model(input_ids=ids, use_cache=False).logits
        token = int(model.answer_logits(logits)[0, -1].argmax())
        if token == collate.text_tokenizer.eos_token_id:
            break
        new.append(token)
        ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
    return str(collate.text_tokenizer.decode(new, skip_special_tokens=True)).strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_the_models_own(family: str) -> None:
    make, attends = FAMILIES[family]
    model, collate = build(make)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = generate_answers(model, examples(), collate, max_new_tokens=8, batch_size=6, progress=False)
        generate_answers(model, examples(), collate, max_new_tokens=2, batch_size=2, progress=False)
    told = [str(item.message) for item in caught if "another way with padding or cache" in str(item.message)]
    # Once a model, with its name.
    assert len(told) == (0 if attends else 1)
    assert all(type(model.language_model).__name__ in message for message in told)
    assert [answer.answer for answer in found] == [alone(model, collate, item, 8) for item in examples()]
    assert len({answer.answer for answer in found}) > 1


@pytest.mark.filterwarnings("ignore:language_model")
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_do_not_depend_on_the_batch(family: str) -> None:
    model, collate = build(FAMILIES[family][0])
    likelihoods = [
        answer_log_likelihood(model, examples(), collate, batch_size=size, progress=False) for size in (1, 6)
    ]
    np.testing.assert_allclose(likelihoods[0], likelihoods[1], atol=2e-3)
    scores = [score_yes_no(model, examples(), collate, batch_size=size, progress=False) for size in (1, 6)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-3)


@pytest.mark.filterwarnings("ignore:language_model")
@pytest.mark.parametrize("family", FAMILIES)
def test_losses_and_gradients_do_not_depend_on_padding_or_on_what_is_shared(family: str) -> None:
    model, collate = build(FAMILIES[family][0])
    chosen = [examples()[1], examples()[1], examples()[2]]
    chosen[1] = Example("q", "q", "q", "And its rate?", "70", chosen[1].ecg)

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        model.zero_grad()
        loss.backward()
        return torch.cat([value.grad.flatten() for value in model.parameters() if value.grad is not None])

    counts = [len(collate.sequence(item).labels[collate.sequence(item).labels != -100]) for item in chosen]
    each = [model(**collate([item])).loss for item in chosen]
    expected = gradient(sum(loss * count for loss, count in zip(each, counts, strict=True)) / sum(counts))
    for batch in (collate(chosen), SharedPrefixCollator(collate)(group_examples(chosen, 4))):
        found = gradient(model(**batch).loss)
        scale = float(expected.abs().max())
        torch.testing.assert_close(found / scale, expected / scale, atol=2e-3, rtol=0)


def test_a_model_that_takes_no_embeddings_is_refused_by_name() -> None:
    model, collate = build(rwkv)
    model.language_model.forward = lambda input_ids=None, **_: None  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="language_model: cannot be run on embeddings"):
        generate_answers(model, examples(), collate, progress=False)
