"""ECG-Byte as its published code trains it (``willxxy/ECG-Byte``): every setting in one place, for a row of its own.

What differs from this project's defaults: rows of ECG tokens start as transformers leaves them, all at the mean of the
text rows, and stay frozen; tokens may cross leads (``boundary="record"``); ECG tokens compete in the softmax of
answers; the learning rate follows Noam's schedule whatever ``--lr`` says; the ECG is cut to 1,024 positions from its
end, with the answer counted in; and every sequence is padded to that length.
"""

from __future__ import annotations

from typing import Any

from ecgbyte.models.end_to_end import EndToEndModel, LoraSettings
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.training.collate import Collator
from ecgbyte.training.sequences import AS_PUBLISHED_SPECIAL_TOKENS
from ecgbyte.training.settings import TrainingSettings

PUBLISHED_LENGTH = 1024
PUBLISHED_WARMUP_STEPS = 500
PUBLISHED_HIDDEN_SIZE = 2048
"""Of Llama-3.2-1B. The peak of the learning rate follows from it and from the warm-up: 9.9e-4."""


def published_peak(hidden_size: int = PUBLISHED_HIDDEN_SIZE, warmup_steps: int = PUBLISHED_WARMUP_STEPS) -> float:
    """Return the highest learning rate of Noam's schedule, ``(hidden_size * warmup_steps) ** -0.5``.

    Vaswani et al. 2017, section 5.3 (https://arxiv.org/abs/1706.03762).
    """
    return float((hidden_size * warmup_steps) ** -0.5)


def published_settings(*, seed: int = 0, **changes: Any) -> TrainingSettings:
    """Return the published settings of training.

    Adam with 0.9 and 0.99 and an L2 penalty of 0.01, Noam's schedule with 500 steps of warm-up up to 9.9e-4, one epoch
    of batches of 8 (2 on each of 4 GPUs), bfloat16, gradients not clipped.

    Parameters
    ----------
    seed : int
    **changes
        Other fields of `TrainingSettings`, such as ``precision="no"`` or a checkpoint interval. With ``max_steps`` give
        ``epochs=None``.
    """
    settings: dict[str, Any] = {
        "batch_size": 8,
        "epochs": 1,
        "learning_rate": published_peak(),
        "schedule": "noam",
        "warmup_steps": PUBLISHED_WARMUP_STEPS,
        "optimizer": "adam",
        "weight_decay": 0.01,
        "betas": (0.9, 0.99),
        "max_gradient_norm": None,
        "precision": "bf16",
        "seed": seed,
    }
    return TrainingSettings(**settings | changes)


def published_reader(
    language_model: Any,
    text_tokenizer: Any,
    ecg_tokenizer: Any,
    *,
    training: str = "lora",
    max_length: int = PUBLISHED_LENGTH,
    answer_room: int = 128,
    padded: bool = True,
    seed: int = 0,
) -> tuple[EndToEndModel, Collator]:
    """Build ECG-Byte's model and what makes its batches, as published.

    Parameters
    ----------
    language_model, text_tokenizer
        From `ecgbyte.models.language.language_models.load_language_model`; changed in place.
    ecg_tokenizer : ECGTokenizer
        With ``boundary="record"`` and ``matching="longest"``.
    training : "lora" or "full"
        As published LoRA of rank 16. ``"full"`` is for small models without pretraining; the rows of ECG tokens stay
        frozen all the same.
    max_length, answer_room : int
        As `Collator` takes them; the published length is 1,024.
    padded : bool
        Whether every sequence is padded to `max_length` and the 4 special tokens that the published code does not
        count; else to the longest of the batch, which changes no gradient.
    seed : int
        Of new rows and of LoRA.

    Raises
    ------
    ValueError
        If the ECG tokenizer is none as published.
    """
    for name, published in (("boundary", "record"), ("matching", "longest")):
        if getattr(ecg_tokenizer, name) != published:
            raise ValueError(
                f"ecg_tokenizer: expected {name}={published!r} as published, got {getattr(ecg_tokenizer, name)!r}"
            )
    token_map = add_ecg_tokens(language_model, text_tokenizer, ecg_tokenizer, initialisation="as-published", seed=seed)
    model = EndToEndModel(
        language_model,
        token_map,
        training=training,
        lora=LoraSettings() if training == "lora" else None,
        train_embeddings=False,
        answer_vocabulary="all",
        seed=seed,
    )
    collator = Collator(
        token_map,
        text_tokenizer,
        max_length=max_length,
        answer_room=answer_room,
        pad_to=max_length + AS_PUBLISHED_SPECIAL_TOKENS if padded else "longest",
        truncation="as-published",
    )
    return model, collator
