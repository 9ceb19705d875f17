"""The command: each subcommand on small WFDB files, its exit codes, and what it does with records it cannot use."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ecgbyte import ECGTokenizer, Preprocessor, read_record
from ecgbyte.cli import encode, main
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.segments import cut_segments
from ecgbyte.tokenizer.encoding_file import EncodedRecord, write_encoded

QUICK = ["--num-merges", "30", "--target-rate", "100", "--no-progress"]


def write_record(folder: Path, name: str, seed: int, rate: int = 100, seconds: float = 5) -> Path:
    """A WFDB record with limb leads that keep their identities."""
    import wfdb

    rng = np.random.default_rng(seed)
    times = np.arange(int(rate * seconds)) / rate
    beat = np.exp(-(((times * 1.2) % 1 - 0.4) ** 2) / 0.001)
    waves = rng.uniform(0.3, 1.2, (8, 1)) * beat + rng.normal(0, 0.02, (8, len(times)))
    first, second = waves[:2]
    limb = [first, second, second - first, -(first + second) / 2, first - second / 2, second - first / 2]
    samples = np.stack([*limb, *waves[2:]])
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=["mV"] * 12,
        sig_name=list(LEADS),
        p_signal=samples.T,
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(folder),
    )
    return folder / name


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    """Four good records in two folders."""
    folder = tmp_path_factory.mktemp("records")
    for number in range(4):
        write_record(folder / f"part{number % 2}", f"r{number}", number)
    return folder


@pytest.fixture(scope="module")
def damaged(tmp_path_factory) -> Path:
    """Two good records, one whose signal file is cut, one without signal file, one of another rate."""
    folder = tmp_path_factory.mktemp("damaged")
    for number, rate in enumerate([100, 100, 100, 100, 200]):
        write_record(folder, f"r{number}", number, rate)
    cut = folder / "r1.dat"
    cut.write_bytes(cut.read_bytes()[:2000])
    (folder / "r2.dat").unlink()
    return folder


@pytest.fixture(scope="module")
def tokenizer_file(records, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    assert main(["train", str(records), "-o", str(path), *QUICK]) == 0
    return path


def rejected(path: Path) -> dict[str, str]:
    with path.open(newline="") as stream:
        return {row["record"]: row["reason"] for row in csv.DictReader(stream)}


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


def test_train_takes_every_setting(records, tmp_path, capsys):
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

    assert main(["train", str(records), "-o", str(output), "--range", "per-record", "--as-published", *QUICK]) == 0
    published = ECGTokenizer.load(output)
    assert published.amplitude_range == "per-record"
    assert published.preprocessing["as_published"] is True


def test_encode_and_decode_come_back_within_half_a_bin(records, tokenizer_file, tmp_path, capsys):
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


def test_train_rejects_damaged_records_and_goes_on(damaged, tmp_path, capsys):
    output = tmp_path / "tokenizer.json"
    arguments = [str(damaged), "-o", str(output), "--no-preprocess", "--num-merges", "30", "--no-progress"]
    assert main(["train", *arguments]) == 1
    reasons = rejected(tmp_path / "tokenizer.rejected.csv")
    assert sorted(reasons) == ["r1", "r2", "r4"]
    assert "r1.dat" in reasons["r1"]
    assert "r2.dat" in reasons["r2"]
    assert "200 samples a second, expected 100" in reasons["r4"]
    written = capsys.readouterr()
    assert written.err.count("rejected r1") == 1
    assert "3 records rejected" in written.out
    assert ECGTokenizer.load(output).training.records == 2
    # Resampling makes all rates one.
    elsewhere = tmp_path / "elsewhere.csv"
    assert main(["train", str(damaged), "-o", str(output), "--rejected", str(elsewhere), *QUICK]) == 1
    assert sorted(rejected(elsewhere)) == ["r1", "r2"]
    assert ECGTokenizer.load(output).training.records == 3


def test_encode_rejects_damaged_records_and_goes_on(damaged, tokenizer_file, tmp_path, capsys):
    folder = tmp_path / "encoded"
    common = [str(damaged), "-t", str(tokenizer_file), "-o", str(folder), "--no-progress"]
    assert main(["encode", *common]) == 1
    assert sorted(path.name for path in folder.iterdir()) == [
        "encoded.csv",
        "r0.npz",
        "r3.npz",
        "r4.npz",
        "rejected.csv",
    ]
    assert sorted(rejected(folder / "rejected.csv")) == ["r1", "r2"]
    # Taken as they are, records of another rate than the tokenizer's are rejected too.
    assert main(["encode", *common, "--no-preprocess", "--json"]) == 1
    reasons = rejected(folder / "rejected.csv")
    assert sorted(reasons) == ["r1", "r2", "r4"]
    assert "Preprocessor(target_rate=100)" in reasons["r4"]
    assert [json.loads(line)["record"] for line in capsys.readouterr().out.splitlines()[2:]] == ["r0", "r3"]
    # When all goes well, an old list of rejections does not stay.
    good = [str(damaged / "r0"), "-t", str(tokenizer_file), "-o", str(folder), "--no-progress"]
    assert main(["encode", *good]) == 0
    assert rejected(folder / "rejected.csv") == {}


def test_nothing_usable_is_an_error(damaged, tmp_path, capsys):
    output = tmp_path / "tokenizer.json"
    assert main(["train", str(damaged / "r1"), str(damaged / "r2.hea"), "-o", str(output), *QUICK]) == 2
    assert "none of the 2 records could be used" in capsys.readouterr().err
    assert sorted(rejected(tmp_path / "tokenizer.rejected.csv")) == ["r1", "r2"]
    assert not output.exists()


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["frobnicate"], "invalid choice"),
        (["train", "RECORDS"], "-o/--output"),
        (["train", "-o", "TMP/t.json"], "no records given"),
        (["train", "TMP/nowhere", "-o", "TMP/t.json"], "neither a folder nor a record"),
        (["train", "TMP", "-o", "TMP/t.json"], "no .hea file"),
        (["train", "RECORDS", "-o", "TMP/nowhere/t.json"], "does not exist"),
        (["train", "RECORDS", "RECORDS", "-o", "TMP/t.json"], "named twice"),
        (["train", "--list", "TMP/nowhere.txt", "-o", "TMP/t.json"], "--list: there is no file"),
        (["train", "--list", "TMP", "-o", "TMP/t.json"], "--list: there is no file"),
        (["train", "--list", "TMP/notes.csv", "-o", "TMP/t.json"], "--list: TMP/notes.csv is no text"),
        (["train", "RECORDS", "-o", "TMP"], "--output: TMP is a folder"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--rejected", "TMP/no/r.csv"], "--rejected: the folder TMP/no of"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--rejected", "TMP/notes.csv"], "--rejected: TMP/notes.csv exists"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--rejected", "TMP/t.json"], "is also the --output"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--rejected", "TMP"], "--rejected: TMP exists"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--segment-seconds", "0.333"], "--segment-seconds: seconds: 0.333"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--segment-seconds", "inf"], "--segment-seconds: got inf"),
        (["encode", "RECORDS", "-t", "TOKENIZER", "--json", "--segment-seconds", "0.333"], "--segment-seconds: sec"),
        (["encode", "RECORDS", "-t", "TOKENIZER", "-o", "TMP/notes.csv"], "--output: TMP/notes.csv is a file"),
        (["encode", "RECORDS", "-t", "TOKENIZER", "-o", "TMP/notes.csv/out"], "--output: TMP/notes.csv is a file"),
        (["encode", "RECORDS", "-t", "TOKENIZER", "--json", "--rejected", "TMP/no/r.csv"], "--rejected: the folder"),
        (["decode", "TMP/x.npz", "-t", "TOKENIZER", "-o", "TMP/no/s.npy"], "--output: the folder TMP/no does"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--no-preprocess", "--target-rate", "100"], "--target-rate: needs"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--no-preprocess", "--as-published"], "not allowed with"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--range", "percentiles"], "invalid choice: 'percentiles'"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--range-mv", "2", "1"], "low"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--num-merges", "-5"], "num_merges: got -5"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--max-records", "0"], "--max-records"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--segment-seconds", "0"], "--segment-seconds"),
        (["encode", "RECORDS", "-t", "TOKENIZER"], "--output: missing"),
        (["encode", "RECORDS", "-t", "TMP/nowhere.json", "-o", "TMP/out"], "nowhere.json"),
        (["encode", "RECORDS", "-t", "TMP/symbols.json", "-o", "TMP/out"], "has no range"),
        (["encode", "RECORDS", "-t", "TMP/altered.json", "-o", "TMP/out"], "checksum"),
        (["encode", "RECORDS", "-t", "TMP/future.json", "-o", "TMP/out"], "version 99 of the chain"),
        (["decode", "TMP/nowhere.npz", "-t", "TOKENIZER", "-o", "TMP/s.npy"], "nowhere.npz"),
        (["decode", "TMP/symbols.json", "-t", "TOKENIZER", "-o", "TMP/s.npy"], "symbols.json, line 1"),
        (["decode", "TMP/x.npz", "-t", "TOKENIZER", "-o", "TMP/s.wav"], "'.npy', '.csv', '.npz'"),
        (["inspect", "TMP/nowhere.json"], "nowhere.json"),
        (["inspect", "TOKENIZER", "--tokens", "-1"], "--tokens"),
    ],
)
def test_wrong_arguments_end_with_two_and_a_message(arguments, message, records, tokenizer_file, tmp_path, capsys):
    ECGTokenizer.from_merges([(0, 0)]).save(tmp_path / "symbols.json")
    (tmp_path / "altered.json").write_text(tokenizer_file.read_text().replace('"lead"', '"record"'))
    (tmp_path / "notes.csv").write_bytes(b"record,file\n\xff")
    signals = np.random.default_rng(0).normal(size=(2, 12, 50))
    future = {"chain_version": 99}
    ECGTokenizer.train(signals, 2, sampling_rate=100, preprocessing=future, progress=False).save(
        tmp_path / "future.json"
    )
    places = {"RECORDS": str(records), "TOKENIZER": str(tokenizer_file)}
    given = [places.get(argument, argument.replace("TMP", str(tmp_path))) for argument in arguments]
    assert main(given) == 2
    written = capsys.readouterr()
    assert message.replace("TMP", str(tmp_path)) in written.err
    assert written.out == ""
    assert not (tmp_path / "t.json").exists()
    assert (tmp_path / "notes.csv").read_bytes() == b"record,file\n\xff"


def test_an_unrelated_file_is_not_replaced_by_the_list(damaged, tokenizer_file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "rejected.csv"
    own.write_text("abstract,reviewer\n")
    arguments = ["encode", str(damaged), "-t", str(tokenizer_file), "--json", "--no-progress"]
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert "rejected.csv exists and is no list of rejected records" in written.err
    assert written.out == ""
    assert own.read_text() == "abstract,reviewer\n"
    own.write_text("record,file,reason\nold,old.hea,gone\n")
    assert main(arguments) == 1
    assert sorted(rejected(own)) == ["r1", "r2"]


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (OSError("disk full"), 2)])
def test_the_list_is_kept_when_encoding_ends_early(error, code, damaged, tokenizer_file, tmp_path, monkeypatch, capsys):
    def write_first_only(target: Path, encoded: EncodedRecord) -> None:
        if encoded.record_id != "r0":
            raise error
        write_encoded(target, encoded)

    monkeypatch.setattr(encode, "write_encoded", write_first_only)
    folder = tmp_path / "encoded"
    common = ["-t", str(tokenizer_file), "-o", str(folder), "--no-progress"]
    assert main(["encode", str(damaged), *common]) == code
    assert sorted(rejected(folder / "rejected.csv")) == ["r1", "r2"]
    assert f"2 records rejected, see {folder / 'rejected.csv'}" in capsys.readouterr().err
    # With nothing rejected before the end, the older list stays.
    assert main(["encode", str(damaged / "r3"), *common]) == code
    assert sorted(rejected(folder / "rejected.csv")) == ["r1", "r2"]


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (OSError("disk full"), 2)])
def test_the_list_is_kept_when_training_ends_early(error, code, damaged, tmp_path, monkeypatch):
    def fail(tokenizer: ECGTokenizer, path: Path) -> None:
        raise error

    monkeypatch.setattr(ECGTokenizer, "save", fail)
    assert main(["train", str(damaged), "-o", str(tmp_path / "t.json"), *QUICK]) == code
    assert sorted(rejected(tmp_path / "t.rejected.csv")) == ["r1", "r2"]


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


def test_two_records_of_one_name_are_not_written_over_each_other(tokenizer_file, tmp_path, capsys):
    paths = [str(write_record(tmp_path / part, "same", 1)) for part in ("a", "b")]
    assert main(["encode", *paths, "-t", str(tokenizer_file), "-o", str(tmp_path / "out")]) == 2
    assert "both would be written to same.npz" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["train"], ["encode"], ["decode"], ["inspect"]])
def test_help_documents_the_exit_codes(command, capsys):
    assert main([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "exit codes:" in shown
    assert "some records were rejected" in shown


def test_the_module_runs_as_a_command(tokenizer_file):
    command = [sys.executable, "-m", "ecgbyte", "inspect", str(tokenizer_file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["boundary"] == "lead"
    done = subprocess.run([sys.executable, "-m", "ecgbyte", "--version"], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("ecgbyte ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX pipes")
def test_a_closed_pipe_ends_quietly(tokenizer_file):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "ecgbyte", "inspect", str(tokenizer_file)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_an_interrupt_ends_with_130_and_writes_no_tokenizer(records, tmp_path):
    output = tmp_path / "tokenizer.json"
    listed = tmp_path / "pipe"
    os.mkfifo(listed)  # the command waits for the list until it is interrupted
    command = [sys.executable, "-m", "ecgbyte", "train", "--list", str(listed), "-o", str(output)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        with listed.open("w"):  # opens when the command has begun to read
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert complaint == "ecgbyte train: interrupted\n"
    assert not output.exists()


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
