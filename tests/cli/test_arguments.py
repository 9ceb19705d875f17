"""Wrong arguments, exit codes, interrupts and closed pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ecgbyte import ECGTokenizer
from ecgbyte.cli import main
from tests.cli.cli_examples import write_record


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
        (["train", "RECORDS", "-o", "TMP/t.json", "--range-mv", "2", "1"], "--range-mv: got 2.0 and 1.0 mV"),
        (["train", "RECORDS", "-o", "TMP/t.json", "--num-merges", "-5"], "--num-merges: got -5"),
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


def test_two_records_of_one_name_are_not_written_over_each_other(tokenizer_file, tmp_path, capsys):
    paths = [str(write_record(tmp_path / part, "same", 1)) for part in ("a", "b")]
    assert main(["encode", *paths, "-t", str(tokenizer_file), "-o", str(tmp_path / "out")]) == 2
    assert "both would be written to same.npz" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [[], ["train"], ["encode"], ["decode"], ["inspect"], ["import-published"], ["answer"]]
)
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
