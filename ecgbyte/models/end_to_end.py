"""ECG-Byte's model: a causal language model whose vocabulary holds the ECG tokens, trained once, end to end."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ecgbyte.checks import check_option
from ecgbyte.models.ecg_language_model import ECGLanguageModel, tokens_never_answered
from ecgbyte.models.language.frozen_rows import freeze_rows, restore_plain_embedding

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
    seed : int
        Of LoRA's random start.
    """

    def __init__(
        self,
        language_model: Any,
        token_map: ECGTokenMap,
        *,
        training: str = "full",
        lora: LoraSettings | None = None,
        train_embeddings: bool | None = None,
        answer_vocabulary: str = "text",
        seed: int = 0,
    ) -> None:
        check_option("training", training, TRAINING)
        never_answered = tokens_never_answered(answer_vocabulary, token_map.all_ids())
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

    def embed(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the rows of ``input_ids``, float [samples, positions, hidden]."""
        return self.embed_tokens(batch["input_ids"])

    def merged_language_model(self) -> Any:
        """Return the language model as transformers knows it: LoRA merged, and all rows in one embedding."""
        if not self._has_frozen_rows:
            return super().merged_language_model()
        plain = copy.deepcopy(self.language_model)
        restore_plain_embedding(plain)
        return plain
