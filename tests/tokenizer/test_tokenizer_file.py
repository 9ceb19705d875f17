"""tokenizer.json: what is written, and that nothing cut, altered or hostile is ever read as something else."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte import ECGTokenizer
from ecgbyte.tokenizer import tokenizer_file
from ecgbyte.tokenizer.tokenizer_file import checksum, format_tokenizer, parse_tokenizer
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_signal

TOKENIZERS = {
    "global": small_tokenizer(preprocessing={"target_rate": 100.0, "notch": [50.0, 60.0], "name": "Prüfung"}),
    "per-record": small_tokenizer(amplitude_range="per-record", boundary="record", matching="merge-order"),
    "symbols": ECGTokenizer.from_merges([(0, 0), (26, 1)]),
    "letters": ECGTokenizer.from_merges([], alphabet_size=4),
}
TEXT = format_tokenizer(TOKENIZERS["global"]._content)
VALUES = json.loads(TEXT)


def loaded(text: str | bytes, folder) -> ECGTokenizer:
    path = folder / "tokenizer.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return ECGTokenizer.load(path)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_saving_and_loading_change_nothing(name, tmp_path):
    tokenizer = TOKENIZERS[name]
    tokenizer.save(tmp_path / "first.json")
    again = ECGTokenizer.load(tmp_path / "first.json")
    again.save(tmp_path / "second.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()
    assert again == tokenizer
    for key in ("boundary", "matching", "amplitude_range", "sampling_rate", "num_leads", "lead_names", "preprocessing"):
        assert getattr(again, key) == getattr(tokenizer, key)
    assert again.training == tokenizer.training
    assert again.fingerprint == tokenizer.fingerprint
    np.testing.assert_array_equal(again.merges, tokenizer.merges)
    if tokenizer.amplitude_range is not None:
        signal = wandering_signal(5)
        np.testing.assert_array_equal(again.encode(signal).ids, tokenizer.encode(signal).ids)
    if name == "global":
        assert again.amplitude_range.error_mv == tokenizer.amplitude_range.error_mv > 0
        assert again.amplitude_range.num_values == tokenizer.amplitude_range.num_values > 0


def test_the_file_can_be_read_by_a_person():
    assert TEXT.isascii()
    assert TEXT.endswith("}\n")
    lines = TEXT.splitlines()
    assert lines[1:4] == [
        '  "format": "ecgbyte-tokenizer",',
        '  "version": 1,',
        f'  "checksum": "{checksum(TOKENIZERS["global"]._content)}",',
    ]
    assert '  "boundary": "lead",' in lines
    assert lines[-43:-1] == [
        '  "merges": [',
        *(f"    [{left}, {right}]," for left, right in VALUES["merges"][:-1]),
        f"    [{VALUES['merges'][-1][0]}, {VALUES['merges'][-1][1]}]",
        "  ]",
    ]
    assert set(VALUES) == set(tokenizer_file._KEYS)


def test_layout_does_not_matter(tmp_path):
    assert loaded(json.dumps(dict(reversed(VALUES.items()))), tmp_path) == TOKENIZERS["global"]


@pytest.mark.parametrize("key", sorted(VALUES))
def test_every_key_is_needed(key, tmp_path):
    values = {name: value for name, value in VALUES.items() if name != key}
    with pytest.raises(ValueError, match=rf"tokenizer\.json: {key}: "):
        loaded(json.dumps(values), tmp_path)


@pytest.mark.parametrize("outer", ["amplitude_range", "training"])
def test_every_inner_key_is_needed_and_no_other(outer, tmp_path):
    for key in VALUES[outer]:
        inner = {name: value for name, value in VALUES[outer].items() if name != key}
        with pytest.raises(ValueError, match=rf"{outer}\.{key}: missing"):
            loaded(json.dumps({**VALUES, outer: inner}), tmp_path)
    with pytest.raises(ValueError, match=rf"{outer}\.'patient': unknown key"):
        loaded(json.dumps({**VALUES, outer: {**VALUES[outer], "patient": 1}}), tmp_path)


@pytest.mark.parametrize(
    "value", [None, 0, -1, 1.5, True, "", "x", [], ["x"], {}, {"x": 1}, 10**400, [[0, 0]], [[0, 26]]]
)
@pytest.mark.parametrize("key", sorted(VALUES))
def test_every_value_is_checked(key, value, tmp_path):
    with pytest.raises(ValueError, match=r"tokenizer\.json: "):
        loaded(json.dumps({**VALUES, key: value}), tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "other", "format: got 'other', expected 'ecgbyte-tokenizer'"),
        ("version", 3, "version: got 3, expected 1 or 2"),
        ("version", 2, "ids: missing"),
        ("version", 1.0, r"version: got 1\.0, expected 1"),
        ("units", "uV", "units: got 'uV', expected 'mV'"),
        ("boundary", "beat", "boundary: got 'beat', expected one of 'lead', 'record'"),
        ("boundary", "record", "checksum: .*altered after it was saved"),
        ("matching", ["longest"], r"matching: got list .*expected a string"),
        ("sampling_rate", 101.0, "checksum"),
        ("lead_names", ["I"], "lead_names: got 1 names for 12 leads"),
        ("alphabet_size", 25, "merge|checksum"),
        ("merges", [[0, 0, 0]], r"merges: merge 0 is \[0, 0, 0\], expected \[left id, right id\]"),
        ("merges", [[0, True]], r"merges: merge 0 is \[0, True\]"),
        ("merges", [[0, 2**31]], "merges: merge 0 is .* made before it"),
        ("merges", [[0, 26]], "merge 0"),
        ("merges", VALUES["merges"][:-1], "training.merges_made: got 40 for 39 merges"),
        ("amplitude_range", {**VALUES["amplitude_range"], "low": 1}, "amplitude_range.low: got 1, expected a number"),
        ("amplitude_range", {**VALUES["amplitude_range"], "low": 99.0}, "low"),
        ("training", {**VALUES["training"], "records": "4"}, "training.records: expected a whole number, got str"),
        ("training", {**VALUES["training"], "records": 5}, "checksum"),
        ("preprocessing", {"target_rate": 500}, "checksum"),
        ("extra", 1, "'extra': unknown key"),
    ],
)
def test_the_message_says_what_is_wrong(key, value, message, tmp_path):
    with pytest.raises(ValueError, match=rf"tokenizer file .*tokenizer\.json: .*{message}"):
        loaded(json.dumps({**VALUES, key: value}), tmp_path)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    complete = len(TEXT.rstrip())
    for end in [*range(0, complete, 7), complete - 1]:
        with pytest.raises(ValueError, match=r"cut or altered\?.*line \d+, column \d+"):
            loaded(TEXT[:end], tmp_path)


@settings(max_examples=600, deadline=None)
@given(place=st.integers(0, len(TEXT) - 1), byte=st.integers(0, 255))
def test_an_altered_byte_is_refused_or_means_the_same(place, byte):
    data = bytearray(TEXT.encode())
    data[place] = byte
    try:
        content = parse_tokenizer(bytes(data))
    except (TypeError, ValueError):
        return
    assert format_tokenizer(content) == TEXT


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_altered_numbers_are_refused(data):
    """Digits changed for digits leave the file valid JSON, so that only the checks and the checksum can refuse it."""
    digits = [place for place, character in enumerate(TEXT) if character.isdigit()]
    altered = list(TEXT)
    for place in data.draw(st.lists(st.sampled_from(digits), min_size=1, max_size=4)):
        altered[place] = data.draw(st.sampled_from("0123456789"))
    try:
        content = parse_tokenizer("".join(altered).encode())
    except (TypeError, ValueError):
        return
    assert format_tokenizer(content) == TEXT


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no complete JSON"),
        (b"[]", "holds a JSON list, expected an object"),
        (b"12", "holds a JSON int"),
        (b"\xff\xfe{}", "byte 0 is not UTF-8"),
        (b"\x80\x04\x95.", "byte 0 is not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"format": "a", "format": "b"}', "key 'format' occurs more than once"),
        (TEXT.replace("100.0", "NaN", 1).encode(), "holds the number NaN"),
        (TEXT.replace("100.0", "1e999", 1).encode(), "finite"),
        (TEXT.replace('"version": 1', '"version": ' + "9" * 5000).encode(), "Exceeds the limit"),
        (b" " * (tokenizer_file.MAX_FILE_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_tokenizer_file_is_refused(data, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        loaded(data, tmp_path)


def test_merges_that_grow_without_end_are_refused(tmp_path):
    # Each token is twice as long as the one before: 300 lines of text ask for 2**300 symbols.
    doubling = [[0, 0], *([25 + k, 25 + k] for k in range(1, 300))]
    values = {**VALUES, "merges": doubling, "training": None}
    with pytest.raises(ValueError, match=r"tokenizer\.json: .*merge"):
        loaded(json.dumps(values), tmp_path)


def test_a_missing_file_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no tokenizer file .*nowhere"):
        ECGTokenizer.load(tmp_path / "nowhere.json")
    with pytest.raises(FileNotFoundError, match="no tokenizer file"):
        ECGTokenizer.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="folder"):
        TOKENIZERS["global"].save(tmp_path / "missing" / "tokenizer.json")


@pytest.mark.parametrize("content", ["old", '{"version": "1.0", "added_tokens": []}', "[]", TEXT[100:]])
def test_a_file_of_another_kind_is_not_replaced(content, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(FileExistsError, match=r"tokenizer\.json exists and is no ECG tokenizer; it stays as it is"):
        TOKENIZERS["global"].save(path)
    assert path.read_text() == content


@pytest.mark.parametrize("content", ["", TEXT[:200], TEXT.replace("mV", "uV")])
def test_empty_and_damaged_tokenizer_files_may_be_replaced(content, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    TOKENIZERS["global"].save(path)
    assert path.read_text() == TEXT


def test_time_for_repeated_keys_grows_with_their_number_only(monkeypatch):
    # One look at each name; it was one look at all names for each of them.
    text = "{" + ",".join(f'"k{k}":1' for k in range(200_000)) + ',"k7":1}'
    with pytest.raises(ValueError, match="key 'k7' occurs more than once"):
        parse_tokenizer(text.encode())


def test_saving_leaves_nothing_else_behind(tmp_path):
    path = tmp_path / "tokenizer.json"
    TOKENIZERS["letters"].save(path)
    TOKENIZERS["global"].save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["tokenizer.json"]
    assert path.read_text() == TEXT
