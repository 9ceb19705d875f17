"""Data sets of ``datasets``: in memory, streamed, and handed to torch."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

from ecgbyte import ECGTokenizer
from ecgbyte.hub import ecg_as_text
from ecgbyte.hub.datasets_library import EncodeECGs, ecg_features
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_signal

datasets = pytest.importorskip("datasets")

TOKENIZER = small_tokenizer()
SIGNALS = [wandering_signal(seed) for seed in range(5)]


def rows():
    for number, signal in enumerate(SIGNALS):
        yield {"ecg": signal, "question": f"Question {number}?"}


@pytest.fixture
def dataset(tmp_path):
    features = ecg_features(TOKENIZER, 60, {"question": datasets.Value("string")})
    return datasets.Dataset.from_list(list(rows()), features=features)


def test_signals_and_tokens_in_memory(dataset):
    encoded = dataset.map(EncodeECGs(TOKENIZER, with_text=True), batched=True, batch_size=2, remove_columns="ecg")
    assert encoded.column_names == ["question", "ecg_ids", "ecg_clipped", "ecg_text"]
    for row, signal in zip(encoded, SIGNALS, strict=True):
        encoding = TOKENIZER.encode(signal)
        assert row["ecg_ids"] == encoding.ids.tolist() and row["ecg_clipped"] == encoding.clipped
        assert row["ecg_text"] == ecg_as_text(encoding)
    np.testing.assert_array_equal(dataset.with_format("numpy")[3]["ecg"], SIGNALS[3])


def test_streamed():
    streamed = datasets.IterableDataset.from_generator(rows)
    encoded = streamed.map(EncodeECGs(TOKENIZER), batched=True, batch_size=2)
    assert [row["ecg_ids"] for row in encoded] == [TOKENIZER.encode(signal).ids.tolist() for signal in SIGNALS]


def test_tensors_without_a_warning(dataset):
    import torch

    encoded = dataset.map(EncodeECGs(TOKENIZER), batched=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not writable.*")
        row = encoded.with_format("torch")[0]
    assert row["ecg_ids"].dtype == torch.int64 and row["ecg"].shape == (12, 60)


def test_the_function_is_known_by_its_content():
    from datasets.fingerprint import Hasher

    one, same = EncodeECGs(TOKENIZER), EncodeECGs(pickle.loads(pickle.dumps(TOKENIZER)))
    assert Hasher.hash(one) == Hasher.hash(same)
    assert Hasher.hash(one) != Hasher.hash(EncodeECGs(TOKENIZER.with_matching("merge-order")))


def test_wrong_columns_and_tokenizers_are_told(dataset):
    with pytest.raises(KeyError, match="no 'signal', it has 'ecg', 'question'"):
        EncodeECGs(TOKENIZER, "signal")(dataset[:2])
    with pytest.raises(ValueError, match="knows symbols only"):
        ecg_features(ECGTokenizer.from_merges([]), 60)
    with pytest.raises(ValueError, match="num_samples: got 1"):
        ecg_features(TOKENIZER, 1)
