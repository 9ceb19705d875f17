"""Exported to Hugging Face tokenizers, an ECG tokenizer gives the same ids, and comes back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from ecgbyte import ECGTokenizer
from ecgbyte.bpe import train_merges
from ecgbyte.hub.tokenizers_library import merges_of_tokenizers, symbols_as_text, to_tokenizers
from ecgbyte.symbols import symbolize
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_signal

SYMBOLS = st.lists(st.integers(0, 3), max_size=80).map(lambda values: np.array(values, dtype=np.uint8))


@settings(deadline=None)
@given(SYMBOLS, SYMBOLS, st.sampled_from([4, 26, 40, 256]), st.integers(0, 20))
def test_ids_are_equal(learnt_from, symbols, alphabet_size, num_merges):
    merges = train_merges([learnt_from], num_merges, alphabet_size=alphabet_size)
    tokenizer = ECGTokenizer.from_merges(merges, "merge-order", alphabet_size=alphabet_size)
    exported = Tokenizer.from_str(to_tokenizers(tokenizer).to_str())
    assert exported.encode(symbols_as_text(symbols, alphabet_size)).ids == tokenizer.encode_symbols(symbols).tolist()
    back, size = merges_of_tokenizers(exported)
    assert ECGTokenizer.from_merges(back, "merge-order", alphabet_size=size) == tokenizer


def test_a_whole_ecg_is_encoded_lead_by_lead():
    tokenizer = small_tokenizer(matching="merge-order", boundary="lead")
    signal = wandering_signal(9)
    encoding = tokenizer.encode(signal)
    text = symbols_as_text(symbolize(signal, encoding.low, encoding.high))
    assert text.count(" ") == 11
    assert to_tokenizers(tokenizer).encode(text).ids == encoding.ids.tolist()


def test_what_cannot_be_exported_is_told():
    with pytest.raises(ValueError, match=r"has matching='longest', .*with_matching\('merge-order'\) can be exported"):
        to_tokenizers(small_tokenizer())
    with pytest.raises(ValueError, match="tokens 28 and 29 have the same symbols, 'aaa'"):
        to_tokenizers(ECGTokenizer.from_merges([(0, 0), (1, 1), (26, 0), (0, 26)], "merge-order"))
    with pytest.raises(TypeError, match="symbols: got int64"):
        symbols_as_text(np.zeros(3, dtype=np.int64))
    with pytest.raises(ValueError, match="values below 26"):
        symbols_as_text(np.array([26], dtype=np.uint8))
    assert symbols_as_text(np.array([], dtype=np.uint8)) == ""


def test_what_cannot_be_taken_over_is_told():
    with pytest.raises(ValueError, match="type 'WordLevel', expected BPE"):
        merges_of_tokenizers(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))
    with pytest.raises(ValueError, match="are not the 2 letters in their order"):
        merges_of_tokenizers(Tokenizer(models.BPE(vocab={"b": 0, "a": 1}, merges=[])))
    with pytest.raises(ValueError, match="merge 0 has the id 3, expected 2"):
        merges_of_tokenizers(
            Tokenizer(models.BPE(vocab={"a": 0, "b": 1, "aa": 3, "ab": 2}, merges=[("a", "a"), ("a", "b")]))
        )


def test_one_that_the_library_trained_is_taken_over():
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    texts = [symbols_as_text(symbolize(wandering_signal(seed), -1, 1)) for seed in range(3)]
    trainer = trainers.BpeTrainer(
        vocab_size=60, initial_alphabet=list("abcdefghijklmnopqrstuvwxyz"), show_progress=False
    )
    trained.train_from_iterator(texts, trainer)
    merges, alphabet_size = merges_of_tokenizers(trained)
    tokenizer = ECGTokenizer.from_merges(merges, "merge-order", amplitude_range=(-1, 1))
    assert alphabet_size == 26 and len(tokenizer) == 60
    signal = wandering_signal(7)
    assert trained.encode(symbols_as_text(symbolize(signal, -1, 1))).ids == tokenizer.encode(signal).ids.tolist()
