"""JSON lines, plain and compressed: what was written is read; damaged, long and odd files are refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.json_lines import read_json_lines, read_text, write_json_lines

OBJECTS = st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers() | st.none(), max_size=3)


@settings(max_examples=50, deadline=None)
@given(st.lists(OBJECTS, max_size=5), st.sampled_from(["lines.jsonl", "lines.jsonl.gz"]))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, lines: list[dict], name: str) -> None:
    path = tmp_path_factory.mktemp("lines") / name
    # Characters that str.splitlines takes for the end of a line among them.
    lines = [*lines, {"text": "one\u2028two\x85three\x0cfour\r\nfive"}]
    write_json_lines(path, lines)
    assert read_json_lines(path) == lines
    first = path.read_bytes()
    write_json_lines(path, lines)
    assert path.read_bytes() == first
    if name.endswith(".gz"):
        assert gzip.decompress(first).count(b"\n") == len(lines)


def test_bad_files_are_refused(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    with pytest.raises(FileNotFoundError, match=r"a\.jsonl"):
        read_json_lines(plain)
    plain.write_text('{"a": 1}\n\n[2]\n')
    with pytest.raises(ValueError, match=r"a\.jsonl, line 3: expected a JSON object, got list"):
        read_json_lines(plain)
    plain.write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(ValueError, match=r"a\.jsonl, line 2: expected a JSON object"):
        read_json_lines(plain)
    plain.write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"a\.jsonl, line 1: expected a JSON object"):
        read_json_lines(plain)
    plain.write_bytes(b'{"a": "\xff"}\n')
    with pytest.raises(ValueError, match="expected UTF-8 text"):
        read_json_lines(plain)
    packed.write_bytes(b'{"a": 1}\n')
    with pytest.raises(ValueError, match="expected UTF-8 text, compressed by gzip"):
        read_json_lines(packed)
    write_json_lines(packed, [{"a": "b" * 1000}])
    whole = packed.read_bytes()
    packed.write_bytes(whole[:-9])
    with pytest.raises(ValueError, match="compressed by gzip"):
        read_json_lines(packed)
    packed.write_bytes(whole[:12] + b"\xff\xff" + whole[14:])
    with pytest.raises(ValueError, match="compressed by gzip"):
        read_json_lines(packed)


def test_a_small_file_of_a_long_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * 10_000_000))
    assert path.stat().st_size < 20_000
    with pytest.raises(ValueError, match="holds more than 1,000,000 bytes of text"):
        read_text(path, max_bytes=1_000_000)


def test_numbers_that_json_does_not_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json_lines(tmp_path / "a.jsonl", [{"a": float("nan")}])
    assert list(tmp_path.iterdir()) == []
