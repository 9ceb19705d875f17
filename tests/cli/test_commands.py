"""Each subcommand on small records."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ecgbyte import ECGTokenizer, Preprocessor, read_record
from ecgbyte.cli import main
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.segments import cut_segments
from tests.cli.cli_examples import QUICK, write_record


def test_train_learns_what_the_library_learns(records, tokenizer_file, tmp_path, capsys):
    preprocessor = Preprocessor(target_rate=100)
    paths = [records / f"part{number % 2}" / f"r{number}" for number in (0, 2, 1, 3)]
    signals = [preprocessor.apply(read_record(path)) for path in paths]
    expected = ECGTokenizer.train(signals, 30, preprocessing=preprocessor, progress=False)
    assert ECGTokenizer.load(tokenizer_file) == expected
    assert [entry.name for entry in tokenizer_file.parent.iterdir()] == ["tokenizer.json"]

    again = tmp_path / "again.json"
    assert main(["train", str(records), "-o", str(again), "--json", *QUICK]) == 0
    assert again.read_bytes() == tokenizer_file.read_bytes()
    summary = json.loads(capsys.readouterr().out)
    assert summary["fingerprint"] == expected.fingerprint
    assert (summary["records"], summary["merges"], summary["rejected"]) == (4, 30, 0)
    assert summary["range_mv"] == [expected.amplitude_range.low, expected.amplitude_range.high]


def test_train_takes_every_setting(records, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    (tmp_path / "RECORDS").write_text("# chosen\n\nr0\nr1.hea\nr2\n")
    for number in range(3):
        write_record(tmp_path, f"r{number}", number)
    settings = "--no-preprocess --segment-seconds 2 --range-mv -1.5 2 --boundary record --matching merge-order"
    output = tmp_path / "tokenizer.json"
    chosen = ["--list", str(tmp_path / "RECORDS"), "--max-records", "2", "--min-count", "3", "--num-merges", "20"]
    assert main(["train", *chosen, *settings.split(), "-o", str(output)]) == 0
    written = capsys.readouterr()
    assert "reading the symbols" in written.err
    assert "reading the range" not in written.err
    assert "2 records are no multiple of 2 s; 200 samples a lead" in written.err
    segments = [segment for name in ("r0", "r1") for segment in cut_segments(read_record(tmp_path / name), 2)]
    expected = ECGTokenizer.train(
        segments, 20, amplitude_range=(-1.5, 2), boundary="record", matching="merge-order", min_count=3, progress=False
    )
    assert ECGTokenizer.load(output) == expected
    assert expected.training.records == 4

    # Nothing of the bars in a log file.
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert main(["train", *chosen, *settings.split(), "-o", str(output)]) == 0
    assert "reading the symbols" not in capsys.readouterr().err

    assert main(["train", str(records), "-o", str(output), "--range", "per-record", "--as-published", *QUICK]) == 0
    published = ECGTokenizer.load(output)
    assert published.amplitude_range == "per-record"
    assert published.preprocessing["as_published"] is True


def test_encode_and_decode_come_back_within_half_a_bin(records, tokenizer_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    folder = tmp_path / "encoded"
    assert main(["encode", str(records), "-t", str(tokenizer_file), "-o", str(folder)]) == 0
    written = capsys.readouterr()
    assert "encoding" in written.err
    assert "4 encoded from 4 of 4 records" in written.out
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
    assert files == ["encoded.csv", "part0/r0.npz", "part0/r2.npz", "part1/r1.npz", "part1/r3.npz"]
    tokenizer = ECGTokenizer.load(tokenizer_file)
    clean = Preprocessor(target_rate=100).apply(read_record(records / "part1" / "r1"))
    encoding = tokenizer.encode(clean)
    with np.load(folder / "part1" / "r1.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["ids"], encoding.ids)
        np.testing.assert_array_equal(archive["offsets"], encoding.offsets)
    expected = tokenizer.decode(encoding)
    half = 0.5 * (encoding.high - encoding.low + 1e-6) / 26 + 1e-6
    assert np.abs(expected - np.clip(clean.signal, encoding.low, encoding.high)).max() <= half
    source = str(folder / "part1" / "r1.npz")
    for name in ("signal.npy", "signal.csv", "signal.npz"):
        assert main(["decode", source, "-t", str(tokenizer_file), "-o", str(tmp_path / name)]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "signal.npy", allow_pickle=False), expected)
    header, *rows = (tmp_path / "signal.csv").read_text().splitlines()
    assert header == ",".join(LEADS)
    np.testing.assert_array_equal(np.array([row.split(",") for row in rows], dtype=np.float32).T, expected)
    with np.load(tmp_path / "signal.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["signal"], expected)
        assert (archive["record"].item(), archive["sampling_rate"].item()) == ("r1", 100.0)
    capsys.readouterr()
    arguments = [source, "-t", str(tokenizer_file), "-o", str(tmp_path / "p.npy"), "--as-published", "--json"]
    assert main(["decode", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["shape"] == [12, 500]
    published = np.load(tmp_path / "p.npy", allow_pickle=False)
    np.testing.assert_array_equal(published, tokenizer.decode(encoding, as_published=True))


def test_encode_to_json_lines_and_back(records, tokenizer_file, tmp_path, capsys):
    arguments = [str(records), "-t", str(tokenizer_file), "--json", "--no-progress", "--segment-seconds", "2.5"]
    rejections = ["--rejected", str(tmp_path / "rejected.csv")]
    assert main(["encode", *arguments, *rejections]) == 0
    written = capsys.readouterr()
    assert written.err == ""
    lines = [json.loads(line) for line in written.out.splitlines()]
    assert [line["record"] for line in lines] == [f"r{number}#{part}" for number in (0, 2, 1, 3) for part in (0, 1)]
    assert all(line["num_tokens"] == len(line["ids"]) for line in lines)
    path = tmp_path / "encoded.jsonl"
    path.write_text(written.out)
    out = str(tmp_path / "signal.npy")
    assert main(["decode", str(path), "-t", str(tokenizer_file), "-o", out, "--record", "r1#1"]) == 0
    signal = np.load(out, allow_pickle=False)
    tokenizer = ECGTokenizer.load(tokenizer_file)
    segment = Preprocessor(target_rate=100).segments(read_record(records / "part1" / "r1"), 2.5)[1]
    np.testing.assert_array_equal(signal, tokenizer.decode(tokenizer.encode(segment)))
    for record, message in ([], "holds 8 records"), (["--record", "r9"], "holds 0 records with the id 'r9'"):
        capsys.readouterr()
        assert main(["decode", str(path), "-t", str(tokenizer_file), "-o", out, *record]) == 2
        assert message in capsys.readouterr().err

    assert main(["encode", *arguments, *rejections, "-o", str(tmp_path / "segments")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "ids" not in lines[0]
    assert all(Path(line["file"]).is_file() for line in lines)
    assert Path(lines[1]["file"]).name == "r0#1.npz"
    assert not (tmp_path / "rejected.csv").exists()


def test_inspect_shows_settings_and_tokens(tokenizer_file, capsys):
    assert main(["inspect", str(tokenizer_file), "--json", "--tokens", "3"]) == 0
    description = json.loads(capsys.readouterr().out)
    tokenizer = ECGTokenizer.load(tokenizer_file)
    assert description["fingerprint"] == tokenizer.fingerprint
    assert description["preprocessing"] == Preprocessor(target_rate=100).settings()
    assert sum(description["token_lengths"].values()) == tokenizer.vocabulary_size == 56
    assert [token["id"] for token in description["first_merges"]] == [26, 27, 28]
    left, right = tokenizer.merges[0]
    assert description["first_merges"][0]["letters"] == chr(97 + left) + chr(97 + right)
    lengths = [token["length"] for token in description["longest_tokens"]]
    assert lengths == sorted(tokenizer.vocabulary.lengths.tolist(), reverse=True)[:3]
    assert main(["inspect", str(tokenizer_file)]) == 0
    shown = capsys.readouterr().out
    for part in (tokenizer.fingerprint, "I II III aVR", "token lengths", "longest tokens", "target_rate"):
        assert part in shown


def test_inspect_shows_a_tokenizer_of_symbols_only(tmp_path, capsys):
    path = tmp_path / "t.json"
    ECGTokenizer.from_merges([(29, 1)], alphabet_size=30).save(path)
    assert main(["inspect", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "none stored" in shown
    assert "29 1" in shown


def test_a_record_may_be_named_by_its_signal_file(records, tokenizer_file, capsys):
    arguments = ["-t", str(tokenizer_file), "--json", "--no-progress"]
    lines = []
    for ending in ("", ".hea", ".dat"):
        assert main(["encode", str(records / "part0" / f"r0{ending}"), *arguments]) == 0
        lines.append(capsys.readouterr().out)
    assert lines[0] and set(lines) == {lines[0]}
    both = [str(records / "part0" / f"r0{ending}") for ending in (".hea", ".dat")]
    assert main(["encode", *both, *arguments]) == 2
    assert "named twice" in capsys.readouterr().err


@pytest.mark.real_data
def test_on_real_records(real_data, tmp_path, capsys):
    folder = real_data / "ptb-xl" / "records100"
    output = tmp_path / "tokenizer.json"
    assert (
        main(["train", str(folder), "--max-records", "50", "-o", str(output), "--num-merges", "300", *QUICK[2:]]) == 0
    )
    encoded = tmp_path / "encoded"
    arguments = [str(folder), "--max-records", "5", "-t", str(output), "-o", str(encoded), "--json", "--no-progress"]
    capsys.readouterr()
    assert main(["encode", *arguments]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 5
    assert all(line["compression"] > 2 and line["shape"] == [12, 1000] for line in lines)
