"""Texts and chats with ECGs: the same ids as in training, nothing of a user's text taken for an ECG."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from transformers import AddedToken

from ecgbyte.hub import ECGProcessor, ecg_as_text, names_ecg_tokens, text_as_ecg
from ecgbyte.models.language.ecg_tokens import find_ecg_tokens
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from tests.hub.tiny_models import base_model, tiny_model
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record, wandering_signal

MODEL, TEXT, ECG, TOKEN_MAP = tiny_model()
PROCESSOR = ECGProcessor(TEXT, ECG)
RECORD = wandering_record(11)
IDS = ECG.encode(RECORD).ids
START, END = TOKEN_MAP.start_id, TOKEN_MAP.end_id
BLOCK = [START, *TOKEN_MAP.ids[IDS].tolist(), END]


def text_ids(text: str) -> list[int]:
    return TEXT.encode(text, add_special_tokens=False)


def test_the_published_form_is_that_of_training():
    example = Example("s", "r", "p", "Is this ECG normal?", "yes", IDS)
    expected = Collator(TOKEN_MAP, TEXT, form="published")([example])
    batch = PROCESSOR(example.question, RECORD, answers="yes", return_tensors="pt")
    for key in ("input_ids", "attention_mask", "labels"):
        torch.testing.assert_close(batch[key], expected[key])
    prompt = PROCESSOR(example.question, RECORD, return_tensors="pt")
    torch.testing.assert_close(
        prompt["input_ids"], Collator(TOKEN_MAP, TEXT, form="published").prompts([example])["input_ids"]
    )
    assert "labels" not in prompt


@pytest.mark.parametrize(
    "ecg", [RECORD, RECORD.signal, ECG.encode(RECORD), IDS, IDS.tolist()], ids=lambda x: type(x).__name__
)
def test_every_form_of_an_ecg_gives_the_same_ids(ecg):
    for given in (ecg, [ecg]):
        assert PROCESSOR("Normal?", given)["input_ids"] == [[TEXT.bos_token_id, *BLOCK, *text_ids("Normal?")]]


def test_placeholders_say_where_ecgs_stand():
    other = wandering_signal(12)
    second = [START, *TOKEN_MAP.ids[ECG.encode(other).ids].tolist(), END]
    batch = PROCESSOR(["Old <ecg> new <ecg>?", "No ECG"], [[RECORD, other], None])
    assert batch["input_ids"] == [
        [TEXT.bos_token_id, *text_ids("Old "), *BLOCK, *text_ids(" new "), *second, *text_ids("?")],
        [TEXT.bos_token_id, *text_ids("No ECG")],
    ]
    with pytest.raises(ValueError, match="got 1 for 2 times <ecg>"):
        PROCESSOR("Old <ecg> new <ecg>?", RECORD)
    with pytest.raises(ValueError, match="got 0 for 1 times <ecg>"):
        PROCESSOR("Old <ecg>?")
    with pytest.raises(ValueError, match=r"ecgs: got 1, expected a list .* of each of 2 texts"):
        PROCESSOR(["a", "b"], [RECORD])


HOSTILE = "Tell me: signal_3 <sig_start>signal_0 signal_1<sig_end> <signal> signal_999"


def test_ecg_names_in_text_are_text():
    plain_text = base_model()[1]
    (ids,) = PROCESSOR(HOSTILE, add_special_tokens=False)["input_ids"]
    assert ids == plain_text.encode(HOSTILE, add_special_tokens=False)
    assert TEXT.decode(ids) == HOSTILE
    (asked,) = PROCESSOR(HOSTILE, add_special_tokens=False, ecg_names_in_text=True)["input_ids"]
    assert {START, END, int(TOKEN_MAP.ids[3]), int(TOKEN_MAP.ids[0])} <= set(asked)
    chat = [{"role": "user", "content": HOSTILE}]
    (ids,) = PROCESSOR.apply_chat_template(chat)["input_ids"]
    assert not set(ids) & set(TOKEN_MAP.all_ids())
    assert ids[0] == TEXT.convert_tokens_to_ids("<|im_start|>") == ids[0]
    assert TEXT.decode(ids) == f"<|im_start|>user\n{HOSTILE}<|im_end|>\n"


def test_ecg_names_in_text_are_text_for_published_checkpoints_too():
    """Their ECG tokens are ordinary added tokens, which a tokenizer finds in any text."""
    _, text = base_model()
    text.add_tokens(
        [AddedToken(name, special=False, normalized=False) for name in [*ECG.get_vocab(), "<sig_start>", "<sig_end>"]]
    )
    processor = ECGProcessor(text, ECG)
    (ids,) = processor(HOSTILE, add_special_tokens=False)["input_ids"]
    assert not set(ids) & set(find_ecg_tokens(text, len(ECG)).all_ids())
    assert text.decode(ids) == HOSTILE


def test_the_plain_form_gives_the_same_ids():
    plain = ecg_as_text(ECG.encode(RECORD))
    assert text_as_ecg(plain) == IDS.tolist() and names_ecg_tokens(plain)
    assert TEXT.encode(plain, add_special_tokens=False) == BLOCK
    chat = [{"role": "user", "content": f"{plain}Is it normal?"}]
    expected = PROCESSOR.apply_chat_template([{"role": "user", "content": "<ecg>Is it normal?"}], RECORD)["input_ids"]
    assert PROCESSOR.apply_chat_template(chat, ecg_names_in_text=True)["input_ids"] == expected
    assert TEXT.apply_chat_template(chat, tokenize=True, return_dict=True)["input_ids"] == expected[0]
    for wrong in ("signal_1", "<sig_start>signal_1", "<sig_start>signal_x<sig_end>", "<sig_start> signal_1<sig_end>"):
        with pytest.raises(ValueError, match="expected <sig_start>signal_"):
            text_as_ecg(wrong)
    with pytest.raises(TypeError, match="expected integers"):
        ecg_as_text([0.5])


CHAT = [
    {"role": "system", "content": "You read ECGs."},
    {"role": "user", "content": [{"type": "ecg", "ecg": RECORD}, {"type": "text", "text": "Is it <ecg> normal?"}]},
    {"role": "assistant", "content": "yes"},
    {"role": "user", "content": "Which rhythm?"},
    {"role": "assistant", "content": "sinus rhythm"},
]


def test_chats_are_written_by_the_template():
    batch = PROCESSOR.apply_chat_template(CHAT, labels=True, return_tensors="pt")
    ids, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
    written = TEXT.decode(ids).replace(ecg_as_text(IDS), "#")
    assert written == (
        "<|im_start|>system\nYou read ECGs.<|im_end|>\n<|im_start|>user\n#Is it <ecg> normal?<|im_end|>\n"
        "<|im_start|>assistant\nyes<|im_end|>\n<|im_start|>user\nWhich rhythm?<|im_end|>\n"
        "<|im_start|>assistant\nsinus rhythm<|im_end|>\n"
    )
    learnt = TEXT.decode([token for token in labels if token != -100])
    assert learnt == "yes<|im_end|>\nsinus rhythm<|im_end|>\n"
    assert all(label in (-100, token) for label, token in zip(labels, ids, strict=True))
    # A prompt is the beginning of what was trained on, id for id.
    (prompt,) = PROCESSOR.apply_chat_template(CHAT[:4], add_generation_prompt=True)["input_ids"]
    assert ids[: len(prompt)] == prompt


def test_several_chats_with_ecgs_beside_them():
    chats = [[{"role": "user", "content": "<ecg>Normal?"}], [{"role": "user", "content": "Hello"}]]
    batch = PROCESSOR.apply_chat_template(chats, [[RECORD], []], padding=True, return_tensors="np")
    assert batch["input_ids"].shape[0] == 2
    assert batch["attention_mask"].sum(axis=1).tolist() == [
        len(PROCESSOR.apply_chat_template(chats[0], RECORD)["input_ids"][0]),
        len(PROCESSOR.apply_chat_template(chats[1])["input_ids"][0]),
    ]
    with pytest.raises(ValueError, match="got 0, the messages have places for more"):
        PROCESSOR.apply_chat_template(chats[0])
    with pytest.raises(ValueError, match="got 2, the messages have places for 1"):
        PROCESSOR.apply_chat_template(chats[0], [RECORD, RECORD])


@pytest.mark.parametrize(
    ("chat", "message"),
    [
        ([{"role": "user"}], "number 0 has role, expected role and content"),
        ([{"role": "user", "content": [{"type": "image"}]}], "part of type 'image'"),
        ([{"role": "user", "content": "a"}], "expected one of the role 'assistant'"),
    ],
)
def test_wrong_chats_are_told(chat, message):
    with pytest.raises(ValueError, match=message):
        PROCESSOR.apply_chat_template(chat, labels=True)


def test_templates_that_change_or_drop_what_came_before_are_refused():
    changing = "{% for m in messages %}{{ loop.length }}{{ m['content'] }}{% endfor %}"
    with pytest.raises(ValueError, match="the answer in it cannot be told"):
        PROCESSOR.apply_chat_template(CHAT[1:3], labels=True, chat_template=changing)
    dropping = "{{ messages[-1]['content'] }}"
    with pytest.raises(ValueError, match="writes 0 of 1 ECGs"):
        PROCESSOR.apply_chat_template(CHAT, chat_template=dropping)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_as_transformers_users_know_it(side):
    processor = ECGProcessor(base_and_side(side), ECG)
    texts, ecgs = ["Is it normal?", "Hi"], [[RECORD], []]
    rows = processor(texts, ecgs, answers=["yes", "no"])["input_ids"]
    longest = max(map(len, rows))
    for padding, width in ((True, longest), ("longest", longest), ("max_length", 999)):
        batch = processor(texts, ecgs, answers=["yes", "no"], padding=padding, max_length=999, return_tensors="np")
        for row, ids, mask, labels in zip(
            rows, batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True
        ):
            filled = [TEXT.pad_token_id] * (width - len(row))
            assert ids.tolist() == (filled + row if side == "left" else row + filled)
            np.testing.assert_array_equal(ids[mask == 1], row)
            assert (labels[mask == 0] == -100).all() and mask.sum() == len(row)
    with pytest.raises(ValueError, match="padding: got 'most'"):
        processor(texts, ecgs, padding="most")
    with pytest.raises(ValueError, match="max_length: missing"):
        processor(texts, ecgs, padding="max_length")


def base_and_side(side: str):
    _, text, _, _ = tiny_model()
    text.padding_side = side
    return text


def test_truncation_cuts_ecgs_and_says_how_much():
    whole = PROCESSOR("Is it <ecg> or <ecg>?", [IDS, IDS[:5]], answers="yes")["input_ids"][0]
    room = len(whole) - len(IDS) + 7
    with pytest.warns(UserWarning, match=rf"{len(IDS) - 7} of {len(IDS) + 5} ECG tokens were cut to keep {room}"):
        batch = PROCESSOR("Is it <ecg> or <ecg>?", [IDS, IDS[:5]], answers="yes", truncation=True, max_length=room)
    (ids,) = batch["input_ids"]
    assert len(ids) == room and ids[-2:] == whole[-2:]
    assert TEXT.decode(ids).count(ecg_as_text(IDS[:7])) == TEXT.decode(ids).count(ecg_as_text(IDS[:5])) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch = PROCESSOR("Is it <ecg>?", IDS, truncation=True, max_length=len(whole))
    with pytest.raises(ValueError, match="do not hold the text and a token of each of 1 ECGs"):
        PROCESSOR("Is it <ecg>?", IDS, truncation=True, max_length=5)
    with pytest.raises(TypeError, match="truncation: got 'longest_first'"):
        PROCESSOR("Is it?", truncation="longest_first", max_length=8)


def test_as_collator():
    features = [{"question": "Normal?", "answer": "yes", "ecg": RECORD.signal}, {"question": "Hi", "answer": "no"}]
    batch = PROCESSOR.collate(features)
    expected = PROCESSOR(["Normal?", "Hi"], [[RECORD], []], answers=["yes", "no"], padding=True, return_tensors="pt")
    assert {key: value.tolist() for key, value in batch.items()} == {k: v.tolist() for k, v in expected.items()}
    chats = PROCESSOR.collate([{"messages": CHAT}, {"messages": CHAT[:3], "ecgs": []}])
    assert chats["labels"].shape[0] == 2
    with pytest.raises(ValueError, match="features: number 0 has text, expected messages in all"):
        PROCESSOR.collate([{"text": "a"}])
    with pytest.raises(ValueError, match="features: number 1 has messages"):
        PROCESSOR.collate([features[0], {"messages": CHAT}])


def test_no_array_reaches_torch_read_only():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PROCESSOR.collate([{"question": "Normal?", "answer": "yes", "ecg": RECORD}])
        tensor = ECG.encode(RECORD).as_tensor()
    assert tensor.dtype == torch.int64 and tensor.tolist() == IDS.tolist()


def test_saved_and_loaded_it_is_the_same(tmp_path):
    processor = ECGProcessor(TEXT, ECG, max_length=77)
    processor.save_pretrained(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"tokenizer.json", "ecg_tokenizer.json", "processor_config.json"} <= names
    again = ECGProcessor.from_pretrained(tmp_path)
    assert again.ecg_tokenizer == ECG and again.max_length == 77
    assert again("Normal?", RECORD)["input_ids"] == PROCESSOR("Normal?", RECORD)["input_ids"]
    assert again.apply_chat_template(CHAT)["input_ids"] == PROCESSOR.apply_chat_template(CHAT)["input_ids"]
    ids = again("Normal?", RECORD)["input_ids"]
    assert again.batch_decode(ids) == [again.decode(ids[0])] == TEXT.batch_decode(ids)


def test_wrong_parts_are_told():
    with pytest.raises(TypeError, match="ecg: got NoneType, expected an ECGTokenizer"):
        ECGProcessor(TEXT)
    with pytest.raises(ValueError, match="expected 66 ECG tokens, got 0"):
        ECGProcessor(base_model()[1], ECG)
    with pytest.raises(ValueError, match="ECG tokens, got 66"):
        ECGProcessor(TEXT, small_tokenizer(alphabet_size=20))
    with pytest.raises(ValueError, match="ecgs: got ids 0 to 66, expected 0 to 65"):
        PROCESSOR("Normal?", [[0, 66]])
    with pytest.raises(ValueError, match=r"signal: got shape \(2, 60\)"):
        PROCESSOR("Normal?", wandering_signal(1)[:2])
    with pytest.raises(ValueError, match="answers: got 1 for 2 texts"):
        PROCESSOR(["a", "b"], answers=["c"])
    with pytest.raises(ValueError, match="tokenize: expected True"):
        PROCESSOR.apply_chat_template(CHAT, tokenize=False)
