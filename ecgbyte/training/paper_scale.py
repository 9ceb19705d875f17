"""Operations at the published scale, counted by the same counter as everything else, without any weights.

Llama-3.2-1B is built from its configuration on torch's meta device, where shapes are followed and nothing is computed.
The encoders of the two-stage methods are small enough to carry out one step of them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import torch

from ecgbyte.checks import check_option
from ecgbyte.models.encoders.clip import build_clip
from ecgbyte.models.encoders.ecg_encoders import ENCODERS
from ecgbyte.models.encoders.merl import build_merl
from ecgbyte.models.encoders.vit import build_vit
from ecgbyte.models.end_to_end import LoraSettings, prepare_training
from ecgbyte.models.language.text_tokenizer import train_text_tokenizer
from ecgbyte.models.token_frames import TokenFrames
from ecgbyte.training.cost import count_flops, count_step_flops

LLAMA_1B = MappingProxyType(
    {
        "vocab_size": 128_256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "max_position_embeddings": 131_072,
        "tie_word_embeddings": True,
    }
)
"""Sizes of Llama-3.2-1B (meta-llama/Llama-3.2-1B, config.json)."""

CLIP_REPORT_TOKENS, MEDCPT_REPORT_TOKENS = 77, 64
# Two, as contrastive losses and batch norms need.
_BATCH = 2


def language_model_flops(
    positions: int,
    *,
    predicted: int | None = None,
    configuration: Any = None,
    added_tokens: int = 0,
    lora: LoraSettings | None = None,
) -> int:
    """Return the operations of one sample's training step, forward and backward, in a language model with LoRA.

    Parameters
    ----------
    positions : int
        Of the sequence, padding included.
    predicted : int or None
        Positions at which the output layer is applied; None: all of them, as transformers does where nothing is said,
        and so as published.
    configuration : transformers configuration or None
        None: that of Llama-3.2-1B.
    added_tokens : int
        Rows added to its vocabulary.
    lora : LoraSettings or None
        None: the published settings.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    from transformers import AutoModelForCausalLM, LlamaConfig

    predicted = positions if predicted is None else predicted
    if positions < 1 or not 1 <= predicted <= positions:
        raise ValueError(f"positions, predicted: expected 1 <= predicted <= positions, got {positions} and {predicted}")
    if added_tokens < 0:
        raise ValueError(f"added_tokens: expected 0 or more, got {added_tokens}")
    if configuration is None:
        sizes: dict[str, Any] = dict(LLAMA_1B)
        configuration = LlamaConfig(**sizes)
    configuration.vocab_size += added_tokens
    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(configuration)
            trained = prepare_training(model, training="lora", lora=lora or LoraSettings())
    finally:
        configuration.vocab_size -= added_tokens
    trained.train()
    inputs = torch.empty(1, positions, configuration.hidden_size, device="meta")
    # A mask that is ready: transformers makes its own from values, which are not there.
    mask = torch.empty(1, 1, positions, positions, device="meta")

    def step() -> None:
        output = trained(inputs_embeds=inputs, attention_mask=mask, logits_to_keep=predicted, use_cache=False)
        output.logits.sum().backward()

    return count_flops(step)


def token_frame_flops(*, tokens: int, hidden_size: int = LLAMA_1B["hidden_size"]) -> int:
    """Return the operations, forward and backward, of adding up one ECG's tokens frame by frame.

    Parameters
    ----------
    tokens : int
        Of the ECG, 2 s at 250 Hz in 12 leads.
    hidden_size : int
        Of the language model, whose own operations are not among them.

    Raises
    ------
    ValueError
        If a number is out of range.

    See Also
    --------
    ecgbyte.models.token_frames.TokenFrames
    """
    leads, samples = 12, 500
    if not 1 <= tokens <= leads * samples:
        raise ValueError(f"tokens: expected 1 to {leads * samples}, got {tokens}")
    frames = TokenFrames(leads, samples, 1, hidden_size)
    placed = torch.zeros(leads * samples)
    placed[torch.linspace(0, leads * samples - 1, tokens).long()] = 1

    def step() -> None:
        frames(placed.reshape(1, leads, samples)).sum().backward()

    return count_flops(step)


def stage_one_flops(encoder: str, *, leads: int = 12, samples: int = 500) -> int:
    """Return the operations of one ECG's step of a published stage 1, forward and backward.

    Parameters
    ----------
    encoder : str
        One of `ecgbyte.models.encoders.ecg_encoders.ENCODERS`, at its published size: ``"merl"`` with the 1-D ResNet101
        and a frozen MedCPT (a BERT-base, forward alone, reports of 64 tokens); ``"vit"``: ViT-B/16, masked; ``"clip"``:
        ViT-B/32 with its text tower, reports of 77 tokens; ``"clip-vit"``: the two.
    leads, samples : int
        Of the signal; 2 s at 250 Hz as published.
    """
    check_option("encoder", encoder, ENCODERS)
    if encoder == "clip-vit":
        return sum(stage_one_flops(part, leads=leads, samples=samples) for part in ("clip", "vit"))
    batch = {"ecg": torch.zeros(_BATCH, leads, samples)}
    if encoder == "vit":
        return count_step_flops(build_vit(seed=0, size="base", leads=leads, samples=samples), batch) // _BATCH
    # Only its size matters, and that not even: rows that are looked up take no operation.
    tokenizer = train_text_tokenizer(["normal"], vocabulary_size=259)
    if encoder == "clip":
        clip = build_clip(seed=0, size="base", leads=leads, samples=samples, tokenizer=tokenizer)
        return count_step_flops(clip, batch | _reports(CLIP_REPORT_TOKENS)) // _BATCH
    # The text tower of this project's own size reads next to nothing, so that what is left is the ECG's side.
    merl = build_merl(seed=0, architecture="resnet101", num_leads=leads, tokenizer=tokenizer)
    return count_step_flops(merl, batch | _reports(1)) // _BATCH + _medcpt_flops()


def stage_one_presentations(
    ratio: float, *, end_to_end_flops: float, stage_two_flops: float, stage_one_flops: float
) -> float:
    """Return how many ECGs stage 1 must be shown for each sample of the language model, so that one stage is faster.

    Solves ``presentations * stage_one + stage_two = ratio * end_to_end``; below 0, stage 2 alone costs more.

    Parameters
    ----------
    ratio : float
        How many times as many operations two stages are to take, such as 3.
    end_to_end_flops, stage_two_flops, stage_one_flops : float
        Operations of one sample.

    Raises
    ------
    ValueError
        If a number is not positive.
    """
    numbers = {
        "ratio": ratio,
        "end_to_end_flops": end_to_end_flops,
        "stage_two_flops": stage_two_flops,
        "stage_one_flops": stage_one_flops,
    }
    for name, value in numbers.items():
        if not value > 0:
            raise ValueError(f"{name}: expected a positive number, got {value}")
    return (ratio * end_to_end_flops - stage_two_flops) / stage_one_flops


def _reports(tokens: int) -> dict[str, torch.Tensor]:
    ids = torch.zeros(_BATCH, tokens, dtype=torch.int64)
    return {"report_ids": ids, "report_attention_mask": torch.ones_like(ids)}


def _medcpt_flops() -> int:
    from transformers import BertConfig, BertModel

    with torch.device("meta"):
        bert = BertModel(BertConfig(), add_pooling_layer=False)
    ids = torch.zeros(1, MEDCPT_REPORT_TOKENS, dtype=torch.int64, device="meta")
    with torch.no_grad():
        return count_flops(lambda: bert(input_ids=ids))
