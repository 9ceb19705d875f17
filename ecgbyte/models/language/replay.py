"""Language models whose cache, or whose way with padding, is not that of attention: state spaces, recurrences, hybrids.

What this project does with a language model, left padding, positions, a cache from which rows are taken, holds for
attention. A state space model lets padding into its state, answers wrongly and says nothing; others keep a cache of
their own that nothing here knows. Lists of names would always miss the next family, so each model that is not attention
alone is tried once, on a few tokens: what it makes of them with padding, and in two parts with its cache, must be what
it makes of them alone.

One that fails is run without padding and without cache: rows of one length together, and everything that came before
anew at each step. The answers are the model's own; they take longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Errors of caches that lack what is asked of them, and of models that do not take what attention takes.
_CACHE_ERRORS = (AttributeError, TypeError, ValueError, KeyError, IndexError, NotImplementedError, RuntimeError)
_TOKENS, _PADDING, _FIRST_PART = 6, 20, 4
# How far logits may be apart by rounding, in deviations of the logits.
_TOLERANCE = {torch.float32: 0.01, torch.float64: 0.01}
_COARSE_TOLERANCE = 0.2

# As `ecgbyte.models.ecg_language_model.ECGLanguageModel.run_plainly`, without the turn-off to here.
Run = Callable[..., Any]


@dataclass
class ReplayCache:
    """In place of a model's cache: everything that it was given, to be given again.

    Attributes
    ----------
    embeddings : float [samples, past positions, hidden]
    """

    embeddings: Tensor

    def batch_select_indices(self, rows: Tensor) -> None:
        """Keep these rows, each as often as it is named."""
        self.embeddings = self.embeddings[rows]


def keeps_to_padding_and_cache(run: Run, embeddings: Tensor) -> bool:
    """Whether a language model gives the same logits with padding, and in two parts with its cache, as without.

    Parameters
    ----------
    run : callable
        The model in evaluation mode.
    embeddings : float [positions, hidden]
        Of `num_probe_tokens` different tokens.

    Raises
    ------
    ValueError
        If the model cannot be run on embeddings at all.
    """
    device = embeddings.device
    tokens, padding = embeddings[None, :_TOKENS], embeddings[None, _TOKENS : _TOKENS + 1].expand(1, _PADDING, -1)
    with torch.no_grad():
        try:
            alone = _logits(run, tokens, torch.ones(1, _TOKENS, dtype=torch.int64, device=device))
        except _CACHE_ERRORS as error:
            raise ValueError(f"language_model: cannot be run on embeddings: {type(error).__name__}: {error}") from error
        tolerance = _TOLERANCE.get(alone.dtype, _COARSE_TOLERANCE) * float(alone.float().std())
        rows = torch.cat([torch.cat([padding, tokens], dim=1), torch.cat([tokens, padding], dim=1)])
        mask = torch.ones(2, _PADDING + _TOKENS, dtype=torch.int64, device=device)
        mask[0, :_PADDING] = 0
        try:
            results = [_logits(run, rows, mask)[:1], *_in_two_parts(run, rows, mask)]
        except _CACHE_ERRORS:
            return False
    return all(bool(((result - alone).abs().max() <= tolerance).item()) for result in results)


def num_probe_tokens() -> int:
    """How many tokens `keeps_to_padding_and_cache` tries a model on."""
    return _TOKENS + 1


def _logits(run: Run, embeddings: Tensor, mask: Tensor, **options: Any) -> Tensor:
    """The logits of the last `_TOKENS` - `_FIRST_PART` positions."""
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -embeddings.shape[1] :]
    logits: Tensor = run(embeddings, mask, positions, keep=_TOKENS - _FIRST_PART, **options).logits
    return logits


def windows_end_before(language_model: Any, length: int) -> bool:
    """Whether attention reaches back over less than `length` positions in some layer.

    A window counts the places of a row, padding among them, so padding between a beginning and what follows it takes
    away what a token would see of the beginning.

    Parameters
    ----------
    language_model : transformers causal language model
        Not wrapped by peft.
    length : int
        Places of a row.
    """
    configuration = language_model.config
    windows = [getattr(configuration, name, None) for name in ("sliding_window", "attention_chunk_size")]
    return any(isinstance(window, int) and window < length for window in windows)


def _in_two_parts(run: Run, rows: Tensor, mask: Tensor) -> list[Tensor]:
    """The logits of the first row's last tokens, given after the others, with both rows in the cache and with one."""
    cut = _PADDING + _FIRST_PART
    results = []
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    for chosen in ([0, 1], [0]):
        cache = run(rows[:, :cut], mask[:, :cut], positions[:, :cut], keep=1, use_cache=True).past_key_values
        taken = torch.tensor(chosen, device=rows.device)
        if cache is None:
            raise ValueError("no cache")
        cache.batch_select_indices(taken)
        output = _logits(run, rows[taken, cut:], mask[taken], cache=cache, use_cache=True)
        results.append(output[:1])
    # With padding between the parts, as questions of several lengths about one ECG have it.
    cache = run(rows[:, :cut], mask[:, :cut], positions[:, :cut], keep=1, use_cache=True).past_key_values
    gap = torch.zeros(1, 2, dtype=torch.int64, device=rows.device)
    parts = torch.cat([rows[:1, :2], rows[:1, cut:]], dim=1)
    cache.batch_select_indices(torch.tensor([0], device=rows.device))
    longer = torch.cat([mask[:1, :cut], gap, mask[:1, cut:]], dim=1)
    results.append(_logits(run, parts, longer, cache=cache, use_cache=True))
    return results


def run_again(
    run: Run,
    embeddings: Tensor,
    attention_mask: Tensor,
    *,
    keep: int,
    cache: ReplayCache | None,
    use_cache: bool,
) -> Any:
    """Run a model without padding and without its cache; arguments and result are those of `run_plainly`.

    Logits of positions that are padding are zero.
    """
    if cache is not None:
        embeddings = torch.cat([cache.embeddings, embeddings], dim=1)
    shown = attention_mask.bool()
    lengths = shown.sum(dim=1)
    width = embeddings.shape[1]
    output: Any = None
    logits: Tensor | None = None
    for length in torch.unique(lengths).tolist():
        rows = (lengths == length).nonzero()[:, 0]
        # What is padding at the end of a row has none of the `keep` logits.
        wanted = min(keep, length)
        inputs = embeddings[rows][shown[rows]].view(len(rows), length, -1)
        ones = torch.ones(len(rows), length, dtype=torch.int64, device=embeddings.device)
        output = run(inputs, ones, ones.cumsum(dim=1) - 1, keep=wanted)
        if logits is None:
            logits = output.logits.new_zeros(len(embeddings), min(keep, width), output.logits.shape[-1])
        places = shown[rows, width - logits.shape[1] :]
        counts = places.sum(dim=1)
        parts = [part[len(part) - count :] for part, count in zip(output.logits, counts.tolist(), strict=True)]
        logits = logits.index_put(_places(rows, places), torch.cat(parts))
    output.logits = logits
    output.past_key_values = ReplayCache(embeddings) if use_cache else None
    return output


def _places(rows: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Row and position of every True, rows by their numbers."""
    inner, positions = shown.nonzero(as_tuple=True)
    return rows[inner], positions
