"""Reading a prepared folder: records, tables, training, tokens, and the libraries that read Parquet."""

from __future__ import annotations

import csv
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from ecgbyte import ECGTokenizer, read_record
from ecgbyte.cli import main
from ecgbyte.prepared.encoding import encode_folder
from ecgbyte.prepared.folder import PreparedFolder
from ecgbyte.prepared.preparation import prepare
from ecgbyte.prepared.settings import PreparationSettings
from ecgbyte.prepared.signal_steps import FINEST_MV, in_millivolts, in_steps
from ecgbyte.prepared.storage import Storage
from ecgbyte.signals.preprocess import Preprocessor
from tests.conftest import ROOT
from tests.prepared.prepared_examples import CHAIN, contents, settings_of, sources_in


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    output = tmp_path_factory.mktemp("folder") / "prepared"
    prepare(sources_in(tree), settings_of(), Storage(output), progress=False)
    return output


@pytest.fixture(scope="module")
def tokenizer(prepared):
    return ECGTokenizer.train(PreparedFolder(prepared).records(), 30, preprocessing=CHAIN, progress=False)


def test_records_are_those_of_the_files_to_half_a_step(prepared, tree):
    folder = PreparedFolder(prepared)
    records = list(folder.records())
    assert [record.record_id for record in records] == [f"r{number}" for number in range(10)]
    for record in records:
        direct = CHAIN.apply(read_record(tree / record.record_id))
        assert np.abs(record.signal - direct.signal).max() <= FINEST_MV / 2
        assert (record.sampling_rate, record.lead_names) == (direct.sampling_rate, direct.lead_names)
        np.testing.assert_array_equal(folder.read(record.record_id).signal, record.signal)
    with pytest.raises(KeyError, match="'r77' is not among the 10 rows"):
        folder.read("r77")


def test_what_is_known_comes_along(prepared):
    folder = pickle.loads(pickle.dumps(PreparedFolder(prepared)))
    assert [(entry.patient_id, entry.fold) for entry in folder.entries[:3]] == [("p0", 1), ("p0", 1), ("p1", 2)]
    assert [record.record_id for record in folder.records(folds=[2, 5])] == ["r2", "r3", "r8", "r9"]
    assert len(folder.records(folds=[2, 5])) == 4 and len(folder.records()) == 10
    assert folder.preprocessor == CHAIN and folder.sampling_rate == 100
    folder.check()


def test_nothing_is_filtered_twice(prepared):
    record = PreparedFolder(prepared).read("r0")
    assert CHAIN.apply(record) is record
    assert [segment.num_samples for segment in CHAIN.segments(record, 2.0)] == [200, 200]
    with pytest.raises(ValueError, match="'r0' was preprocessed with other settings"):
        Preprocessor(target_rate=250).apply(record)


def test_training_on_the_folder_is_training_on_its_records(prepared, tmp_path, capsys):
    path = tmp_path / "tokenizer.json"
    assert main(["train", str(prepared), "-o", str(path), "--num-merges", "30", "--folds", "1-4", "--no-progress"]) == 0
    found = ECGTokenizer.from_pretrained(path)
    folder = PreparedFolder(prepared)
    records = list(folder.records(folds=range(1, 5)))
    limits = folder.amplitudes.amplitude_range(range(1, 5))
    exact = np.percentile(np.concatenate([r.signal.reshape(-1) for r in records]).astype(np.float64), (1, 99))
    np.testing.assert_allclose([limits.low + 0.5, limits.high - 0.5], exact, atol=1e-9)
    again = ECGTokenizer.train(records, 30, amplitude_range=limits, preprocessing=CHAIN, progress=False)
    assert np.array_equal(found.merges, again.merges) and found.amplitude_range == again.amplitude_range
    assert found.preprocessing == CHAIN.settings() and found.training.records == 8
    assert "8 records" in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--target-rate", "200"], ["--units", "uV"], ["--no-preprocess"]])
def test_options_of_files_are_refused(option, prepared, tmp_path, capsys):
    assert main(["train", str(prepared), "-o", str(tmp_path / "t.json"), *option]) == 2
    assert "the records are prepared already" in capsys.readouterr().err


