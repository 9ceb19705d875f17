"""Operations of a training step by formula, as a check of what is counted."""

from __future__ import annotations

import torch
from torch import nn

from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.models.running import Batch


def formula_step_flops(model: ECGLanguageModel, batch: Batch) -> int:
    """Return the operations of one training step of a Llama-like model, by formula.

    Each weight of a linear layer takes 2 operations per position forward, 2 for the gradient of its input and, where it
    is trained, 2 for its own: 6 N D (Kaplan et al., "Scaling Laws for Neural Language Models", 2020,
    https://arxiv.org/abs/2001.08361, section 2.1). Attention takes 4 times queries x keys x width forward and 10 times
    backward, where the scores are computed again. The output layer counts only where it is applied.

    Parameters
    ----------
    model : ECGLanguageModel
        With linear layers named as Llama's, whole in training or with LoRA.
    batch : mapping
        Of `Collator`, `PackedCollator` or `SharedPrefixCollator`.

    Raises
    ------
    ValueError
        If the layers are named otherwise.
    """
    plain = model.plain_language_model
    linear = {
        name: part for name, part in plain.named_modules() if isinstance(part, nn.Linear) and "lm_head" not in name
    }
    configuration = plain.config
    last = f"layers.{configuration.num_hidden_layers - 1}."
    if not any(last in name and "k_proj" in name for name in linear):
        raise ValueError(f"model: expected linear layers named as Llama's, got {', '.join(list(linear)[:3])}")
    mask = batch["attention_mask"]
    labels = batch["labels"][:, 1:] != -100
    lengths = mask.sum(dim=1).tolist()
    width = configuration.num_attention_heads * getattr(
        configuration, "head_dim", configuration.hidden_size // configuration.num_attention_heads
    )
    layers = configuration.num_hidden_layers
    # Positions of all layers, positions that the last layer only turns into keys and values, pairs of attention.
    positions, lent, pairs, lent_pairs, predicted = mask.numel(), 0, 0, 0, int(labels.sum())
    if "suffix_ids" in batch:
        rests = torch.zeros(len(mask), dtype=torch.int64)
        rests.index_add_(0, batch["prefix_rows"].cpu(), batch["suffix_attention_mask"].sum(dim=1).cpu())
        positions, lent = sum(rests.tolist()), sum(lengths)
        pairs = sum(rest * (first + rest) for rest, first in zip(rests.tolist(), lengths, strict=True))
        lent_pairs = sum(length**2 for length in lengths)
    elif "sequence_lengths" in batch:
        pairs = sum(length**2 for length in batch["sequence_lengths"].tolist())
    else:
        pairs = mask.shape[0] * mask.shape[1] ** 2
        predicted = mask.shape[0] * (labels.shape[1] + 1 - int(labels.any(dim=0).nonzero()[0]))
    total = 14 * width * (layers * pairs + (layers - 1) * lent_pairs)
    for name, layer in linear.items():
        per_position = layer.weight.numel() * (6 if layer.weight.requires_grad else 4)
        total += per_position * positions
        if last not in name or "k_proj" in name or "v_proj" in name:
            total += per_position * lent
        elif "q_proj" in name:
            total += 2 * layer.weight.numel() * lent
    head = plain.get_output_embeddings().weight
    return total + predicted * head.numel() * (6 if head.requires_grad else 4)
