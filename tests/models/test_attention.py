"""Attention of the answer to the ECG tokens: checked by hand, by finite differences, and against padding."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from ecgbyte.models.attention import (
    PARTS,
    answer_attention,
    attention_rollout,
    eager_attention,
    spread_over_samples,
)
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example

QUESTIONS = ["Is the rhythm regular?", "Is there ST depression in lead V5, in lead V6, or in both of them?"]
ANSWERS = ["yes", "atrial fibrillation and axis deviation"]


class Reader(NamedTuple):
    model: EndToEndModel
    collate: Collator


@pytest.fixture(scope="module")
def make_reader() -> Callable[..., Reader]:
    def make(**options: Any) -> Reader:
        size = TinySize(hidden=32, layers=3, heads=2, mlp=48, max_positions=256, text_vocabulary=320)
        language_model, text_tokenizer = load_language_model("tiny", texts=QUESTIONS + ANSWERS, size=size)
        token_map = add_ecg_tokens(language_model, text_tokenizer, 40, initialisation="random")
        # Larger weights than those of the start, so that attention is far from even.
        with torch.no_grad():
            for value in language_model.parameters():
                value.mul_(10 if value.dim() > 1 else 1)
        model = EndToEndModel(language_model, token_map, **options)
        return Reader(model, Collator(token_map, text_tokenizer, max_length=128, answer_room=30))

    return make


@pytest.fixture(scope="module")
def reader(make_reader: Callable[..., Reader]) -> Reader:
    return make_reader()


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    generator = np.random.default_rng(3)
    return [
        Example(f"s{i}", "r", "p", QUESTIONS[i % 2], ANSWERS[i % 2], generator.integers(0, 40, n).astype(np.int32))
        for i, n in enumerate((20, 7, 12))
    ]


def test_a_padded_batch_gives_what_each_example_gives_alone(reader: Reader, examples: list[Example]) -> None:
    together = answer_attention(reader.model, reader.collate(examples))
    for example, padded in zip(examples, together, strict=True):
        (alone,) = answer_attention(reader.model, reader.collate([example]))
        for field in dataclasses.fields(alone):
            one, other = getattr(alone, field.name), getattr(padded, field.name)
            np.testing.assert_allclose(other, one, rtol=1e-4, atol=2e-6, err_msg=field.name)
        assert alone.attention.shape == (3, 2, len(alone.predicted_ids), len(example.ecg))
        assert alone.attention.shape[-1] == len(example.ecg)


def test_rows_sum_to_one_over_the_parts(reader: Reader, examples: list[Example]) -> None:
    for example, seen in zip(examples, answer_attention(reader.model, reader.collate(examples)), strict=True):
        np.testing.assert_allclose(seen.parts.sum(axis=-1), 1, atol=1e-5)
        np.testing.assert_allclose(seen.parts[..., PARTS.index("ECG")], seen.attention.sum(axis=-1), atol=1e-6)
        assert (seen.parts[:, :, 0, PARTS.index("answer so far")] == 0).all()
        assert (seen.parts[:, :, 1:, PARTS.index("answer so far")] > 0).all()
        assert (seen.rollout >= 0).all()
        assert (seen.rollout.sum(axis=1) < 1).all()
        sequence = reader.collate.sequence(example)
        answer = sequence.labels[sequence.labels != -100]
        np.testing.assert_array_equal(seen.predicted_ids, answer)
        # The first row is that of the last token of the question; each row sees itself and all before it.
        np.testing.assert_array_equal(seen.visible, len(sequence.input_ids) - len(answer) + np.arange(len(answer)))


def test_attention_is_that_of_queries_and_keys(reader: Reader, examples: list[Example]) -> None:
    """The first layer worked out from its weights: causal, and of the position before each answer token."""
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    example = examples[0]
    sequence = reader.collate.sequence(example)
    inner = reader.model.language_model.model
    with torch.no_grad():
        hidden = inner.layers[0].input_layernorm(inner.embed_tokens(torch.tensor(sequence.input_ids)))[None]
        layer = inner.layers[0].self_attn
        heads = (1, hidden.shape[1], 2, 16)
        query, key = (projection(hidden).view(heads).transpose(1, 2) for projection in (layer.q_proj, layer.k_proj))
        cos, sin = inner.rotary_emb(hidden, torch.arange(hidden.shape[1])[None])
        query, key = apply_rotary_pos_emb(query, key, cos, sin)
        scores = (query @ key.transpose(2, 3))[0].double() / 16**0.5
    expected = np.zeros(scores.shape)
    for row in range(scores.shape[1]):
        expected[:, row, : row + 1] = torch.softmax(scores[:, row, : row + 1], dim=-1).numpy()
    (seen,) = answer_attention(reader.model, reader.collate([example]))
    rows = np.flatnonzero(sequence.labels != -100) - 1
    begin = int(np.flatnonzero(sequence.input_ids == reader.collate.token_map.start_id)[0]) + 1
    np.testing.assert_allclose(
        seen.attention[0], expected[:, rows, begin : begin + len(example.ecg)], atol=1e-5, rtol=1e-4
    )
    assert np.ptp(seen.attention) > 0.1


def test_the_model_is_left_as_it_was(make_reader: Callable[..., Reader], examples: list[Example]) -> None:
    for options in ({}, {"training": "lora", "seed": 1}):
        reader = make_reader(**options)
        reader.model.train()
        batch = reader.collate(examples)
        plain = reader.model.language_model
        plain = plain.get_base_model() if options else plain

        def logits(reader: Reader = reader, batch: dict[str, torch.Tensor] = batch) -> torch.Tensor:
            reader.model.eval()
            with torch.no_grad():
                return reader.model.label_logits(batch)[0]

        before, implementation = logits(), plain.config._attn_implementation
        reader.model.train()
        seen = answer_attention(reader.model, batch)
        assert reader.model.training
        assert plain.config._attn_implementation == implementation == "sdpa"
        assert all(value.grad is None for value in reader.model.parameters())
        after = logits()
        assert torch.equal(after, before)
        # The plain way of computing attention gives the same answer.
        probabilities = np.concatenate([one.log_probabilities for one in seen])
        targets = reader.model.label_logits(batch)[1]
        expected = torch.log_softmax(before, dim=-1)[torch.arange(len(targets)), targets]
        np.testing.assert_allclose(probabilities, expected.numpy(), atol=1e-4)


def test_attention_is_restored_after_an_error(reader: Reader) -> None:
    with pytest.raises(RuntimeError, match="inside"), eager_attention(reader.model.language_model):
        assert reader.model.language_model.config._attn_implementation == "eager"
        raise RuntimeError("inside")
    assert reader.model.language_model.config._attn_implementation == "sdpa"


def test_gradient_times_input_is_the_slope_along_the_token(reader: Reader, examples: list[Example]) -> None:
    """Scale one ECG token's vector a little: the log-probability must move as the product says."""
    example = examples[1]
    batch = reader.collate([example])
    (seen,) = answer_attention(reader.model, batch)
    begin = int((batch["input_ids"][0] == reader.collate.token_map.start_id).nonzero()[0, 0]) + 1
    model = reader.model.double()
    try:
        for place in (0, 3, len(example.ecg) - 1):
            values = []
            for scale in (0.98, 1.02):
                embeddings = model.embed(batch).detach().clone()
                embeddings[0, begin + place] *= scale
                with torch.no_grad():
                    logits = model.answer_logits(model.language_model(inputs_embeds=embeddings).logits[0])
                targets = batch["labels"][0]
                rows = (targets != -100).nonzero()[:, 0]
                values.append(torch.log_softmax(logits[rows - 1], dim=-1)[torch.arange(len(rows)), targets[rows]])
            slope = ((values[1] - values[0]) / 0.04).numpy()
            np.testing.assert_allclose(seen.gradient_input[:, place], slope, rtol=0.02, atol=4e-4)
    finally:
        model.float()


