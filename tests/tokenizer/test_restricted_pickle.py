"""Pickles of plain values are read as Python reads them; whatever would execute something is refused unexecuted."""

from __future__ import annotations

import collections
import contextlib
import os
import pickle
import pickletools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.tokenizer import restricted_pickle
from ecgbyte.tokenizer.restricted_pickle import read_plain_pickle

LEAVES = st.one_of(st.integers(-(10**19), 10**19), st.text(max_size=5))
PLAIN = st.recursive(
    LEAVES,
    lambda values: st.one_of(
        st.lists(values, max_size=4),
        st.lists(values, max_size=4).map(tuple),
        st.dictionaries(LEAVES, values, max_size=4),
    ),
    max_leaves=20,
)


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_read_as_pickle_reads_them(value, protocol):
    data = pickle.dumps(value, protocol)
    read = read_plain_pickle(data)
    assert read == pickle.loads(data) == value
    assert repr(read) == repr(value)  # the same types and the same order


def test_order_of_a_dictionary_is_kept():
    assert list(read_plain_pickle(pickle.dumps({5: "e", 1: "a", 3: "c"}))) == [5, 1, 3]


class Attack:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_executed(protocol, tmp_path):
    marker = str(tmp_path / "executed")
    data = pickle.dumps([1, Attack(marker)], protocol)
    with pytest.raises(ValueError, match=r"instruction (GLOBAL|STACK_GLOBAL), expected only .*was not carried out"):
        read_plain_pickle(data)
    assert not Path(marker).exists()
    pickle.loads(data)
    assert Path(marker).exists()  # the attack itself works


ALLOWED = {
    *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET"),
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINUNICODE8", "EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
}


@pytest.mark.parametrize("opcode", [op for op in pickletools.opcodes if op.name not in ALLOWED], ids=lambda op: op.name)
def test_every_other_instruction_is_refused(opcode):
    # Behind some values to work on, and with an argument that every form of argument can be read from.
    argument = b"" if opcode.arg is None else b"1\n1\n" + bytes(30)
    with pytest.raises(ValueError):
        read_plain_pickle(b"\x80\x04(]K\x01" + opcode.code.encode("latin1") + argument + b".")


@pytest.mark.parametrize(
    "value", [True, None, 1.5, b"bytes", {1, 2}, frozenset((1,)), collections.OrderedDict(a=1), 10**21, {(1,): 2}]
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_other_kinds_of_values_are_refused(value, protocol):
    with pytest.raises(ValueError, match=r"the pickle (holds|has)"):
        read_plain_pickle(pickle.dumps([value], protocol))


def test_every_cut_is_noticed():
    data = pickle.dumps(({1: "a", 2: "b"}, [([97, 98], 256)]))
    for end in range(len(data)):
        with pytest.raises(ValueError, match=r"at byte|after byte|does not end"):
            read_plain_pickle(data[:end])


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_a_value_error(data):
    with contextlib.suppress(ValueError):
        read_plain_pickle(b"\x80\x04" + data + b".")


@given(
    st.lists(
        st.sampled_from(
            [b"(", b"]", b"}", b"l", b"d", b"t", b"e", b"a", b"s", b"u", b"K\x01", b"q\x00", b"h\x00", b"\x94"]
        )
    )
)
def test_instructions_in_any_order_give_a_value_or_a_value_error(instructions):
    with contextlib.suppress(ValueError):
        read_plain_pickle(b"".join(instructions) + b".")


def test_too_large_is_said(monkeypatch):
    monkeypatch.setattr(restricted_pickle, "MAX_PICKLE_BYTES", 10)
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        read_plain_pickle(pickle.dumps(list(range(20))))
