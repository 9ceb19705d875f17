"""Encoders that stay as they were drawn: what pretraining is measured against.

An encoder is kept as what it was drawn from and its weights, so that the statistics of its batch norms, which come from
training records, need not be computed again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file
from torch import nn

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.files import replacing, write_atomically
from ecgbyte.models.encoders.random_encoders import build_random_encoder
from experiments.steps.segments import Segments

RECIPE_FILE, WEIGHTS_FILE = "recipe.json", "encoder.safetensors"
# Records whose first segments give the statistics; a batch norm needs no more.
_RECORDS = 512


def draw_encoder(
    folder: Path,
    name: str,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    settings: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Draw an encoder and leave it in a folder: the work of a step.

    Parameters
    ----------
    folder : Path
        The step's folder.
    name : str
        One of `ecgbyte.models.encoders.ecg_encoders.ENCODERS`.
    segments : Segments
    train_entries : sequence of RecordEntry
        The training records, whose first segments give the statistics of batch norms; at most 512, evenly chosen.
    settings : mapping
        ``size``, and ``normalisation`` where the encoder reads pictures.
    seed : int
        Of the weights.

    Raises
    ------
    ValueError
        If the size is that of a pretrained model.
    """
    leads, samples = segments.signals.shape[2:]
    recipe = {"name": name, "leads": int(leads), "samples": int(samples), "seed": seed, **settings}
    chosen = np.unique(np.linspace(0, len(train_entries) - 1, _RECORDS).astype(np.int64))
    signals = np.stack([segments.signal(train_entries[place].record_id, 0) for place in chosen])
    encoder = build_random_encoder(**recipe, training_signals=signals)
    with replacing(folder / WEIGHTS_FILE) as partial:
        save_file({key: value.contiguous() for key, value in encoder.state_dict().items()}, partial)
    write_atomically(folder / RECIPE_FILE, json.dumps(recipe))
    return {"parameters": sum(weight.numel() for weight in encoder.parameters())}


def load(folders: Sequence[Path], *, faults: Sequence[str], seed: int) -> nn.Module:
    """See `experiments.steps.encoders.part.EncoderModule`; no fault is kept, and nothing is drawn here."""
    (folder,) = folders
    encoder = build_random_encoder(**json.loads((folder / RECIPE_FILE).read_text(encoding="utf-8")))
    encoder.load_state_dict(load_file(folder / WEIGHTS_FILE))
    return encoder.eval()
