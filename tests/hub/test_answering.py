"""Asking a saved model, from Python and from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ecgbyte import ECGTokenizer, Preprocessor, Record
from ecgbyte.cli import main
from ecgbyte.hub import Reading, answer_questions, load_model, save_model
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.signals.leads import LEADS
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import generate_answers, score_yes_no
from tests.cli.cli_examples import write_record
from tests.hub.tiny_models import base_model

QUESTIONS = ["Is this ECG normal?", "Which rhythm is it?", "Is it sinus rhythm?"]


def records(count: int, seconds: float = 5.0, rate: int = 100) -> list[Record]:
    rng = np.random.default_rng(0)
    shape = (12, int(seconds * rate))
    return [Record(np.cumsum(rng.normal(0, 0.05, shape), axis=1), rate, LEADS, f"r{k}") for k in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model that reads 2 s of 100 Hz after some preprocessing, and has learnt nothing."""
    preprocessor = Preprocessor(target_rate=100, denoise=False)
    ecg = ECGTokenizer.train(
        [preprocessor.apply(record) for record in records(4)], 40, preprocessing=preprocessor, progress=False
    )
    language_model, text = base_model()
    token_map = add_ecg_tokens(language_model, text, ecg)
    path = tmp_path_factory.mktemp("answering") / "model"
    reading = Reading(max_length=1500, answer_room=20, segment_seconds=2.0)
    save_model(path, EndToEndModel(language_model, token_map), text, ecg, reading=reading)
    return path


def test_answers_and_scores_are_those_of_the_model(folder):
    saved = load_model(folder)
    asked = records(2)
    results = answer_questions(saved, asked, QUESTIONS, start=1.5, max_new_tokens=5)
    collate = Collator(saved.token_map, saved.text_tokenizer, max_length=1500, answer_room=20, form="published")
    for record, result in zip(asked, results, strict=True):
        clean = Preprocessor(target_rate=100, denoise=False).apply(record)
        encoding = saved.ecg_tokenizer.encode(clean.signal[:, 150:350])
        examples = [Example(question, "r", "p", question, "", encoding.ids) for question in QUESTIONS]
        expected = generate_answers(saved.model, examples, collate, max_new_tokens=5, progress=False)
        scores = score_yes_no(saved.model, examples, collate, progress=False)
        assert [answer.question for answer in result.answers] == QUESTIONS
        assert [answer.answer for answer in result.answers] == [item.answer for item in expected]
        np.testing.assert_allclose([answer.yes for answer in result.answers], scores, atol=1e-5)
        assert (result.record_id, result.seconds, result.tokens) == (record.record_id, (1.5, 3.5), len(encoding))
        assert result.tokens_cut == 0 and result.clipped == encoding.clipped
        assert json.loads(json.dumps(result.as_dict()))["answers"][0]["question"] == QUESTIONS[0]


def test_what_does_not_fit_the_model_is_told(folder):
    saved = load_model(folder)
    (long,) = records(1)
    few = Record(long.signal[:3], 100, LEADS[:3], "few-leads")
    (short,) = records(1, seconds=1.5)
    for record, options, message in (
        (few, {}, "records: 'few-leads' has the leads I, II, III, the model reads"),
        (short, {}, "records: 'r0' is 1.5 s long, the model reads 2 s from 0 s on"),
        (long, {"start": 3.5}, "records: 'r0' is 5 s long, the model reads 2 s from 3.5 s on"),
        (records(1, rate=200)[0], {"preprocess": False}, "records: 'r0' has 200 samples a second, the model reads 100"),
        (long, {"start": -1}, "start: got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            answer_questions(saved, [record], QUESTIONS, **options)
    with pytest.raises(TypeError, match=r"records: got ndarray, expected ecgbyte\.Record"):
        answer_questions(saved, [long.signal], QUESTIONS)
    for questions in ([], ["  "]):
        with pytest.raises(ValueError, match="questions: expected one at least, none of them empty"):
            answer_questions(saved, [long], questions)
    with pytest.raises(ValueError, match="max_new_tokens: expected 1 to 20"):
        answer_questions(saved, [long], QUESTIONS, max_new_tokens=21)


def test_what_of_an_ecg_does_not_fit_is_counted(folder, tmp_path):
    saved = load_model(folder)
    reading = Reading(max_length=100, answer_room=20)
    save_model(tmp_path / "short", saved.model, saved.text_tokenizer, saved.ecg_tokenizer, reading=reading)
    (result,) = answer_questions(load_model(tmp_path / "short"), records(1), QUESTIONS[:1], max_new_tokens=2)
    assert result.seconds == (0.0, 5.0) and 0 < result.tokens - result.tokens_cut < 100
    with pytest.raises(ValueError, match="start: got 1, but this model reads whole records"):
        answer_questions(load_model(tmp_path / "short"), records(1), QUESTIONS, start=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Two records that fit the model, and one that is too short."""
    path = tmp_path_factory.mktemp("files")
    for number, seconds in enumerate((5, 5, 1)):
        write_record(path, f"r{number}", number, seconds=seconds)
    return path


def test_the_command_answers_in_words(folder, files, capsys):
    command = ["answer", str(files / "r0"), "--model", str(folder), "--max-new-tokens", "3"]
    assert main([*command, "--question", QUESTIONS[0], "--question", QUESTIONS[1]]) == 0
    written = capsys.readouterr()
    lines = written.out.splitlines()
    assert lines[0].startswith(f"{files / 'r0'} (0 to 2 s, ") or lines[0].startswith("r0 (0 to 2 s, ")
    assert [QUESTIONS[0] in lines[1], QUESTIONS[1] in lines[2], "(yes 0." in lines[1]] == [True] * 3
    assert "no medical device" in written.err


def test_the_command_answers_in_json_and_goes_on_after_a_record_that_does_not_fit(folder, files, tmp_path, capsys):
    rejected = tmp_path / "rejected.csv"
    command = ["answer", str(files), "--model", str(folder), "--max-new-tokens", "3", "--json"]
    assert main([*command, "--question", QUESTIONS[0], "--rejected", str(rejected)]) == 1
    written = capsys.readouterr()
    first, second, third = (json.loads(line) for line in written.out.splitlines())
    assert first["answers"][0]["question"] == QUESTIONS[0] and 0 <= first["answers"][0]["yes"] <= 1
    assert second["seconds"] == [0.0, 2.0] and "no medical device" in second["notice"]
    assert "1 s long, the model reads 2 s" in third["rejected"]
    assert "1 s long, the model reads 2 s" in rejected.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "MODEL"], "--question"),
        (["--question", "a"], "--model"),
        (
            ["--model", "MODEL", "--question", "a", "--segment-seconds", "2"],
            "--segment-seconds: the model says how long",
        ),
        (["--model", "NOWHERE", "--question", "a"], "expected a saved model with ecg_tokens.json"),
        (["--model", "MODEL", "--question", "a", "--base", "x"], "--base: "),
    ],
)
def test_wrong_options_end_with_two(options, message, folder, files, capsys):
    given = [{"MODEL": str(folder), "NOWHERE": str(files)}.get(option, option) for option in options]
    assert main(["answer", str(files / "r0"), *given]) == 2
    assert message in capsys.readouterr().err