def test_rollout_by_hand() -> None:
    first = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    second = np.array([[1.0, 0.0, 0.0], [0.4, 0.6, 0.0], [0.0, 1.0, 0.0]])
    expected = (0.5 * second + 0.5 * np.eye(3)) @ (0.5 * first + 0.5 * np.eye(3))
    np.testing.assert_allclose(attention_rollout(np.stack([first, second]), [2, 0]), expected[[2, 0]])
    assert attention_rollout(np.stack([first, second]), [2])[0].tolist() == pytest.approx([0.175, 0.45, 0.375])
    with pytest.raises(ValueError, match=r"head_means: got shape \(3, 3\)"):
        attention_rollout(first, [0])


def test_rollout_of_the_model_is_that_of_its_matrices(reader: Reader, examples: list[Example]) -> None:
    example = examples[2]
    batch = reader.collate([example])
    with torch.no_grad(), eager_attention(reader.model.language_model):
        output = reader.model.language_model(inputs_embeds=reader.model.embed(batch), output_attentions=True)
    means = np.stack([layer[0].mean(dim=0).numpy().astype(np.float64) for layer in output.attentions])
    assert (np.triu(means, 1) == 0).all()
    whole = np.eye(means.shape[1])
    for matrix in means:
        whole = (0.5 * matrix + 0.5 * np.eye(len(matrix))) @ whole
    (seen,) = answer_attention(reader.model, batch)
    rows = (batch["labels"][0] != -100).nonzero()[:, 0].numpy() - 1
    begin = int((batch["input_ids"][0] == reader.collate.token_map.start_id).nonzero()[0, 0]) + 1
    np.testing.assert_allclose(seen.rollout, whole[rows, begin : begin + len(example.ecg)], atol=1e-6)


