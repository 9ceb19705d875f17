"""ECG-Byte's model: a causal language model whose vocabulary holds the ECG tokens, trained once, end to end."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ecgbyte.checks import check_option
from ecgbyte.models.ecg_language_model import ECGLanguageModel, LanguageModelOutput, tokens_never_answered
from ecgbyte.models.labels import answer_loss, packed_labels, wanted_labels
from ecgbyte.models.language.frozen_rows import freeze_rows, restore_plain_embedding
from ecgbyte.models.language.packed_attention import why_not_packed
from ecgbyte.models.language.shared_row import pack_shared

if TYPE_CHECKING:
    from ecgbyte.models.language.ecg_tokens import ECGTokenMap

TRAINING = ("full", "lora")


@dataclass(frozen=True, kw_only=True)
class LoraSettings:
    """Low-rank adaptation (Hu et al. 2021, https://arxiv.org/abs/2106.09685), with the published settings.

    `target_modules` are names of linear layers as Llama and most models after it call them.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    target_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1:
            raise ValueError(f"rank, alpha: expected positive integers, got {self.rank!r} and {self.alpha!r}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected a number in [0, 1), got {self.dropout!r}")


def prepare_training(
    language_model: Any,
    *,
    training: str = "full",
    lora: LoraSettings | None = None,
    trained_rows: list[int] | None = None,
    seed: int = 0,
) -> Any:
    """Say which parameters of a language model are trained.

    Parameters
    ----------
    language_model : transformers causal language model
    training : "full" or "lora"
        All parameters, or low-rank additions to linear layers.
    lora : LoraSettings or None
        Only with ``"lora"``; None takes the published settings.
    trained_rows : list of int or None
        With ``"lora"``: ids of tokens whose embedding rows are trained as well.
    seed : int
        Of LoRA's random start.

    Returns
    -------
    torch.nn.Module
        The same model, or it wrapped by peft.
    """
    check_option("training", training, TRAINING)
    if training == "full":
        if lora is not None:
            raise ValueError("lora: settings were given, but training is 'full'")
        language_model.requires_grad_(True)
        return language_model
    from peft import LoraConfig, get_peft_model

    lora = lora or LoraSettings()
    names = [name for name, _ in language_model.named_modules()]
    unknown = [part for part in lora.target_modules if not any(f".{name}".endswith(f".{part}") for name in names)]
    if unknown:
        raise ValueError(f"lora: target_modules: this model has no layer of the names {', '.join(unknown)}")
    configuration = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.target_modules),
        trainable_token_indices=trained_rows,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(language_model, configuration)


