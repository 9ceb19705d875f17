"""The second stage of a two-stage method: a language model that reads a frozen encoder's vector at one position.

The encoder itself is not in the model. Its features are computed once (`ecgbyte.training.features`), stand in
`ecgbyte.training.examples.Example.ecg`, and so get no gradient by construction. Sequences, labels, generation and
scores are those of the end-to-end model.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ecgbyte.checks import check_option
from ecgbyte.models.signal_positions import (
    SignalReader,
    load_signal_layers,
    read_signal_reader,
    save_signal_reader,
    text_row_deviation,
)

if TYPE_CHECKING:
    from ecgbyte.models.end_to_end import LoraSettings
    from ecgbyte.models.language.ecg_tokens import ECGTokenMap

PROJECTIONS = ("linear", "mlp")
"""``"linear"``: one linear layer, as published. ``"mlp"``: two, with GELU between them."""

SETTINGS_FILE, PROJECTION_FILE = "two_stage.json", "projection.safetensors"
# The mean square of GELU of a standard normal variable.
_GELU_MEAN_SQUARE = 0.4252


class FeatureProjection(nn.Module):
    """An encoder's features to a row that looks to a language model like one of its own.

    Features are brought to mean 0 and standard deviation 1 over the training records, each dimension by itself:
    contrastive features share a large mean, beside which the differences between records would be small. At the start
    of training the output has about the norm of a text token's row.

    Parameters
    ----------
    feature_size, hidden_size : int
        Lengths of the encoder's vector and of a row.
    kind : str
        One of `PROJECTIONS`.
    row_deviation : float
        Root mean square of the entries of text rows.
    seed : int
        Of the initial weights.
    """

    feature_mean: Tensor
    feature_deviation: Tensor
    row_deviation: Tensor

    def __init__(self, feature_size: int, hidden_size: int, *, kind: str, row_deviation: float, seed: int) -> None:
        super().__init__()
        check_option("projection", kind, PROJECTIONS)
        if feature_size < 1:
            raise ValueError(f"feature_size: expected a positive number, got {feature_size}")
        self.kind = kind
        self.feature_size = feature_size
        self.register_buffer("feature_mean", torch.zeros(feature_size))
        self.register_buffer("feature_deviation", torch.ones(feature_size))
        self.register_buffer("row_deviation", torch.tensor(row_deviation))
        sizes = [(feature_size, hidden_size)] if kind == "linear" else [(feature_size, hidden_size), (hidden_size,) * 2]
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList()
        for depth, (inputs, outputs) in enumerate(sizes):
            layer = nn.Linear(inputs, outputs)
            mean_square = 1.0 if depth == 0 else _GELU_MEAN_SQUARE
            nn.init.normal_(layer.weight, std=(inputs * mean_square) ** -0.5, generator=generator)
            nn.init.zeros_(layer.bias)
            self.layers.append(layer)

    def fit_scale(self, training_features: np.ndarray) -> None:
        """Take mean and deviation from the features of training records, float32 [records, features]."""
        if training_features.ndim != 2 or training_features.shape[1] != self.feature_size:
            expected = f"[records, {self.feature_size}]"
            raise ValueError(f"training_features: expected {expected}, got {list(training_features.shape)}")
        if len(training_features) == 0 or not np.isfinite(training_features).all():
            raise ValueError("training_features: expected one record at least and finite values")
        deviation = training_features.std(axis=0, dtype=np.float64)
        # A dimension that never varies says nothing; dividing it by its rounding error would make it the loudest.
        deviation[deviation <= 1e-6 * max(1e-30, float(deviation.max()))] = 1.0
        mean = training_features.mean(axis=0, dtype=np.float64)
        self.feature_mean = torch.from_numpy(mean).to(self.feature_mean)
        self.feature_deviation = torch.from_numpy(deviation).to(self.feature_deviation)

    def forward(self, features: Tensor) -> Tensor:
        """Float [records, feature_size] to float [records, hidden_size].

        Raises
        ------
        ValueError
            If the features have another length.
        """
        if features.ndim != 2 or features.shape[1] != self.feature_size:
            raise ValueError(
                f"features: expected shape [records, {self.feature_size}], got {list(features.shape)}; do they come "
                "from the encoder that this projection was made for?"
            )
        rows = (features - self.feature_mean) / self.feature_deviation
        for depth, layer in enumerate(self.layers):
            rows = layer(rows if depth == 0 else nn.functional.gelu(rows))
        return rows * self.row_deviation


class TwoStageModel(SignalReader):
    """A causal language model with a projected feature vector in place of the token ``<signal>``.

    Parameters
    ----------
    language_model : transformers causal language model
        With ``<signal>`` already added (`ecgbyte.models.language.ecg_tokens.add_signal_token`). That token's own row
        is never read.
    token_map : ECGTokenMap
        What `add_signal_token` returned.
    feature_size : int
        Length of the encoder's vector.
    training_features : numpy.ndarray, optional
        Float32 [records, features], of training records alone: sets the scale of features (`FeatureProjection`). None
        takes features as they are.
    projection : str
        One of `PROJECTIONS`.
    training, lora
        As in `ecgbyte.models.end_to_end.EndToEndModel`. The projection is trained in any case.
    train_embeddings : bool or None
        Whether the rows of ``<sig_start>`` and ``<sig_end>`` are trained, as in `EndToEndModel`.
    answer_vocabulary : "text" or "all"
        As in `EndToEndModel`.
    seed : int
        Of the initial weights of the projection and of LoRA.

    Raises
    ------
    ValueError
        If the map has no ``<signal>``, the model no row for it, the feature sizes differ, or an option is unknown.
    """

    _UNIT = "vector"

    def __init__(
        self,
        language_model: Any,
        token_map: ECGTokenMap,
        feature_size: int,
        *,
        training_features: np.ndarray | None = None,
        projection: str = "linear",
        training: str = "full",
        lora: LoraSettings | None = None,
        train_embeddings: bool | None = None,
        answer_vocabulary: str = "text",
        seed: int = 0,
    ) -> None:
        hidden_size = language_model.get_input_embeddings().weight.shape[1]
        row_deviation = text_row_deviation(language_model, token_map)
        super().__init__(
            language_model,
            token_map,
            training=training,
            lora=lora,
            train_embeddings=train_embeddings,
            answer_vocabulary=answer_vocabulary,
            seed=seed,
        )
        self.projection = FeatureProjection(
            feature_size, hidden_size, kind=projection, row_deviation=row_deviation, seed=seed
        )
        if training_features is not None:
            self.projection.fit_scale(training_features)

    def signal_rows(self, features: Tensor) -> Tensor:
        """Float [signals, feature_size] to float [signals, hidden]; errors as of `FeatureProjection`."""
        rows: Tensor = self.projection(features.to(self.projection.feature_mean))
        return rows


def save_two_stage(folder: str | os.PathLike[str], model: TwoStageModel, text_tokenizer: Any) -> None:
    """Write a model: the language model (LoRA merged), the text tokenizer and the projection, as safetensors and JSON.

    The folder stands there whole or not at all. The encoder is saved by itself
    (`ecgbyte.models.encoders.merl_folder.save_merl`).

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    """
    save_signal_reader(
        folder,
        model,
        model.projection,
        text_tokenizer,
        settings={"feature_size": model.projection.feature_size, "projection": model.projection.kind},
        settings_file=SETTINGS_FILE,
        weights_file=PROJECTION_FILE,
    )


def load_two_stage(folder: str | os.PathLike[str]) -> tuple[TwoStageModel, Any]:
    """Read what `save_two_stage` wrote.

    Returns
    -------
    model : TwoStageModel
        In evaluation mode.
    text_tokenizer : transformers tokenizer

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, the settings are of another format version, or a part does not fit them.
    """
    folder = Path(folder)
    settings, language_model, text_tokenizer, token_map = read_signal_reader(
        folder, SETTINGS_FILE, ("feature_size", "projection")
    )
    model = TwoStageModel(language_model, token_map, settings["feature_size"], projection=settings["projection"])
    load_signal_layers(folder / PROJECTION_FILE, model.projection, SETTINGS_FILE)
    return model.eval(), text_tokenizer