@pytest.mark.parametrize("boundary", ["lead", "record"])
@pytest.mark.parametrize("kept", [1.0, 0.6])
def test_attention_is_spread_over_samples_and_none_is_lost(boundary: str, kept: float) -> None:
    generator = np.random.default_rng(7)
    signal = np.repeat(generator.normal(size=(4, 10)), 6, axis=1).astype(np.float32)
    tokenizer = ECGTokenizer.train([signal], 60, boundary=boundary, sampling_rate=100.0, progress=False)
    encoding = tokenizer.encode(signal)
    crossing = encoding.offsets[:, 1] > signal.shape[1]
    weights = generator.random(int(kept * len(encoding.ids)))
    density = spread_over_samples(weights, encoding)
    assert density.shape == signal.shape
    assert np.nansum(density) == pytest.approx(weights.sum())
    covered = np.zeros(signal.shape, dtype=bool)
    for token, weight in enumerate(weights):
        spans = encoding.spans(token)
        length = sum(stop - start for _, start, stop in spans)
        for lead, start, stop in spans:
            assert density[int(lead), start:stop] == pytest.approx(weight / length)
            covered[int(lead), start:stop] = True
    np.testing.assert_array_equal(np.isnan(density), ~covered)
    assert crossing.any() == (boundary == "record")
    assert covered.all() == (kept == 1.0)


def test_a_cut_ecg_has_weights_for_what_was_kept(reader: Reader) -> None:
    ecg = np.arange(200, dtype=np.int32) % 40
    (seen,) = answer_attention(reader.model, reader.collate([Example("s", "r", "p", "why?", "yes", ecg)]))
    dropped = reader.collate.sequence(Example("s", "r", "p", "why?", "yes", ecg)).dropped_ecg_tokens
    assert 0 < dropped == 200 - seen.attention.shape[-1]


def test_bad_input_is_refused(reader: Reader, examples: list[Example]) -> None:
    with pytest.raises(TypeError, match="model: got Linear"):
        answer_attention(torch.nn.Linear(1, 1), {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected what a Collator gives for training, got attention_mask, input_ids"):
        answer_attention(reader.model, reader.collate.prompts(examples))
    without = dataclasses.replace(examples[0], ecg=None)
    with pytest.raises(ValueError, match="sample 1 holds no block of ECG tokens"):
        answer_attention(reader.model, reader.collate([examples[1], without]))
    encoding = ECGTokenizer.from_merges([(0, 0)], amplitude_range=(-1, 1), num_leads=1).encode(np.zeros((1, 6)))
    with pytest.raises(ValueError, match="at most the encoding's 6"):
        spread_over_samples(np.ones(7), encoding)
    other = Encoding(encoding.ids, encoding.leads, encoding.offsets, (2, 6), -1.0, 1.0)
    with pytest.raises(ValueError, match="do not cover 2 leads of 6 samples"):
        spread_over_samples(np.ones(3), other)
