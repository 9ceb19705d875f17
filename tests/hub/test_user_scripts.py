"""The scripts of docs/examples, run as a user runs them: in processes of their own, and elsewhere than the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ecgbyte.compat import byte_pair_encoding
from tests.cli.cli_examples import write_record
from tests.conftest import ROOT
from tests.hub.tiny_models import base_model
from tests.tokenizer.ecg_examples import wandering_signal
from tests.tokenizer.published_files import save_published, symbols_published


def run(script: str, *arguments: object, folder: Path) -> str:
    """Run a script in a folder; what it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "examples" / script), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_someone_with_a_vocabulary_of_ecg_byte(tmp_path):
    packed = Path(os.environ.get("ECGBYTE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    pickle_file = packed / "published-tokenizers" / "ecg_byte_tokenizer_1000_25.pkl"
    if not pickle_file.is_file():
        # One in the same form, learnt here.
        text = symbols_published(wandering_signal(0, samples=2000), -1, 1)
        _, vocab, merges = byte_pair_encoding(text, 300)
        pickle_file = tmp_path / "tokenizer_300.pkl"
        save_published(pickle_file, vocab, merges)
    printed = run("switch_from_ecg_byte.py", pickle_file, "tokenizer", folder=tmp_path)
    assert "saved to tokenizer" in printed
    assert json.loads((tmp_path / "tokenizer" / "ecg_tokenizer.json").read_text())["version"] == 2


@pytest.fixture(scope="module")
def adapter(tmp_path_factory) -> Path:
    """What the training script saves, of a tiny base model."""
    folder = tmp_path_factory.mktemp("training")
    model, text = base_model()
    model.save_pretrained(folder / "base")
    text.save_pretrained(folder / "base")
    printed = run("train_with_transformers.py", folder / "base", "adapter", 4, folder=folder)
    assert "saved to adapter" in printed and "loss" in printed
    return folder / "adapter"


def test_someone_who_trains_with_transformers(adapter, tmp_path):
    """The adapter is small, and another process answers with it from another place."""
    sizes = {path.name: path.stat().st_size for path in adapter.iterdir()}
    assert "model.safetensors" not in sizes
    assert sum(size for name, size in sizes.items() if name.endswith(".safetensors")) < 3_000_000
    shutil.copytree(adapter, tmp_path / "elsewhere")
    write_record(tmp_path, "r0", 0, rate=500, seconds=10)
    command = [
        sys.executable,
        "-m",
        "ecgbyte",
        "answer",
        "r0",
        "--model",
        "elsewhere",
        "--question",
        "Is this ECG normal?",
    ]
    done = subprocess.run(
        [*command, "--max-new-tokens", "4", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout)
    assert answered["seconds"] == [0.0, 2.0] and 0 < answered["answers"][0]["yes"] < 1


def test_someone_who_asks_one_ecg_three_questions(adapter, tmp_path):
    write_record(tmp_path, "r0", 0, rate=500, seconds=10)
    lines = run("ask_one_ecg.py", adapter, "r0", folder=tmp_path).splitlines()
    assert lines[0] == "r0, 0 to 2 s" and len(lines) == 5
    assert all("(yes 0." in line for line in lines[1:4])
