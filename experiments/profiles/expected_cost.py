"""What a run is expected to take, from its settings alone: operations and disk, for the plan and the time left.

Training a transformer takes about 6 operations for every parameter and position (Kaplan et al. 2020,
https://arxiv.org/abs/2001.08361, section 2.1). The figures are for planning; what runs took is measured.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from ecgbyte.signals.leads import LEADS
from experiments.profiles.encoders import find_encoder

if TYPE_CHECKING:
    from experiments.profiles.profile import Profile

# Symbols a token stands for, and positions of a question with its answer: typical of the data sets here.
_SYMBOLS_PER_TOKEN = 12.0
_QUESTION_POSITIONS = 20
_SMOLLM2_PARAMETERS = 1.35e8
# The share of the speed of a matrix product that training was seen to reach.
EFFICIENCY = 0.2


def language_model_parameters(profile: Profile) -> float:
    """Parameters of the language model beside its embeddings; NaN where its name does not tell."""
    model = profile.model
    if model.name == "tiny":
        return model.layers * (4 * model.hidden_size**2 + 8 * model.hidden_size**2)
    if model.name == "smollm2":
        return _SMOLLM2_PARAMETERS
    found = re.search(r"(\d+(?:\.\d+)?)([MB])\b", model.name)
    return float(found[1]) * {"M": 1e6, "B": 1e9}[found[2]] if found else float("nan")


def segment_samples(profile: Profile) -> float:
    """Samples of one segment, all leads."""
    return len(LEADS) * lead_samples(profile)


def lead_samples(profile: Profile) -> float:
    """Samples of one lead of a segment."""
    return profile.data.segment_seconds * profile.preprocessing.target_rate


def segment_bytes(profile: Profile, records: int) -> float:
    """Of the stored segments."""
    return 4.0 * records * profile.data.segments_per_record * segment_samples(profile)


def symbols_per_token(profile: Profile) -> float:
    """Symbols that a token stands for: one where nothing is merged."""
    return _SYMBOLS_PER_TOKEN if profile.tokenizer.num_merges else 1.0


def token_bytes(profile: Profile) -> float:
    """Of the stored tokens."""
    data = profile.data
    records = data.train_records + data.validation_records + data.test_records
    return segment_bytes(profile, records) / symbols_per_token(profile)


def token_positions(profile: Profile) -> float:
    """Positions that the tokens of a segment take."""
    return min(segment_samples(profile) / symbols_per_token(profile), profile.model.max_length)


def training_operations(profile: Profile, positions: float, beside: float, *, padded_length: int | None) -> float:
    """Operations of training a method's language model.

    Parameters
    ----------
    profile : Profile
    positions : float
        That an ECG takes.
    beside : float
        Operations of one question beside the language model's.
    padded_length : int or None
        What every question, computed apart, is padded to; None where questions share an ECG.
    """
    questions = profile.questions.train * profile.training.epochs
    if padded_length is not None:
        computed = questions * float(padded_length)
    else:
        computed = questions * (positions / profile.training.questions_per_segment + _QUESTION_POSITIONS)
    return 6 * language_model_parameters(profile) * computed + questions * beside


def pretraining_operations(profile: Profile, encoder: str) -> float:
    """Operations of an encoder's stage 1."""
    segments = profile.data.train_records * profile.data.segments_per_record
    settings = profile.encoder(encoder)
    return float(settings.epochs * segments * find_encoder(encoder).expected_operations(settings))


def answering_operations(profile: Profile, positions: float, inputs: int) -> float:
    """Operations of answering the test questions under so many inputs: a third of training's for each position."""
    computed = positions + _QUESTION_POSITIONS
    return 2 * language_model_parameters(profile) * computed * profile.questions.test * inputs


def model_bytes(profile: Profile) -> float:
    """Of a trained model, with a checkpoint beside it while it trains."""
    return 3 * 4 * language_model_parameters(profile)


def operations_per_second() -> float:
    """What training is expected to reach here: a share of the speed of a matrix product, measured for a moment."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    side = 4096 if device.type == "cuda" else 768
    matrix = torch.ones(side, side, device=device)
    float((matrix @ matrix)[0, 0])
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < 0.3:
        float((matrix @ matrix)[0, 0])
        count += 1
    return EFFICIENCY * 2 * side**3 * count / (time.perf_counter() - started)