class EndToEndModel(ECGLanguageModel):
    """A causal language model that reads an ECG as tokens of its own vocabulary.

    Parameters
    ----------
    language_model : transformers causal language model
        With the ECG tokens already added (`ecgbyte.models.language.ecg_tokens.add_ecg_tokens`).
    token_map : ECGTokenMap
    training : "full" or "lora"
    lora : LoraSettings or None
    train_embeddings : bool or None
        Whether the rows of the ECG tokens are trained. None: with ``"full"`` they are, with ``"lora"`` they are not
        (as published). False with ``"full"`` trains everything but these rows
        (`ecgbyte.models.language.frozen_rows`), which
        keep every bit; an output layer that is tied to the embedding keeps them too.
    answer_vocabulary : "text" or "all"
        Whether tokens added for ECGs compete in the softmax of answers
        (`ecgbyte.models.ecg_language_model.ANSWER_VOCABULARIES`).
    ecg_loss_weight : float
        In training, what the loss on the ECG's own tokens counts for beside that on answers: each is predicted from
        those before it, among the ECG tokens alone. 0 leaves it out, as published. A number that two such losses
        share, not a label: a step has hundreds of ECG tokens for a dozen of answers. In evaluation the loss is that
        on answers.
    seed : int
        Of LoRA's random start.
    """

    _ecg_number: Tensor

    def __init__(
        self,
        language_model: Any,
        token_map: ECGTokenMap,
        *,
        training: str = "full",
        lora: LoraSettings | None = None,
        train_embeddings: bool | None = None,
        answer_vocabulary: str = "text",
        ecg_loss_weight: float = 0.0,
        seed: int = 0,
    ) -> None:
        check_option("training", training, TRAINING)
        never_answered = tokens_never_answered(answer_vocabulary, token_map.all_ids())
        if not (math.isfinite(ecg_loss_weight) and ecg_loss_weight >= 0):
            raise ValueError(f"ecg_loss_weight: expected 0 or a positive number, got {ecg_loss_weight!r}")
        highest = max(token_map.all_ids())
        rows = language_model.get_input_embeddings().weight.shape[0]
        if highest >= rows:
            raise ValueError(
                f"token_map: the highest id of an ECG token is {highest}, the model has {rows} embedding rows; "
                "add the tokens to this model with add_ecg_tokens"
            )
        trained_rows = token_map.all_ids() if training == "lora" and train_embeddings else None
        has_frozen_rows = training == "full" and train_embeddings is False
        if has_frozen_rows:
            freeze_rows(language_model, token_map.all_ids())
        super().__init__(
            prepare_training(language_model, training=training, lora=lora, trained_rows=trained_rows, seed=seed),
            never_answered,
        )
        self.token_map = token_map
        self._has_frozen_rows = has_frozen_rows
        self.ecg_loss_weight = ecg_loss_weight
        # Of each token of the language model: which ECG token it is, or -1.
        numbers = torch.full((rows,), -1, dtype=torch.int64)
        numbers[torch.from_numpy(token_map.ids)] = torch.arange(token_map.vocabulary_size)
        self.register_buffer("_ecg_number", numbers, persistent=False)

    def embed(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the rows of ``input_ids``, float [samples, positions, hidden]."""
        return self.embed_tokens(batch["input_ids"])

    def forward(self, **batch: Tensor) -> LanguageModelOutput:
        """Return the mean loss over labels, in training with that on the ECG's tokens (`ecg_loss_weight`)."""
        if not (self.training and self.ecg_loss_weight):
            return super().forward(**batch)
        logits, targets, ecg_logits, ecg_targets = self.logits_of_both(batch)
        loss = answer_loss(logits, targets, batch)
        if len(ecg_targets):
            loss = loss + self.ecg_loss_weight * cross_entropy(ecg_logits, ecg_targets)
        return LanguageModelOutput(loss)

    def logits_of_both(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the logits that predict labels and those that predict the ECG's tokens, from one pass.

        Returns
        -------
        logits, targets
            As `label_logits` gives them.
        ecg_logits : float32 [ECG tokens of the batch, ECG vocabulary]
            An ECG that several questions share counts once. Markers of leads, and the tokens around an ECG, are not
            predicted: they follow from the layout.
        ecg_targets : int64 [ECG tokens of the batch]
            Ids of the ECG tokenizer.

        Raises
        ------
        ValueError
            If questions share their ECG and the language model cannot take packed rows.
        """
        wanted = wanted_labels(batch)
        targets = batch["labels"][:, 1:][wanted]
        if "suffix_ids" in batch or "sequence_lengths" in batch:
            if "suffix_ids" in batch:
                row, layout, predicting = pack_shared(batch, wanted)
                reason = why_not_packed(self.plain_language_model, longest=layout.longest, shared=True)
                if reason is not None:
                    raise ValueError(f"ecg_loss_weight: {reason}, so ECGs cannot be predicted that questions share")
            else:
                row, (layout, predicting) = dict(batch), packed_labels(batch, wanted)
            numbers = self._ecg_number[row["input_ids"][0]]
            places = (numbers >= 0).nonzero()[:, 0]
            both = self._run_packed(row, layout, torch.cat([predicting, places - 1]))
            logits, ecg_logits = both.split([len(predicting), len(places)])
            ecg_targets = numbers[places]
        else:
            numbers = self._ecg_number[batch["input_ids"][:, 1:]]
            shown = numbers >= 0
            every = self.run_plainly(
                self.embed(batch), batch["attention_mask"], batch.get("position_ids"), keep=shown.shape[1] + 1
            ).logits[:, :-1]
            logits, ecg_logits, ecg_targets = every[wanted].float(), every[shown].float(), numbers[shown]
        ecg_ids = torch.from_numpy(self.token_map.ids).to(ecg_logits.device)
        return self.answer_logits(logits), targets, ecg_logits[:, ecg_ids], ecg_targets

    def merged_language_model(self) -> Any:
        """Return the language model as transformers knows it: LoRA merged, and all rows in one embedding."""
        if not self._has_frozen_rows:
            return super().merged_language_model()
        plain = copy.deepcopy(self.language_model)
        restore_plain_embedding(plain)
        return plain
