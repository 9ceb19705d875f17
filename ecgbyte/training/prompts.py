"""Prompts in batches: each once, of similar length, those about one ECG with one pass over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.models.running import evaluation_mode, to_device
from ecgbyte.progress import progress_bar
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.shared_prefix import SharedPrefixCollator


class ReadPrompts(NamedTuple):
    """The model's output for prompts, with its cache, their mask and their last positions [samples, 1]."""

    output: Any
    mask: Tensor
    last: Tensor


def read_prompts(model: ECGLanguageModel, batch: dict[str, Tensor]) -> ReadPrompts:
    """Run the model over prompts, or over beginnings and then over the questions about each."""
    mask, positions = batch["attention_mask"], batch["position_ids"]
    output = model.run(model.embed(batch), mask, positions, keep=1, use_cache=True)
    if "suffix_ids" in batch:
        rows, cache = batch["prefix_rows"], output.past_key_values
        cache.batch_select_indices(rows)
        mask, positions = torch.cat([mask[rows], batch["suffix_attention_mask"]], dim=1), batch["suffix_position_ids"]
        embeddings = model.embed_tokens(batch["suffix_ids"])
        output = model.run(embeddings, mask, positions, keep=1, cache=cache, use_cache=True)
    return ReadPrompts(output, mask, positions[:, -1:])


def over_prompts(
    model: ECGLanguageModel,
    examples: Sequence[Example],
    collate: Collator,
    function: Callable[[dict[str, Tensor], list[Example]], list[Any]],
    batch_size: int,
    progress: bool,
    description: str,
    *,
    with_answer: bool = False,
) -> list[Any]:
    """Apply `function` to batches of different prompts of similar length; give the results in the examples' order."""
    if batch_size < 1:
        raise ValueError(f"batch_size: expected a positive integer, got {batch_size!r}")
    # Padding between a beginning and its questions would push the beginning out of a short window.
    apart = with_answer or model.windows_end_before(collate.max_length)
    sharing = None if apart else _sharing(collate)
    groups: dict[tuple[bytes, bytes], list[int]] = {}
    lengths: list[int] = []
    # Of each example its beginning, and of each beginning its longest prompt and its first example.
    beginnings: list[tuple[bytes, bytes]] = []
    extremes: dict[tuple[bytes, bytes], tuple[int, int]] = {}
    for index, example in enumerate(examples):
        sequence = collate.sequence(example, for_generation=not with_answer)
        whole, key = sequence.input_ids, sequence.features_key()
        groups.setdefault((whole.tobytes(), key), []).append(index)
        lengths.append(len(whole))
        cut = len(whole) if sharing is None else sharing.beginning(sequence)
        if sharing is not None and cut == len(whole):
            # A prompt without a question ends where its beginning does.
            sharing = None
        beginnings.append((whole[:cut].tobytes(), key))
        longest, first = extremes.get(beginnings[-1], (0, index))
        extremes[beginnings[-1]] = (max(longest, len(whole)), first)

    if len(extremes) == len(groups):
        # Nothing is shared, and one pass is cheaper than two.
        sharing = None

    def place(indices: list[int]) -> tuple[int, ...]:
        # Longest first, so that memory is at its highest at once; those about one ECG side by side; ties in order.
        index = indices[0]
        longest, first = extremes[beginnings[index]] if sharing is not None else (lengths[index], 0)
        return (-longest, first, -lengths[index], index)

    different = sorted(groups.values(), key=place)
    make_prompts = collate.prompts if sharing is None else sharing.prompts
    results: list[Any] = [None] * len(examples)
    bar = progress_bar(None, description, "prompt", total=len(different), shown=progress)
    with bar, torch.inference_mode(), evaluation_mode(model) as device:
        for start in range(0, len(different), batch_size):
            chosen = different[start : start + batch_size]
            group = [examples[indices[0]] for indices in chosen]
            batch = {} if with_answer else to_device(make_prompts(group), device)
            for indices, value in zip(chosen, function(batch, group), strict=True):
                for index in indices:
                    results[index] = value
            bar.update(len(chosen))
    return results


def _sharing(collate: Collator) -> SharedPrefixCollator | None:
    """What lets prompts share their beginnings, where their layout is free: not padded to a length, not cut apart."""
    if collate.pad_to != "longest" or collate.truncation_rule != "ecg-end" or not collate.form.before:
        return None
    return SharedPrefixCollator(collate)
