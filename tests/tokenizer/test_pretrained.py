"""Tokenizers by name: shipped, in a folder, on the hub (which these tests stand in for)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest

from ecgbyte import ECGTokenizer, Preprocessor
from ecgbyte.pretrained import make_ptb_xl
from ecgbyte.tokenizer.pretrained import SHIPPED_FOLDER, shipped_tokenizers
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record

TOKENIZER = small_tokenizer()


def test_the_shipped_tokenizer_is_what_its_card_says():
    tokenizer = ECGTokenizer.from_pretrained("ptb-xl-3500")
    card = (SHIPPED_FOLDER / "ptb-xl-3500" / "README.md").read_text(encoding="utf-8")
    assert shipped_tokenizers() == ["ptb-xl-3500"]
    assert len(tokenizer) == 3526 and (tokenizer.sampling_rate, tokenizer.num_leads) == (250, 12)
    assert tokenizer.preprocessing == Preprocessor().settings()
    assert f"fingerprint | `{tokenizer.fingerprint}`, training data `{tokenizer.training_fingerprint}`" in card
    assert f"{tokenizer.training.records} ECGs, {tokenizer.training.symbols:,} symbols" in card
    for needed in ("10.1038/s41597-020-0495-6", "CC BY 4.0", "fold 10", "folds 1 to 8", "no medical device"):
        assert needed in card


def test_it_encodes_a_record_it_never_saw():
    tokenizer = ECGTokenizer.from_pretrained("ptb-xl-3500")
    record = Preprocessor().apply(wandering_record(1, samples=2500, rate=250.0))
    encoding = tokenizer.encode(record)
    assert np.abs(tokenizer.decode(encoding) - np.clip(record.signal, encoding.low, encoding.high)).max() < 0.0452


def test_folders_and_files(tmp_path):
    assert TOKENIZER.save_pretrained(tmp_path / "made") == (str(tmp_path / "made" / "ecg_tokenizer.json"),)
    for name in (tmp_path / "made", str(tmp_path / "made"), tmp_path / "made" / "ecg_tokenizer.json"):
        assert ECGTokenizer.from_pretrained(name) == TOKENIZER
    assert ECGTokenizer.from_pretrained(tmp_path, subfolder="made") == TOKENIZER


def test_folders_of_earlier_versions_still_load(tmp_path):
    TOKENIZER.save(tmp_path / "tokenizer.json")
    assert ECGTokenizer.from_pretrained(tmp_path) == TOKENIZER


def test_the_text_tokenizer_in_a_model_folder_stays(tmp_path):
    text = json.dumps({"version": "1.0", "model": {"type": "BPE"}})
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(FileNotFoundError, match=r"there is no ecg_tokenizer\.json in the folder"):
        ECGTokenizer.from_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    assert ECGTokenizer.from_pretrained(tmp_path) == TOKENIZER
    assert (tmp_path / "tokenizer.json").read_text() == text


@pytest.mark.parametrize("name", ["ptb-xl-350", "./nowhere", "/nowhere/at-all", "a/b/c", "work/t.json", Path("a/b")])
def test_what_is_nowhere_is_told_without_a_look_at_the_network(name, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", None)
    with pytest.raises(FileNotFoundError, match=r"no tokenizer that comes with ecgbyte \(ptb-xl-3500\)"):
        ECGTokenizer.from_pretrained(name)


def test_from_the_hub(tmp_path, monkeypatch):
    TOKENIZER.save(tmp_path / "downloaded.json")
    asked = {}

    def download(repo_id, filename, **options):
        asked.update(options, repo_id=repo_id, filename=filename)
        if repo_id != "someone/ecg":
            raise huggingface_hub.errors.LocalEntryNotFoundError("offline")
        return str(tmp_path / "downloaded.json")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert ECGTokenizer.from_pretrained("someone/ecg", revision="v2") == TOKENIZER
    assert (asked["filename"], asked["revision"]) == ("ecg_tokenizer.json", "v2")
    with pytest.raises(FileNotFoundError, match=r"'someone/else' is no folder here, .* could not be had .* offline"):
        ECGTokenizer.from_pretrained("someone/else")


@pytest.mark.parametrize("has_card", [False, True])
def test_to_the_hub(has_card, tmp_path, monkeypatch):
    commits = []

    class Hub:
        def __init__(self, token=None):
            self.token = token

        def create_repo(self, repo_id, **options):
            return SimpleNamespace(repo_id=f"me/{repo_id}")

        def file_exists(self, *arguments, **options):
            return has_card

        def create_commit(self, repo_id, operations, **options):
            commits.append((repo_id, {item.path_in_repo: item.path_or_fileobj for item in operations}, options))
            return SimpleNamespace(commit_url="https://example.org/commit")

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    assert TOKENIZER.push_to_hub("ecg", commit_message="first") == "https://example.org/commit"
    ((repo_id, files, options),) = commits
    assert repo_id == "me/ecg" and options["commit_message"] == "first"
    (tmp_path / "ecg_tokenizer.json").write_bytes(files["ecg_tokenizer.json"])
    assert ECGTokenizer.from_pretrained(tmp_path) == TOKENIZER
    if has_card:
        assert list(files) == ["ecg_tokenizer.json"]
    else:
        card = files["README.md"].decode()
        assert TOKENIZER.fingerprint in card and "library_name: ecgbyte" in card
    TOKENIZER.save_pretrained(tmp_path / "named", push_to_hub=True)
    assert commits[1][0] == "me/named"


def test_without_the_hub_s_library_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'ecgbyte\[models\]'"):
        ECGTokenizer.from_pretrained("someone/ecg")
    assert len(ECGTokenizer.from_pretrained("ptb-xl-3500")) == 3526


def test_names_ids_and_batches():
    tokenizer = TOKENIZER
    assert len(tokenizer) == tokenizer.vocabulary_size == 66
    assert tokenizer.get_vocab() == {f"signal_{token}": token for token in range(66)}
    batch = tokenizer.encode_batch([wandering_record(1), wandering_record(2, samples=40)])
    for decoded, encoding in zip(tokenizer.batch_decode(batch), batch, strict=True):
        np.testing.assert_array_equal(decoded, tokenizer.decode(encoding))
    with pytest.raises(TypeError, match="sequences: got Encoding"):
        tokenizer.batch_decode(batch[0])


@pytest.mark.real_data
def test_the_script_writes_tokenizer_and_card(real_data, tmp_path, monkeypatch, capsys):
    """On 300 records and 60 merges; whether the committed files come from all of PTB-XL is for ``--check`` to say."""
    monkeypatch.setattr(make_ptb_xl, "SHIPPED_FOLDER", tmp_path)
    monkeypatch.setattr(make_ptb_xl, "NUM_MERGES", 60)
    subset = make_ptb_xl.PTBXL(real_data / "ptb-xl", 100, available_only=True)
    monkeypatch.setattr(make_ptb_xl, "PTBXL", lambda root, rate: subset)
    assert make_ptb_xl.main([str(real_data / "ptb-xl")]) == 0
    tokenizer = ECGTokenizer.from_pretrained(tmp_path / "ptb-xl-3500")
    assert len(tokenizer) == 86
    assert tokenizer.fingerprint in (tmp_path / "ptb-xl-3500" / "README.md").read_text()
    assert make_ptb_xl.main([str(real_data / "ptb-xl"), "--check"]) == 0
    (tmp_path / "ptb-xl-3500" / "README.md").write_text("altered")
    assert make_ptb_xl.main([str(real_data / "ptb-xl"), "--check"]) == 1
    assert "README.md: differs" in capsys.readouterr().err
