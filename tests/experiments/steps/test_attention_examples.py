"""Attention of some answers: kept by rule with its controls, and drawn from the files alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from ecgbyte.data.questions.question import Question
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from experiments.figures.attention import attention_figure, attention_maps_figure
from experiments.figures.attention_maps import draw_attention, lead_weights, relative_weights
from experiments.steps.attention import CONDITIONS, attention_examples, first_of_each_type, fitting_answer
from experiments.steps.learning import Learner
from experiments.steps.segments import Segments

TYPES = ("single-verify", "single-verify", "single-query", "single-choose", "single-query")
SAMPLES = 60


class Kept(NamedTuple):
    folder: Path
    arguments: dict[str, Any]
    details: dict[str, Any]


@pytest.fixture(scope="module", params=["lead", "record"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    time = np.arange(SAMPLES) / 250
    generator = np.random.default_rng(1)
    signals = np.stack(
        [
            np.sin(2 * np.pi * 4 * time + generator.uniform(0, 6, (12, 1))) * generator.uniform(0.2, 1, (12, 1))
            for _ in range(6)
        ]
    ).astype(np.float32)[:, None]
    segments = Segments(signals, {f"r{row}": row for row in range(6)}, 250.0)
    tokenizer = ECGTokenizer.train(list(signals[:, 0]), 40, boundary=request.param, sampling_rate=250.0, progress=False)
    questions = [
        Question(f"q{i}", "t", kind, "rhythm", f"Is there {i}, or more?", ("yes",), (f"r{i}",), (), "generated")
        for i, kind in enumerate(TYPES)
    ]
    examples = [
        Example(q.sample_id, q.record_id, q.record_id, q.question, q.reference, tokenizer.encode(signals[i, 0]).ids)
        for i, q in enumerate(questions)
    ]

    def learner(seed: int) -> Learner:
        texts = [q.question for q in questions] + ["yes", "no"]
        size = TinySize(hidden=16, layers=2, heads=2, mlp=32, max_positions=512, text_vocabulary=300)
        model, text_tokenizer = load_language_model("tiny", texts=texts, size=size, seed=seed)
        token_map = add_ecg_tokens(model, text_tokenizer, tokenizer, seed=seed)
        # Short, so that the end of an ECG is cut.
        return Learner(
            EndToEndModel(model, token_map), Collator(token_map, text_tokenizer, max_length=130, answer_room=8)
        )

    arguments = {
        "learner": learner(0),
        "examples": examples,
        "questions": questions,
        "tokenizer": tokenizer,
        "segments": segments,
        "numbers": [0] * len(questions),
        "others": {f"r{i}": f"r{(i + 1) % 6}" for i in range(6)},
        "untrained": learner(1),
    }
    folder = tmp_path_factory.mktemp("attention")
    return Kept(folder, arguments, attention_examples(folder, **arguments))


def test_the_first_question_of_each_type_is_kept(kept: Kept) -> None:
    questions = kept.arguments["questions"]
    assert first_of_each_type(questions) == [3, 2, 0]
    content = json.loads((kept.folder / "attention.json").read_text())
    assert [caption["sample_id"] for caption in content["examples"]] == ["q3", "q2", "q0"]
    assert [caption["other_record_id"] for caption in content["examples"]] == ["r4", "r3", "r1"]
    assert kept.details["examples"] == 3
    assert set(kept.details["on_ecg"]) == {"single-choose", "single-query", "single-verify"}


def test_the_same_again_is_the_same_bytes(kept: Kept, tmp_path: Path) -> None:
    attention_examples(tmp_path, **kept.arguments)
    names = sorted(path.name for path in kept.folder.iterdir() if path.is_file())
    assert names == ["attention-0.npz", "attention-1.npz", "attention-2.npz", "attention.json"]
    for name in names:
        assert (tmp_path / name).read_bytes() == (kept.folder / name).read_bytes(), name


def test_what_is_kept_agrees_with_itself(kept: Kept) -> None:
    arguments = kept.arguments
    with np.load(kept.folder / "attention-2.npz") as stored:
        arrays = dict(stored)
    for condition, record in zip(CONDITIONS, (0, 1, 0), strict=True):
        signal = arguments["segments"].signals[record, 0]
        np.testing.assert_array_equal(arrays[f"{condition}.signal"], signal)
        np.testing.assert_array_equal(arrays[f"{condition}.ids"], arguments["tokenizer"].encode(signal).ids)
        attention = arrays[f"{condition}.attention"]
        assert 0 < len(attention) < len(arrays[f"{condition}.ids"])
        assert arrays[f"{condition}.attention-by-head"].mean(axis=(0, 1)) == pytest.approx(attention)
        assert arrays[f"{condition}.parts"].sum() == pytest.approx(1, abs=1e-5)
        assert arrays[f"{condition}.parts"][1] == pytest.approx(attention.sum(), abs=1e-5)
        assert kept.details["on_ecg"]["single-verify"][condition] == pytest.approx(attention.sum(), abs=1e-5)
    # The controls are others: not the same numbers once more, though about the same answer.
    assert not np.allclose(arrays["ecg.attention"], arrays["untrained.attention"])
    assert not np.array_equal(arrays["ecg.ids"], arrays["other-patient.ids"])


def test_figures_are_drawn_from_the_files_alone(kept: Kept, tmp_path: Path) -> None:
    content = json.loads((kept.folder / "attention.json").read_text())
    content["examples"] = content["examples"][1:2]
    (tmp_path / "attention.json").write_text(json.dumps(content))
    (tmp_path / "attention-1.npz").write_bytes((kept.folder / "attention-1.npz").read_bytes())
    figures = draw_attention(tmp_path, tmp_path / "figures")
    assert [path.name for path in figures] == ["attention-single-query.png", "attention-single-query-controls.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in figures)


def test_equal_weights_are_one_everywhere(kept: Kept) -> None:
    encoding = kept.arguments["tokenizer"].encode(kept.arguments["segments"].signals[0, 0])
    for number in (len(encoding.ids), len(encoding.ids) // 2):
        relative = relative_weights(np.full(number, 0.3), encoding)
        assert relative[~np.isnan(relative)] == pytest.approx(1)
        by_lead = lead_weights(np.full(number, 0.3), encoding)
        assert by_lead[~np.isnan(by_lead)] == pytest.approx(1)
        assert np.isnan(by_lead).any() == (number < len(encoding.ids))
    weights = np.full(len(encoding.ids), 1.0)
    weights[0] = 3.0
    relative = relative_weights(weights, encoding)
    stop = int(encoding.offsets[0, 1])
    assert relative[0, 0] == pytest.approx(3 * len(weights) / weights.sum())
    assert relative.ravel()[stop] == pytest.approx(len(weights) / weights.sum())


def test_an_answer_is_cut_to_its_room(kept: Kept) -> None:
    collator = kept.arguments["learner"].collator
    assert fitting_answer(collator, "yes") == "yes"
    assert fitting_answer(collator, "") == ""
    cut = fitting_answer(collator, " ".join(["yes"] * 20))
    assert 0 < len(cut.split()) < 20
    collator([dataclasses.replace(kept.arguments["examples"][0], answer=cut)])


def test_bad_input_is_refused(kept: Kept, tmp_path: Path) -> None:
    arguments = kept.arguments
    with pytest.raises(ValueError, match="got 5, 5 and 1"):
        attention_examples(tmp_path, **(arguments | {"numbers": [0]}))
    wrong = [dataclasses.replace(example, ecg=example.ecg[:-1]) for example in arguments["examples"]]
    with pytest.raises(ValueError, match=r"examples\[3\]: its ECG is not what the tokenizer gives"):
        attention_examples(tmp_path, **(arguments | {"examples": wrong}))
    with pytest.raises(TypeError, match="untrained: its model is NoneType"):
        attention_examples(tmp_path, **(arguments | {"untrained": Learner(None, arguments["learner"].collator)}))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        draw_attention(tmp_path, tmp_path / "figures")
    (tmp_path / "attention.json").write_text('{"version": 7}')
    with pytest.raises(ValueError, match="got version 7"):
        draw_attention(tmp_path, tmp_path / "figures")
    signal = np.zeros((12, 50))
    texts = {"sampling_rate": 250, "title": "t", "question": "q", "reference": "r", "answer": ""}
    with pytest.raises(ValueError, match=r"relative: got shape \(12, 49\)"):
        attention_figure(signal, np.ones((12, 49)), tmp_path / "a.png", **texts)
    with pytest.raises(ValueError, match=r"relative: got -1"):
        attention_figure(signal, signal - 1, tmp_path / "a.png", **texts)
    with pytest.raises(ValueError, match="expected every measure of every condition"):
        attention_maps_figure({("a", "b"): signal}, {}, tmp_path / "a.png", sampling_rate=250, title="t")


def test_colours_follow_the_weights(tmp_path: Path) -> None:
    """A lead of high weight is drawn in the red end of the scale, others in the blue one."""
    from PIL import Image

    time = np.arange(500) / 250
    signal = np.tile(0.3 * np.sin(2 * np.pi * time), (12, 1))
    counts = []
    for strong in (1, 6):
        relative = np.full((12, 500), 0.25)
        relative[:strong] = 4
        texts = {"title": "t", "question": "q", "reference": "r", "answer": "a"}
        path = attention_figure(signal, relative, tmp_path / "a.png", sampling_rate=250, **texts)
        with Image.open(path) as image:
            # Without the colour bar at the right.
            pixels = np.asarray(image.convert("RGB")).astype(int)[:, : int(0.88 * image.width)]
        counts.append([(np.abs(pixels - colour).sum(axis=2) < 40).sum() for colour in ([122, 0, 16], [11, 60, 120])])
    (red, blue), (more_red, less_blue) = counts
    assert more_red / red == pytest.approx(6, rel=0.1)
    assert less_blue / blue == pytest.approx(6 / 11, rel=0.1)


@pytest.mark.parametrize(("samples", "rate"), [(500, 250), (1250, 250), (1000, 100)])
def test_pages_of_any_length(samples: int, rate: int, tmp_path: Path) -> None:
    from PIL import Image

    relative = np.ones((12, samples))
    relative[11] = np.nan
    texts = {"title": "t", "question": "q" * 300, "reference": "r", "answer": "", "note": "n"}
    path = attention_figure(np.zeros((12, samples)), relative, tmp_path / "a.png", sampling_rate=rate, **texts)
    with Image.open(path) as image:
        assert image.width == 1770
        assert 400 < image.height < 4000
