"""Sequences and label masks, written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ecgbyte.models.language.ecg_tokens import ECGTokenMap
from ecgbyte.training.examples import Example
from ecgbyte.training.sequences import build_sequence, report_truncation

BOS, EOS, START, END, SIGNAL = 1, 2, 90, 91, 92
WORDS = {"Is": 10, "it": 11, "regular?": 12, "yes": 20, "no": 21, "pattern": 22}
# ECG id -> id in the language model; deliberately not in order.
TOKEN_MAP = ECGTokenMap(np.array([52, 50, 53, 51]), START, END)


def words(bos: int | None = BOS, eos: int | None = EOS) -> Any:
    """Return a tokenizer that knows whole words only."""
    return SimpleNamespace(
        bos_token_id=bos, eos_token_id=eos, encode=lambda text, **options: [WORDS[word] for word in text.split()]
    )


def example(ecg: np.ndarray | None, question: str = "Is it regular?", answer: str = "yes pattern") -> Example:
    return Example("s1", "r1", "p1", question, answer, ecg)


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def test_end_to_end_sequence_and_labels() -> None:
    sequence = build_sequence(example(ids(3, 0, 1)), TOKEN_MAP, words())
    assert sequence.input_ids.tolist() == [1, 90, 51, 52, 50, 91, 10, 11, 12, 20, 22, 2]
    assert sequence.labels.tolist() == [-100] * 9 + [20, 22, 2]
    assert sequence.features is None and sequence.dropped_ecg_tokens == 0


def test_two_stage_sequence_has_one_position_for_the_encoder() -> None:
    features = np.array([0.5, -1.0], np.float32)
    sequence = build_sequence(example(features), ECGTokenMap(ids(), START, END, SIGNAL), words())
    assert sequence.input_ids.tolist() == [1, 90, 92, 91, 10, 11, 12, 20, 22, 2]
    assert sequence.labels.tolist() == [-100] * 7 + [20, 22, 2]
    assert sequence.features is not None and sequence.features.tolist() == [0.5, -1.0]


def test_text_alone_has_no_signal_block() -> None:
    sequence = build_sequence(example(None), TOKEN_MAP, words())
    assert sequence.input_ids.tolist() == [1, 10, 11, 12, 20, 22, 2]
    assert sequence.labels.tolist() == [-100] * 4 + [20, 22, 2]


def test_a_tokenizer_without_bos_starts_with_the_ecg() -> None:
    sequence = build_sequence(example(ids(2)), TOKEN_MAP, words(bos=None))
    assert sequence.input_ids.tolist() == [90, 53, 91, 10, 11, 12, 20, 22, 2]


def test_an_empty_answer_is_learnt_as_eos() -> None:
    sequence = build_sequence(example(None, answer=" "), TOKEN_MAP, words())
    assert sequence.input_ids.tolist() == [1, 10, 11, 12, 2]
    assert sequence.labels.tolist() == [-100] * 4 + [2]


def test_the_prompt_is_what_training_sees_before_the_answer() -> None:
    item = example(ids(3, 0, 1))
    prompt = build_sequence(item, TOKEN_MAP, words(), for_generation=True)
    assert prompt.input_ids.tolist() == [1, 90, 51, 52, 50, 91, 10, 11, 12]
    assert set(prompt.labels.tolist()) == {-100}


def test_truncation_drops_ecg_tokens_alike_in_training_and_generation() -> None:
    item = example(np.arange(4, dtype=np.int32).repeat(5), answer="yes")
    # 14 positions: BOS, <sig_start>, <sig_end>, 3 of the question, 5 for the answer leave 3.
    options: dict[str, Any] = {"max_length": 14, "answer_room": 5}
    training = build_sequence(item, TOKEN_MAP, words(), **options)
    prompt = build_sequence(item, TOKEN_MAP, words(), **options, for_generation=True)
    assert training.input_ids.tolist() == [1, 90, 52, 52, 52, 91, 10, 11, 12, 20, 2]
    assert prompt.input_ids.tolist() == training.input_ids.tolist()[:-2]
    assert training.dropped_ecg_tokens == prompt.dropped_ecg_tokens == 17
    # The answer's length does not decide what of the ECG is seen.
    longer = build_sequence(replace(item, answer="yes pattern no"), TOKEN_MAP, words(), **options)
    assert longer.input_ids.tolist()[:9] == prompt.input_ids.tolist()
    report = report_truncation([training, longer], [item, item])
    assert report.to_dict() == {
        "samples": 2,
        "truncated_samples": 2,
        "ecg_tokens": 40,
        "dropped_ecg_tokens": 34,
        "longest_sequence": 13,
    }


def test_question_and_answer_are_never_cut() -> None:
    with pytest.raises(ValueError, match="answer_room: the answer of sample 's1' and EOS take 3 positions"):
        build_sequence(example(ids(0)), TOKEN_MAP, words(), answer_room=2)
    with pytest.raises(ValueError, match="max_length: 10 positions do not hold sample 's1'"):
        build_sequence(example(ids(0)), TOKEN_MAP, words(), max_length=10, answer_room=5)
    assert len(build_sequence(example(ids(0)), TOKEN_MAP, words(), max_length=12, answer_room=5).input_ids) == 10
    with pytest.raises(ValueError, match="max_length: 8 positions"):
        build_sequence(example(None), TOKEN_MAP, words(), max_length=8, answer_room=5)


@pytest.mark.parametrize("bad", [ids(0, 4), ids(-1, 2)])
def test_an_ecg_of_another_tokenizer_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"ids 0\.\.3; was the ECG encoded with another tokenizer"):
        build_sequence(example(bad), TOKEN_MAP, words())


def test_features_need_a_signal_token() -> None:
    with pytest.raises(ValueError, match="no <signal> token"):
        build_sequence(example(np.zeros(2, np.float32)), TOKEN_MAP, words())


def test_no_eos_and_an_empty_prompt_are_errors() -> None:
    with pytest.raises(ValueError, match="text_tokenizer: expected an EOS token"):
        build_sequence(example(None), TOKEN_MAP, words(eos=None))
    with pytest.raises(ValueError, match="empty prompt"):
        build_sequence(example(None, question=""), TOKEN_MAP, words(bos=None), for_generation=True)


def test_text_that_names_a_token_stays_text(make_reader: Callable[..., Any]) -> None:
    reader = make_reader()
    item = example(None, question="signal_7 </s> <sig_end>", answer="</s> signal_3")
    sequence = build_sequence(item, reader.token_map, reader.text_tokenizer)
    special = {*reader.token_map.all_ids(), reader.text_tokenizer.eos_token_id}
    assert special.isdisjoint(sequence.input_ids.tolist()[:-1])
    assert reader.text_tokenizer.decode(sequence.input_ids[1:-1]) == "signal_7 </s> <sig_end> </s> signal_3"


@pytest.mark.parametrize(
    ("ecg", "error", "message"),
    [
        (np.zeros((2, 3), np.int32), ValueError, r"expected shape \[tokens\]"),
        (np.zeros(0, np.int32), ValueError, "one value at least"),
        (np.array(["a"]), TypeError, "expected integers"),
        (np.array([1.0, np.nan], np.float32), ValueError, "NaN or infinity"),
        ([1, 2], TypeError, "expected a NumPy array or None, got list"),
        (np.zeros((2, 3), np.float64), TypeError, "expected a signal of float32, got float64"),
        (np.full((2, 3), np.inf, np.float32), ValueError, "NaN or infinity"),
        (np.zeros((2, 0), np.float32), ValueError, "one value at least"),
        (np.zeros((1, 2, 3), np.float32), ValueError, r"of floats, \[leads, samples\]"),
    ],
)
def test_examples_check_their_ecg(ecg: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        example(ecg)


def test_an_example_knows_what_it_holds() -> None:
    held = [ids(1), np.zeros(2, np.float32), np.zeros((2, 3), np.float32), None]
    kinds = [(item.is_tokens, item.is_features, item.is_signal) for item in map(example, held)]
    assert kinds == [(True, False, False), (False, True, False), (False, False, True), (False, False, False)]


def test_examples_check_their_text() -> None:
    with pytest.raises(TypeError, match="answer: expected str, got list"):
        Example("s", "r", "p", "q", ["yes"], None)  # type: ignore[arg-type]


def test_a_signal_takes_as_many_positions_as_it_is_given_and_is_never_cut() -> None:
    signal = np.zeros((2, 5), np.float32)
    token_map = ECGTokenMap(ids(), START, END, SIGNAL)
    sequence = build_sequence(example(signal), token_map, words(), signal_positions=3)
    assert sequence.input_ids.tolist() == [1, 90, 92, 92, 92, 91, 10, 11, 12, 20, 22, 2]
    assert sequence.labels.tolist() == [-100] * 9 + [20, 22, 2]
    assert sequence.features is signal and sequence.dropped_ecg_tokens == 0
    # BOS, <sig_start>, <sig_end>, 3 of the question, 3 of the answer and EOS leave exactly 3.
    options: dict[str, Any] = {"signal_positions": 3, "answer_room": 3}
    assert len(build_sequence(example(signal), token_map, words(), max_length=12, **options).input_ids) == 12
    with pytest.raises(ValueError, match=r"max_length: 11 positions do not hold sample 's1'.* its ECG 3 at least"):
        build_sequence(example(signal), token_map, words(), max_length=11, **options)
    with pytest.raises(ValueError, match="holds a signal, the map has no <signal> token"):
        build_sequence(example(signal), TOKEN_MAP, words())
    with pytest.raises(ValueError, match="signal_positions: an encoder's vector takes one position, got 3"):
        build_sequence(example(signal[0]), token_map, words(), signal_positions=3)


def test_features_are_told_apart_by_a_short_key_of_shape_and_values() -> None:
    token_map = ECGTokenMap(ids(), START, END, SIGNAL)
    arrays = [np.zeros(6, np.float32), np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32)]
    arrays.append(np.array([[0, 0, 0], [0, 0, 1e-30]], np.float32))
    keys = [build_sequence(example(array), token_map, words()).features_key() for array in arrays]
    assert len(set(keys)) == 4 and {len(key) for key in keys} == {16}
    turned = np.asfortranarray(arrays[3])
    assert build_sequence(example(turned), token_map, words()).features_key() == keys[3]
    assert build_sequence(example(None), token_map, words()).features_key() == b""


def test_truncation_as_published_depends_on_the_answer_and_spares_generation() -> None:
    item = example(np.arange(4, dtype=np.int32).repeat(5), answer="yes")
    options: dict[str, Any] = {"max_length": 10, "answer_room": 1, "truncation": "as-published"}
    training = build_sequence(item, TOKEN_MAP, words(), **options)
    # 10 less 3 of the question and 1 of the answer; BOS, <sig_start>, <sig_end> and EOS come on top.
    assert training.input_ids.tolist() == [1, 90, 52, 52, 52, 52, 52, 50, 91, 10, 11, 12, 20, 2]
    assert len(training.input_ids) == 10 + 4 and training.dropped_ecg_tokens == 14
    longer = build_sequence(replace(item, answer="yes pattern no"), TOKEN_MAP, words(), **options)
    assert longer.dropped_ecg_tokens == 16 and len(longer.input_ids) == 14
    prompt = build_sequence(item, TOKEN_MAP, words(), **options, for_generation=True)
    assert prompt.dropped_ecg_tokens == 0
    assert prompt.input_ids.tolist() == [1, 90, *TOKEN_MAP.ids[item.ecg], 91, 10, 11, 12]
    with pytest.raises(ValueError, match=r"max_length: 4 positions do not hold .* its ECG 1 at least and its answer 1"):
        build_sequence(item, TOKEN_MAP, words(), max_length=4, truncation="as-published")
    assert len(build_sequence(item, TOKEN_MAP, words(), max_length=5, truncation="as-published").input_ids) == 9
    with pytest.raises(ValueError, match="truncation: got 'none', expected one of 'ecg-end', 'as-published'"):
        build_sequence(item, TOKEN_MAP, words(), truncation="none")


def test_truncation_as_published_leaves_short_ecgs_and_features_as_they_are() -> None:
    token_map = ECGTokenMap(TOKEN_MAP.ids, START, END, SIGNAL)
    for ecg in (ids(3, 0, 1), np.zeros(4, np.float32), None):
        sequences = [
            build_sequence(example(ecg), token_map, words(), truncation=rule) for rule in ("ecg-end", "as-published")
        ]
        assert sequences[0].input_ids.tolist() == sequences[1].input_ids.tolist()
        assert sequences[0].labels.tolist() == sequences[1].labels.tolist()
