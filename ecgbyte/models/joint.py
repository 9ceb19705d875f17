"""A language model that reads the signal itself, through layers that are trained together with it: no pretraining.

The layers are an ECG encoder with a projection to one row (`ecgbyte.models.encoder_row.EncoderRow`), or linear patches
(`ecgbyte.models.linear_patches.LinearPatches`). The signal stands in `ecgbyte.training.examples.Example.ecg`, float32
[leads, samples] in mV. Or they add up ECG tokens frame by frame (`ecgbyte.models.token_frames.TokenFrames`); then the
tokens stand there in the places where they begin. Sequences, labels, generation and scores are those of the other
models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from ecgbyte.models.encoder_row import EncoderRow
from ecgbyte.models.language.ecg_tokens import describe_waveforms
from ecgbyte.models.linear_patches import LinearPatches
from ecgbyte.models.signal_positions import SignalReader, text_row_deviation
from ecgbyte.models.token_frames import TokenFrames

if TYPE_CHECKING:
    from ecgbyte.models.end_to_end import LoraSettings
    from ecgbyte.models.language.ecg_tokens import ECGTokenMap


class JointModel(SignalReader):
    """A causal language model with a signal's rows in place of the tokens ``<signal>``, all trained together.

    Parameters
    ----------
    language_model : transformers causal language model
        With ``<signal>`` already added (`ecgbyte.models.language.ecg_tokens.add_signal_token`). That token's own row
        is never read.
    token_map : ECGTokenMap
        What `add_signal_token` returned.
    signal_layers : nn.Module
        `EncoderRow`, `LinearPatches` or `TokenFrames`, for rows of this language model's length. Trained whole,
        also where the language model is trained by LoRA; a parameter whose ``requires_grad`` is off stays so.
    training, lora
        As in `ecgbyte.models.end_to_end.EndToEndModel`, for the language model.
    train_embeddings : bool or None
        Whether the rows of ``<sig_start>`` and ``<sig_end>`` are trained, as in `EndToEndModel`; with ``"full"``
        training, False is an error.
    answer_vocabulary : "text" or "all"
        As in `EndToEndModel`.
    seed : int
        Of LoRA's random start.

    Raises
    ------
    ValueError
        If the map has no ``<signal>``, the model no row for it, or an option is unknown.

    Notes
    -----
    The collator must be made with ``signal_positions=model.signal_positions``.

    Batch norms of an encoder see each signal of a batch once, however many questions share it, so that loss and
    gradients are those of a batch with each question's ECG by itself only where no batch norm is, or each ECG stands in
    it equally often.
    """

    def __init__(
        self,
        language_model: Any,
        token_map: ECGTokenMap,
        signal_layers: Any,
        *,
        training: str = "full",
        lora: LoraSettings | None = None,
        train_embeddings: bool | None = None,
        answer_vocabulary: str = "text",
        seed: int = 0,
    ) -> None:
        super().__init__(
            language_model,
            token_map,
            training=training,
            lora=lora,
            train_embeddings=train_embeddings,
            answer_vocabulary=answer_vocabulary,
            seed=seed,
        )
        self.signal_layers = signal_layers

    @property
    def signal_positions(self) -> int:
        """Positions of ``<signal>`` that one signal takes."""
        return int(self.signal_layers.num_positions)

    def signal_rows(self, features: Tensor) -> Tensor:
        """Float [signals, leads, samples], as `signal_layers` take it, to float [signals, `signal_positions`, hidden].

        Raises
        ------
        ValueError
            If they have another shape.
        """
        if features.ndim != 3:
            raise ValueError(f"features: expected signals [signals, leads, samples], got {list(features.shape)}")
        rows: Tensor = self.signal_layers(features)
        return rows


def build_encoder_model(
    language_model: Any,
    token_map: ECGTokenMap,
    encoder: nn.Module,
    *,
    encoder_settings: Mapping[str, Any],
    training_signals: np.ndarray | None = None,
    projection: str = "linear",
    seed: int = 0,
    **options: Any,
) -> JointModel:
    """Put an untrained encoder before a language model.

    Parameters
    ----------
    language_model, token_map
        As in `JointModel`.
    encoder, encoder_settings, projection
        As in `EncoderRow`.
    training_signals : numpy.ndarray or None
        Float32 [records, leads, samples] in mV, of training records alone: sets the scale (`EncoderRow.fit_scale`).
    seed : int
        Of the projection, and of LoRA.
    **options
        ``training``, ``lora``, ``train_embeddings`` and ``answer_vocabulary`` of `JointModel`.
    """
    layers = EncoderRow(
        encoder,
        language_model.get_input_embeddings().weight.shape[1],
        encoder_settings=encoder_settings,
        projection=projection,
        row_deviation=text_row_deviation(language_model, token_map),
        seed=seed,
    )
    if training_signals is not None:
        layers.fit_scale(training_signals, seed=seed)
    return JointModel(language_model, token_map, layers, seed=seed, **options)


def build_patch_model(
    language_model: Any,
    token_map: ECGTokenMap,
    *,
    num_leads: int,
    num_samples: int,
    layout: str = "all-leads",
    patch_samples: int = 25,
    training_signals: np.ndarray | None = None,
    seed: int = 0,
    **options: Any,
) -> JointModel:
    """Put linear patches before a language model.

    Parameters
    ----------
    language_model, token_map
        As in `JointModel`.
    num_leads, num_samples, layout, patch_samples
        As in `LinearPatches`.
    training_signals : numpy.ndarray or None
        Float32 [records, leads, samples] in mV, of training records alone: sets the scale (`LinearPatches.fit_scale`).
    seed : int
        Of the patches' layer, and of LoRA.
    **options
        ``training``, ``lora``, ``train_embeddings`` and ``answer_vocabulary`` of `JointModel`.
    """
    layers = LinearPatches(
        num_leads,
        num_samples,
        language_model.get_input_embeddings().weight.shape[1],
        layout=layout,
        patch_samples=patch_samples,
        row_deviation=text_row_deviation(language_model, token_map),
        seed=seed,
    )
    if training_signals is not None:
        layers.fit_scale(training_signals)
    return JointModel(language_model, token_map, layers, seed=seed, **options)


def build_frame_model(
    language_model: Any,
    token_map: ECGTokenMap,
    *,
    num_leads: int,
    num_samples: int,
    vocabulary: Any,
    frame_samples: int = 25,
    training_ecgs: Iterable[np.ndarray] | None = None,
    seed: int = 0,
    **options: Any,
) -> JointModel:
    """Put ECG tokens, added up frame by frame, before a language model.

    Parameters
    ----------
    language_model, token_map
        As in `JointModel`.
    num_leads, num_samples, frame_samples
        As in `TokenFrames`.
    vocabulary : bpe.Vocabulary
        Of the ECG tokenizer: rows start as what its tokens look like.
    training_ecgs : iterable of numpy.ndarray or None
        What `ecgbyte.models.token_frames.place_tokens` made of training ECGs: sets the scale (`TokenFrames.fit_scale`).
    seed : int
        Of the rows, and of LoRA.
    **options
        ``training``, ``lora``, ``train_embeddings`` and ``answer_vocabulary`` of `JointModel`.
    """
    layers = TokenFrames(
        num_leads,
        num_samples,
        vocabulary.size,
        language_model.get_input_embeddings().weight.shape[1],
        frame_samples=frame_samples,
        row_deviation=text_row_deviation(language_model, token_map),
        waveforms=describe_waveforms(vocabulary),
        seed=seed,
    )
    if training_ecgs is not None:
        layers.fit_scale(training_ecgs)
    return JointModel(language_model, token_map, layers, seed=seed, **options)
