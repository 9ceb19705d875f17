"""Models in which the tokens of a frame share a position: saved, loaded and asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte import ECGTokenizer, Preprocessor
from ecgbyte.cli import main
from ecgbyte.hub import Reading, answer_questions, load_model, save_model
from ecgbyte.hub.frames import placed
from ecgbyte.models.joint import JointModel, build_frame_model, build_patch_model
from ecgbyte.models.language.ecg_tokens import add_signal_token
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import generate_answers, score_yes_no
from tests.cli.cli_examples import write_record
from tests.hub.test_answering import QUESTIONS, records
from tests.hub.tiny_models import base_model

READING = Reading(max_length=200, answer_room=20, segment_seconds=2.0)


@pytest.fixture(scope="module")
def parts() -> tuple[JointModel, Any, ECGTokenizer]:
    """A model that reads 2 s of 100 Hz in 10 frames, and has learnt nothing."""
    preprocessor = Preprocessor(target_rate=100, denoise=False)
    clean = [preprocessor.apply(record) for record in records(4)]
    ecg = ECGTokenizer.train(clean, 40, preprocessing=preprocessor, progress=False)
    language_model, text = base_model()
    token_map = add_signal_token(language_model, text)
    model = build_frame_model(
        language_model, token_map, num_leads=12, num_samples=200, vocabulary=ecg.vocabulary, frame_samples=20
    )
    return model.eval(), text, ecg


def test_answers_and_scores_are_those_of_the_model(parts: tuple[JointModel, Any, ECGTokenizer], tmp_path: Path) -> None:
    model, text, ecg = parts
    save_model(tmp_path / "model", model, text, ecg, reading=READING)
    saved = load_model(tmp_path / "model", ecg)
    assert isinstance(saved.model, JointModel) and saved.model.signal_positions == 10
    weights = saved.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    (result,) = answer_questions(saved, records(1), QUESTIONS, start=1.5, max_new_tokens=5)
    clean = Preprocessor(target_rate=100, denoise=False).apply(records(1)[0])
    seen = placed(model.signal_layers, ecg.encode(clean.signal[:, 150:350]))
    examples = [Example(question, "r", "p", question, "", seen) for question in QUESTIONS]
    collate = Collator(
        model.token_map, text, max_length=200, answer_room=20, form="published", signal_positions=model.signal_positions
    )
    expected = generate_answers(model, examples, collate, max_new_tokens=5, progress=False)
    assert [answer.answer for answer in result.answers] == [item.answer for item in expected]
    scores = score_yes_no(model, examples, collate, progress=False)
    np.testing.assert_allclose([answer.yes for answer in result.answers], scores, atol=1e-5)
    assert result.tokens == np.count_nonzero(seen) and result.tokens_cut == 0


def test_it_answers_in_half_precision_and_from_a_shell(
    parts: tuple[JointModel, Any, ECGTokenizer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tmp_path / "model", *parts, reading=READING, dtype="bfloat16")
    record = write_record(tmp_path, "r", 1)
    assert main(["answer", str(record), "--model", str(tmp_path / "model"), "--question", QUESTIONS[0], "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert 0 <= answer["yes"] <= 1


def test_what_cannot_be_saved_is_told(parts: tuple[JointModel, Any, ECGTokenizer], tmp_path: Path) -> None:
    model, text, ecg = parts
    with pytest.raises(ValueError, match=r"the frames take 12 leads of 200 samples, got 1 s of 12 leads, 100 samples"):
        save_model(tmp_path / "model", model, text, ecg, reading=Reading(segment_seconds=1.0))
    with pytest.raises(ValueError, match=r"frames take ECGs of one length, expected seconds"):
        save_model(tmp_path / "model", model, text, ecg)
    with pytest.raises(ValueError, match=r"adapter: a model with token frames is written whole"):
        save_model(tmp_path / "model", model, text, ecg, reading=READING, adapter=True)
    language_model, other_text = base_model()
    token_map = add_signal_token(language_model, other_text)
    patches = build_patch_model(language_model, token_map, num_leads=12, num_samples=200)
    with pytest.raises(ValueError, match=r"model: its LinearPatches reads samples"):
        save_model(tmp_path / "model", patches, other_text, ecg, reading=READING)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "frames: expected an object or null"),
        ({"num_leads": 12}, "frames: .*num_samples"),
        ({"num_leads": 12, "num_samples": 200, "vocabulary_size": 9, "frame_samples": 20}, "do not fit"),
    ],
)
def test_damaged_folders_are_told(
    frames: Any, message: str, parts: tuple[JointModel, Any, ECGTokenizer], tmp_path: Path
) -> None:
    save_model(tmp_path / "model", *parts, reading=READING)
    description = tmp_path / "model" / "ecg_tokens.json"
    description.write_text(json.dumps({**json.loads(description.read_text()), "frames": frames}))
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path / "model")
