"""What all language models of this project have in common: embeddings in, loss and logits out.

A model differs from another by `ECGLanguageModel.embed` alone: end to end looks up every token, two stages put an
encoder's vector at one position. Training, generation and scores use this interface and nothing else.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ecgbyte.checks import check_option
from ecgbyte.models.labels import IGNORED, answer_loss, packed_labels, positions_from_first, wanted_labels
from ecgbyte.models.language.packed_attention import (
    PackedLayout,
    check_every_layer_was_packed,
    count_layers,
    is_attention_alone,
    pack_options,
    why_not_packed,
)
from ecgbyte.models.language.padding_mask import padding_sees_itself
from ecgbyte.models.language.replay import (
    keeps_to_padding_and_cache,
    num_probe_tokens,
    run_again,
    windows_end_before,
)
from ecgbyte.models.language.shared_row import pack_shared, split_shared
from ecgbyte.models.running import evaluation_mode, is_gpu

__all__ = ["IGNORED", "ECGLanguageModel", "LanguageModelOutput", "token_log_likelihoods", "tokens_never_answered"]

ANSWER_VOCABULARIES = ("text", "all")
"""Which tokens an answer may hold: ``"text"``, all but those that were added for ECGs; ``"all"``, as published."""


@dataclass(frozen=True)
class LanguageModelOutput:
    """``loss``: float32 scalar, the mean over the labels."""

    loss: Tensor


class ECGLanguageModel(nn.Module, ABC):
    """A causal language model that reads ECGs.

    Parameters
    ----------
    language_model : transformers causal language model
        Its output layer is applied only where an output is needed: hundreds of ECG positions have no label.
    never_answered : iterable of int
        Tokens that were added for ECGs and that no answer holds. Their logits are minus infinity in the loss, in
        generation and in scores, so that adding them leaves what the model makes of text as it was.

    Notes
    -----
    *Thread-safety*: as torch modules; evaluation may be shared, training not.
    """

    language_model: Any

    never_answered: Tensor

    def __init__(self, language_model: nn.Module, never_answered: Iterable[int] = ()) -> None:
        super().__init__()
        self.language_model = language_model
        ids = torch.tensor(sorted(set(never_answered)), dtype=torch.int64)
        self.register_buffer("never_answered", ids, persistent=False)
        accepted = inspect.signature(self.plain_language_model.forward).parameters
        self._takes_position_ids = "position_ids" in accepted
        self._takes_logits_to_keep = "logits_to_keep" in accepted

    @property
    def plain_language_model(self) -> Any:
        """The transformers model itself, where peft has wrapped it."""
        model = self.language_model
        return model.get_base_model() if hasattr(model, "get_base_model") else model

    @abstractmethod
    def embed(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the model's input of a batch, float [samples, positions, hidden].

        ``batch`` holds what `ecgbyte.training.collate.Collator` makes: ``input_ids`` int64 [samples, positions] and,
        in two stages, ``features`` float32 [samples with an ECG, features].
        """

    def embed_tokens(self, token_ids: Tensor) -> Tensor:
        """Return the rows of text or ECG tokens, float [..., hidden]."""
        rows: Tensor = self.language_model.get_input_embeddings()(token_ids)
        return rows

    def forward(self, **batch: Tensor) -> LanguageModelOutput:
        """Return the mean loss over ``labels`` that are not -100, each predicted by the position before it.

        Where there are ``label_weights``, labels count as these say.
        """
        logits, targets = self.label_logits(batch)
        return LanguageModelOutput(answer_loss(logits, targets, batch))

    def answer_logits(self, logits: Tensor) -> Tensor:
        """Return logits [..., vocabulary] with minus infinity at the tokens that no answer holds."""
        return logits.index_fill(-1, self.never_answered, -torch.inf) if len(self.never_answered) else logits

    def label_logits(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the logits that predict labels, and these labels, in the order of samples and positions.

        Returns
        -------
        logits : float32 [labels, vocabulary]
            Minus infinity at tokens that no answer holds.
        targets : int64 [labels]
        """
        wanted = wanted_labels(batch)
        labels = batch["labels"][:, 1:]
        if "sequence_lengths" in batch:
            return self.answer_logits(self._run_packed(batch, *packed_labels(batch, wanted))), labels[wanted]
        if "suffix_ids" in batch:
            return self.answer_logits(self._shared_logits(batch, wanted)), labels[wanted]
        keep = positions_from_first(wanted)
        output = self.run(self.embed(batch), batch["attention_mask"], batch.get("position_ids"), keep=keep)
        return output.logits[:, :-1][wanted[:, 1 - keep :]].float(), labels[wanted]

    def _shared_logits(self, batch: Mapping[str, Tensor], wanted: Tensor) -> Tensor:
        """Logits that predict the `wanted` labels of questions whose beginnings are computed once.

        See `ecgbyte.training.shared_prefix` for the batch. Beginnings and questions go through the model in one packed
        row where it can; else the keys and values of the beginnings are lent to the questions, gradients included.
        """
        rows, mask, suffix_mask = batch["prefix_rows"], batch["attention_mask"], batch["suffix_attention_mask"]
        longest = mask.shape[1] + suffix_mask.shape[1]
        plain = self.plain_language_model
        if why_not_packed(plain, longest=longest, shared=True) is None:
            again = self.training and any(getattr(layer, "gradient_checkpointing", False) for layer in plain.modules())
            # Layers that are computed again keep no keys and values to lend; a GPU does one long row sooner than two.
            if again or is_gpu(mask.device):
                return self._run_packed(*pack_shared(batch, wanted))
            return self._run_lent(*split_shared(batch, wanted))
        keep = positions_from_first(wanted)
        questions, whole_mask = self.embed_tokens(batch["suffix_ids"]), torch.cat([mask[rows], suffix_mask], dim=1)
        if self.windows_end_before(longest):
            # Padding between beginning and question would push the beginning out of the window.
            whole = torch.cat([self.embed(batch)[rows], questions], dim=1)
            output = run_again(self._run_as_attention, whole, whole_mask, keep=keep, cache=None, use_cache=False)
            output.logits = self.answer_logits(output.logits)
        else:
            beginning = self.run(self.embed(batch), mask, batch["position_ids"], keep=1, use_cache=True)
            cache = beginning.past_key_values
            if cache is None:
                raise ValueError(
                    "language_model: gradient checkpointing keeps no keys and values that questions could share"
                )
            cache.batch_select_indices(rows)
            output = self.run(
                questions, whole_mask, batch["suffix_position_ids"], keep=keep, cache=cache, use_cache=True
            )
        return output.logits[:, :-1][wanted[:, 1 - keep :]].float()

    def _run_lent(
        self,
        beginnings: Mapping[str, Tensor],
        questions: Mapping[str, Tensor],
        layout: PackedLayout,
        predicting: Tensor,
    ) -> Tensor:
        """Logits at the positions `predicting` of the row of questions, which see the row of beginnings."""
        from ecgbyte.models.language.lent_keys import EveryKeyKnown, LentKeys

        plain = self.plain_language_model
        keys = LentKeys(layout, count_layers(plain))
        own = PackedLayout([(first, ()) for first, _ in layout.groups])
        with contextlib.suppress(EveryKeyKnown):
            self.language_model(
                inputs_embeds=self.embed(beginnings),
                position_ids=beginnings["position_ids"],
                past_key_values=keys,
                use_cache=True,
                **pack_options(plain, own),
            )
        keys.lending = True
        return self._logits_at(
            predicting, self.embed_tokens(questions["input_ids"]), questions["position_ids"], layout, keys
        )

    def _run_packed(self, batch: Mapping[str, Tensor], layout: PackedLayout, predicting: Tensor) -> Tensor:
        """Logits at the positions `predicting` of one row of sequences that do not see each other."""
        plain = self.plain_language_model
        reason = why_not_packed(plain, longest=layout.longest)
        if reason is not None:
            raise ValueError(f"language_model: {reason}, so rows cannot be packed; use padded batches")
        return self._logits_at(predicting, self.embed(batch), batch["position_ids"], layout)

    def _logits_at(
        self, predicting: Tensor, embeddings: Tensor, position_ids: Tensor, layout: PackedLayout, cache: Any = None
    ) -> Tensor:
        plain = self.plain_language_model
        options = pack_options(plain, layout)
        if cache is not None:
            options["past_key_values"] = cache
        if self._takes_logits_to_keep:
            options["logits_to_keep"] = predicting
        output = self.language_model(
            inputs_embeds=embeddings, position_ids=position_ids, use_cache=cache is not None, **options
        )
        check_every_layer_was_packed(plain, layout)
        logits: Tensor = output.logits[0] if self._takes_logits_to_keep else output.logits[0, predicting]
        return logits.float()

    def run(
        self,
        embeddings: Tensor,
        attention_mask: Tensor,
        position_ids: Tensor | None = None,
        *,
        keep: int = 1,
        cache: Any = None,
        use_cache: bool = False,
    ) -> Any:
        """Run the language model; the logits of the last `keep` positions are computed, no others.

        Those of tokens that no answer holds are minus infinity.

        Parameters
        ----------
        embeddings : float [samples, positions, hidden]
        attention_mask : int64 [samples, past and present positions]
        position_ids : int64 [samples, positions] or None
        keep : int
        cache : transformers Cache or None
            Keys and values of past positions.
        use_cache : bool
            Return a cache, as ``past_key_values``.

        Returns
        -------
        transformers output
            ``logits`` float [samples, keep, vocabulary], and ``past_key_values``.
        """
        output = self.run_plainly(embeddings, attention_mask, position_ids, keep=keep, cache=cache, use_cache=use_cache)
        output.logits = self.answer_logits(output.logits)
        return output

    def run_plainly(
        self,
        embeddings: Tensor,
        attention_mask: Tensor,
        position_ids: Tensor | None = None,
        *,
        keep: int = 1,
        cache: Any = None,
        use_cache: bool = False,
    ) -> Any:
        """Run the language model as `run` does, with the logits of all tokens as they are."""
        if (use_cache or cache is not None or not bool(attention_mask.all())) and not self._keeps_to_padding_and_cache:
            return run_again(
                self._run_as_attention, embeddings, attention_mask, keep=keep, cache=cache, use_cache=use_cache
            )
        return self._run_as_attention(
            embeddings, attention_mask, position_ids, keep=keep, cache=cache, use_cache=use_cache
        )

    def windows_end_before(self, length: int) -> bool:
        """Whether attention reaches back over less than `length` places of a row, which padding may fill."""
        return windows_end_before(self.plain_language_model, length)

    @functools.cached_property
    def _keeps_to_padding_and_cache(self) -> bool:
        """Whether the language model does with padding and cache what attention does.

        A model that is not attention alone is tried once, on a few tokens.
        """
        if is_attention_alone(self.plain_language_model):
            return True
        weight = self.language_model.get_input_embeddings().weight
        ids = torch.linspace(0, len(weight) - 1, num_probe_tokens(), device=weight.device).long()
        with evaluation_mode(self), torch.no_grad():
            keeps = keeps_to_padding_and_cache(self._run_as_attention, self.embed_tokens(ids))
        if not keeps:
            name = type(self.plain_language_model).__name__
            warnings.warn(
                f"language_model: {name} has another way with padding or cache than attention, so it is run without "
                "both: the results are its own, and answers take longer",
                stacklevel=2,
            )
        return keeps

    def _run_as_attention(
        self,
        embeddings: Tensor,
        attention_mask: Tensor,
        position_ids: Tensor | None = None,
        *,
        keep: int = 1,
        cache: Any = None,
        use_cache: bool = False,
    ) -> Any:
        options: dict[str, Any] = {"use_cache": use_cache}
        if cache is not None:
            options["past_key_values"] = cache
        if position_ids is not None and self._takes_position_ids:
            options["position_ids"] = position_ids
        if self._takes_logits_to_keep:
            options["logits_to_keep"] = keep
        # Without padding there is nothing to mask, and attention takes its faster causal way.
        mask = None if bool(attention_mask.all()) else attention_mask
        if mask is not None and torch.is_grad_enabled() and self._padding_needs_itself(mask):
            mask = padding_sees_itself(mask, embeddings.shape[1])
        output = self.language_model(inputs_embeds=embeddings, attention_mask=mask, **options)
        if not self._takes_logits_to_keep:
            output.logits = output.logits[:, -keep:]
        return output

    def _padding_needs_itself(self, mask: Tensor) -> bool:
        # What can be packed has plain attention, which takes a mask of its own.
        plain = self.plain_language_model
        return is_gpu(mask.device) and why_not_packed(plain, longest=mask.shape[1], shared=True) is None

    def merged_language_model(self) -> Any:
        """Return the language model with LoRA merged into a copy of its weights; without LoRA, the model itself."""
        if not hasattr(self.language_model, "merge_and_unload"):
            return self.language_model
        wrapped: Any = copy.deepcopy(self.language_model)
        return wrapped.merge_and_unload()

    def trained_parameters(self) -> int:
        """Return how many numbers training changes."""
        return sum(value.numel() for value in self.parameters() if value.requires_grad)


def token_log_likelihoods(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the natural logarithm of the probability of each target, float32 [labels]."""
    return -cross_entropy(logits, targets, reduction="none")


def tokens_never_answered(answer_vocabulary: str, added: Iterable[int]) -> list[int]:
    """Return which of the tokens `added` for ECGs no answer may hold, all or none of them.

    Raises
    ------
    ValueError
        If `answer_vocabulary` is none of `ANSWER_VOCABULARIES`.
    """
    return list(added) if check_option("answer_vocabulary", answer_vocabulary, ANSWER_VOCABULARIES) == "text" else []
