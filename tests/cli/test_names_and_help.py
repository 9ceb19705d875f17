"""A command that starts at once, tokenizers by name, published vocabularies, errors that speak of options."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ecgbyte import ECGTokenizer
from ecgbyte.cli import as_option, build_parser, main
from tests.tokenizer.published_files import save_published, train_published


def test_the_list_of_commands_says_what_their_own_help_says():
    whole = build_parser()
    assert whole.format_help() == build_parser([]).format_help()


def test_help_loads_nothing_heavy():
    code = "import sys\nfrom ecgbyte.cli import main\nmain(['--help'])\nprint(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "import-published" in done.stdout
    assert not {"numpy", "scipy", "torch", "wfdb", "tqdm", "ecgbyte.signals"} & set(done.stderr.split())


def test_a_published_vocabulary_becomes_a_tokenizer_file(tmp_path, capsys):
    _, vocab, merges = train_published("abcabcabcaabxyzxyz", 6)
    save_published(tmp_path / "p.pkl", vocab, merges)
    output = tmp_path / "ecg_tokenizer.json"
    command = ["import-published", str(tmp_path / "p.pkl"), "-o", str(output)]
    assert main([*command, "--percentiles", "-0.5", "0.7", "--rate", "250", "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    tokenizer = ECGTokenizer.load(output)
    assert written["range_mv"] == [-1.0, 1.2] == [tokenizer.amplitude_range.low, tokenizer.amplitude_range.high]
    assert (written["vocabulary_size"], tokenizer.sampling_rate) == (262, 250)
    assert main([*command, "--per-record"]) == 0
    assert ECGTokenizer.load(output).amplitude_range == "per-record"
    assert "6 merges, 262 ids, range per-record" in capsys.readouterr().out
    assert main(["inspect", str(output), "--tokens", "1"]) == 0
    assert "   256      2  " in capsys.readouterr().out

    assert main([*command, "--range-mv", "1", "-1"]) == 2
    assert "--range-mv: " in capsys.readouterr().err
    assert main([*command[:3], str(tmp_path / "p.pkl"), "--per-record"]) == 2
    assert "p.pkl exists and is no ECG tokenizer" in capsys.readouterr().err
    assert main(command) == 2
    assert "--percentiles --range-mv --per-record is required" in capsys.readouterr().err


def test_a_tokenizer_may_be_named(records, tmp_path, capsys):
    (record,) = sorted(records.glob("part1/r1.hea"))
    assert main(["encode", str(record), "-t", "ptb-xl-3500", "--json", "--no-progress"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["tokenizer"] == ECGTokenizer.from_pretrained("ptb-xl-3500").fingerprint
    assert main(["encode", str(record), "-t", "ptb-xl-3501", "--json"]) == 2
    assert "'ptb-xl-3501' is no tokenizer that comes with ecgbyte (ptb-xl-3500)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("num_merges: got -1", "--num-merges: got -1"),
        ("low, high: got 2 and 1", "--range-mv: got 2 and 1"),
        ("name: there is none", "there is none"),
        ("sampling_rate: got 0", "sampling_rate: got 0"),
        ("--list: there is no file", "--list: there is no file"),
        ("tokenizer file t.json: merges: got", "tokenizer file t.json: merges: got"),
        ("", ""),
    ],
)
def test_errors_speak_of_options(message, expected):
    assert as_option(message, {"num_merges": 1, "range_mv": None}) == expected