def test_tokens_become_columns(prepared, tokenizer, tmp_path, capsys):
    import shutil

    output, path = tmp_path / "prepared", tmp_path / "tokenizer.json"
    shutil.copytree(prepared, output)
    tokenizer.save(path)
    assert main(["encode", str(output), "-t", str(path), "--no-progress", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    folder = PreparedFolder(output)
    assert folder.tokenizer.fingerprint == tokenizer.fingerprint
    rows = folder.table(["record_id", "ids", "tokens_per_lead", "clipped"]).to_pylist()
    for record, row in zip(folder.records(), rows, strict=True):
        encoding = tokenizer.encode(record)
        assert row["ids"] == encoding.ids.tolist() and row["record_id"] == record.record_id
        assert row["tokens_per_lead"] == np.bincount(encoding.leads, minlength=12).tolist()
    assert summary["rows"] == 10 and summary["tokens"] == sum(len(row["ids"]) for row in rows)
    assert len(list((output / "shards").iterdir())) == 4 and not (output / "encoding").exists()
    # Once more changes nothing, and another tokenizer replaces nothing.
    before = contents(output)
    assert main(["encode", str(output), "-t", str(path), "--no-progress"]) == 0
    other = ECGTokenizer.train(folder.records(), 5, preprocessing=CHAIN, progress=False)
    with pytest.raises(ValueError, match="the tokens of another tokenizer"):
        encode_folder(folder, Storage(output), other, progress=False)
    assert contents(output) == before


def test_tokens_in_one_go_are_those_of_two(tree, prepared, tokenizer, tmp_path):
    import shutil

    shutil.copytree(prepared, tmp_path / "two")
    encode_folder(PreparedFolder(tmp_path / "two"), Storage(tmp_path / "two"), tokenizer, progress=False)
    prepare(sources_in(tree), settings_of(tokenizer=tokenizer), Storage(tmp_path / "one"), progress=False)
    prepare(
        sources_in(tree), settings_of(tokenizer=tokenizer, signals=False), Storage(tmp_path / "tokens"), progress=False
    )
    one, two = (PreparedFolder(tmp_path / name) for name in ("one", "two"))
    assert [shard["sha256"] for shard in one.manifest["shards"]] == [s["sha256"] for s in two.manifest["shards"]]
    tokens = PreparedFolder(tmp_path / "tokens")
    assert tokens.table(["ids"]).equals(one.table(["ids"])) and "signal" not in tokens.columns
    with pytest.raises(ValueError, match="hold tokens only"):
        tokens.read("r0")


@pytest.mark.parametrize("stop_at", range(1, 16, 2))
def test_encoding_that_is_stopped_goes_on(stop_at, prepared, tokenizer, tmp_path, monkeypatch):
    import shutil

    for name in ("plain", "stopped"):
        shutil.copytree(prepared, tmp_path / name)
    encode_folder(PreparedFolder(tmp_path / "plain"), Storage(tmp_path / "plain"), tokenizer, progress=False)
    output, number = tmp_path / "stopped", 0
    write, remove = Storage.write, Storage.remove

    def counted(method):
        def call(self, *arguments):
            nonlocal number
            number += 1
            if number == stop_at:
                raise KeyboardInterrupt
            return method(self, *arguments)

        return call

    monkeypatch.setattr(Storage, "write", counted(write))
    monkeypatch.setattr(Storage, "remove", counted(remove))
    for _ in range(2):
        try:
            encode_folder(PreparedFolder(output), Storage(output), tokenizer, progress=False)
        except KeyboardInterrupt:
            PreparedFolder(output).check()
    assert PreparedFolder(output).manifest == PreparedFolder(tmp_path / "plain").manifest
    assert PreparedFolder(output).tokenizer.fingerprint == tokenizer.fingerprint


def test_a_tokenizer_of_other_preprocessing_is_refused(tree, tokenizer):
    with pytest.raises(ValueError, match=r"preprocessed otherwise: target_rate 250\.0, expected 100\.0"):
        PreparationSettings(Preprocessor(target_rate=250), tokenizer=tokenizer)


def test_segments_are_rows(tree, tmp_path):
    manifest = prepare(
        sources_in(tree), settings_of(segment_seconds=2.0), Storage(tmp_path / "prepared"), progress=False
    )
    assert manifest["counts"]["prepared"] == 10 and manifest["counts"]["rows"] == 20
    assert manifest["counts"]["samples_left_out"] == 10 * 100
    folder = PreparedFolder(tmp_path / "prepared")
    assert [record.record_id for record in folder.records()][:3] == ["r0#0", "r0#1", "r1#0"]
    assert folder.read("r3#1").num_samples == 200


def test_hugging_face_and_others_read_the_shards(prepared, tmp_path):
    datasets = pytest.importorskip("datasets")
    folder = PreparedFolder(prepared)
    found = datasets.load_dataset("parquet", data_files=folder.shards, split="train", cache_dir=str(tmp_path))
    assert found["record_id"] == [record.record_id for record in folder.records()]
    row = found[4]
    signal = in_millivolts(np.array(row["signal"], dtype=np.int16).reshape(len(row["leads"]), -1), row["scale"])
    np.testing.assert_array_equal(signal, folder.read("r4").signal)
    # Mapped into memory, not copied: both views of a column begin at the same place.
    first, second = (found.data.column("signal").chunk(0).values.to_numpy(zero_copy_only=True) for _ in range(2))
    assert np.shares_memory(first, second)


def test_workers_of_a_data_loader_share_the_shards(prepared):
    torch = pytest.importorskip("torch")
    from ecgbyte.prepared.torch_data import ShardRows

    folder = PreparedFolder(prepared)
    rows = ShardRows(folder, ["record_id", "signal", "scale"], seed=3)
    loader = torch.utils.data.DataLoader(rows, batch_size=2, num_workers=2)
    batches = list(loader)
    ids = [record_id for batch in batches for record_id in batch["record_id"]]
    assert sorted(ids) == [f"r{number}" for number in range(10)] and ids != sorted(ids)
    for batch in batches:
        for record_id, steps, scale in zip(batch["record_id"], batch["signal"], batch["scale"], strict=True):
            np.testing.assert_array_equal(steps.numpy() * np.float32(scale), folder.read(record_id).signal)
    one, other = list(ShardRows(folder))[:2]
    assert one["signal"].untyped_storage().data_ptr() == other["signal"].untyped_storage().data_ptr()
    rows.set_epoch(1)
    assert [row["record_id"] for row in rows] != [row["record_id"] for row in ShardRows(folder, seed=3)]
    with pytest.raises(ValueError, match="columns: there is no 'heart_rate'"):
        ShardRows(folder, ["heart_rate"])


def test_the_description_is_croissant(prepared):
    croissant = pytest.importorskip("mlcroissant")
    found = croissant.Dataset(jsonld=str(prepared / "croissant.json"))
    assert not found.metadata.issues.errors
    first = next(iter(found.records("records")))
    record = PreparedFolder(prepared).read("r0")
    assert first["records/record_id"] == b"r0"
    np.testing.assert_array_equal(first["records/signal"], in_steps(record.signal)[0].reshape(-1))


def test_damage_is_told(prepared, tmp_path):
    import shutil

    output = tmp_path / "prepared"
    shutil.copytree(prepared, output)
    shard = sorted((output / "shards").iterdir())[1]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 255
    shard.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=f"{shard.name} is not what was written"):
        PreparedFolder(output).check()
    shard.write_bytes(bytes(content[:300]))
    with pytest.raises(ValueError, match=f"{shard.name} is damaged"):
        list(PreparedFolder(output).records())
    shard.unlink()
    with pytest.raises(FileNotFoundError, match=f"{shard.name} is missing"):
        list(PreparedFolder(output).records())
    with pytest.raises(FileNotFoundError, match="holds no manifest"):
        PreparedFolder(tmp_path)
    (output / "manifest.json").write_text('{"format": "other"}')
    with pytest.raises(ValueError, match="no manifest of a folder that ecgbyte prepare wrote"):
        PreparedFolder(output)


def test_a_list_and_a_limit_choose(tree, tmp_path, capsys):
    listed = tmp_path / "some.txt"
    listed.write_text("# mine\nr7\nr2.hea\nr4\n")
    output = tmp_path / "prepared"
    command = [
        "prepare",
        str(tree),
        "-o",
        str(output),
        "--records",
        str(listed),
        "--limit",
        "2",
        "--target-rate",
        "100",
    ]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["records"], found["prepared"], found["rejected"]) == (2, 2, 0)
    assert [record.record_id for record in PreparedFolder(output).records()] == ["r2", "r4"]
    listed.write_text("r7\nr99\n")
    assert main(command) == 2
    assert "--records: 'r99' of the 2 listed are not among the records" in capsys.readouterr().err
    assert main([*command[:4], "--folds", "1"]) == 2
    assert "--folds: these records have none" in capsys.readouterr().err
    with (output / "rejected.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [["record", "file", "code", "reason"]]


def test_the_example_of_the_pages_runs(prepared):
    script = ROOT / "docs" / "examples" / "read_prepared.py"
    done = subprocess.run([sys.executable, script, prepared], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "10 prepared, 0 rejected {}" in done.stdout and "4 records, (4, 12, 500)" in done.stdout
