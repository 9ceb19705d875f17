"""Operations at the published scale: against the closed formula, and against the counter on real weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ecgbyte.models.end_to_end import LoraSettings, prepare_training
from ecgbyte.training.cost import count_flops
from ecgbyte.training.paper_scale import (
    LLAMA_1B,
    language_model_flops,
    stage_one_flops,
    stage_one_presentations,
    token_frame_flops,
)

TERA = 1e12


def by_formula(positions: int, predicted: int, rank: int = 16) -> float:
    """Multiplications and additions of Llama-3.2-1B with LoRA, layer by layer."""
    hidden, mlp, layers = 2048, 8192, 16
    width, kv = 32 * 64, 8 * 64
    shapes = [(hidden, width), (hidden, kv), (hidden, kv), (width, hidden), (hidden, mlp), (hidden, mlp), (mlp, hidden)]
    # Frozen weights: forward and the gradient of the input. LoRA's two matrices: the gradient of the weights as well.
    frozen = sum(4 * ins * outs for ins, outs in shapes)
    lora = sum(6 * rank * (ins + outs) for ins, outs in shapes)
    attention = 12 * positions * width
    return positions * layers * (frozen + lora + attention) + 4 * predicted * hidden * 128_256


@pytest.mark.parametrize(("positions", "published"), [(1024, 5.64), (464, 2.44), (41, 0.21)])
def test_the_language_model_at_the_published_size(positions: int, published: float) -> None:
    counted = language_model_flops(positions)
    assert counted == pytest.approx(by_formula(positions, positions), rel=0.02)
    assert counted / TERA == pytest.approx(published, rel=0.03)
    fewer = language_model_flops(positions, predicted=5)
    assert counted - fewer == pytest.approx(4 * (positions - 5) * 2048 * 128_256, rel=0.01)
    assert language_model_flops(positions, added_tokens=3528) - counted == pytest.approx(
        4 * positions * 2048 * 3528, rel=0.01
    )


def test_token_frames_turn_each_token_once() -> None:
    # Forward, and the gradients of rows and of matrices.
    assert token_frame_flops(tokens=424, hidden_size=64) == 6 * 424 * 64**2
    with pytest.raises(ValueError, match="tokens: expected 1 to 6000, got 0"):
        token_frame_flops(tokens=0)


def test_nothing_is_computed_and_a_small_model_counts_as_with_weights() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes: dict[str, Any] = dict(LLAMA_1B) | {
        "vocab_size": 300,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
    }
    configuration = LlamaConfig(**sizes)
    model = prepare_training(LlamaForCausalLM(configuration), training="lora", lora=LoraSettings(dropout=0.0)).train()
    inputs = torch.randn(1, 50, 64)
    real = count_flops(lambda: model(inputs_embeds=inputs, use_cache=False).logits.sum().backward())
    # Attention alone may be counted otherwise: on the CPU its backward pass computes the scores again.
    attention = 2 * 14 * 50 * 50 * 64
    assert abs(language_model_flops(50, configuration=configuration) - real) <= attention / 4
    assert configuration.vocab_size == 300


@pytest.mark.parametrize(("encoder", "published"), [("merl", 0.020), ("clip", 0.044), ("vit", 0.106)])
def test_stage_one_at_the_published_size(encoder: str, published: float) -> None:
    assert stage_one_flops(encoder) / TERA == pytest.approx(published, rel=0.05)


def test_presentations_for_a_ratio() -> None:
    found = stage_one_presentations(3, end_to_end_flops=5.64, stage_two_flops=5.64, stage_one_flops=0.044)
    assert found == pytest.approx(256, rel=0.01)
    assert found * 0.044 + 5.64 == pytest.approx(3 * 5.64)
    with pytest.raises(ValueError, match="ratio: expected a positive number, got 0"):
        stage_one_presentations(0, end_to_end_flops=1, stage_two_flops=1, stage_one_flops=1)
    with pytest.raises(ValueError, match="positions, predicted: expected 1 <= predicted <= positions, got 5 and 6"):
        language_model_flops(5, predicted=6)
    with pytest.raises(ValueError, match="encoder: got 'resnet'"):
        stage_one_flops("resnet")
