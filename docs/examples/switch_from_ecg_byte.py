"""For who has a vocabulary of ECG-Byte's code: the same ids and rows, from this package.

python switch_from_ecg_byte.py tokenizer_3500.pkl OUTPUT_FOLDER
"""

import sys
import time
from pathlib import Path

import numpy as np

import ecgbyte
from ecgbyte.compat import byte_pair_encoding, encode_text, normalize_all, track_encoding
from ecgbyte.data.synthetic import SyntheticRecords

pickle_file, folder = Path(sys.argv[1]), Path(sys.argv[2])
percentiles = {"percentile_1": -0.45, "percentile_99": 0.72}  # yours: as the preprocessing of ECG-Byte saved them

# One line instead of pickle.load, and nothing in the file is executed.
tokenizer = ecgbyte.ECGTokenizer.from_published(pickle_file, amplitude_range=percentiles)

# Your records, float64 [12, samples] in mV; here made-up ones.
data = SyntheticRecords(num_patients=20, seed=0)
signals = [data.read(entry.record_id).signal.astype(np.float64) for entry in data.entries]

start = time.perf_counter()
encodings = tokenizer.encode_batch(signals)
print(f"{len(signals)} records encoded in {time.perf_counter() - start:.3f} s")

# The published functions are here too, under their names; the ids are the same.
merges = [(tokenizer.token_symbols(token).astype(int) + 97, token) for token in range(256, len(tokenizer))]
merges = [(string.tolist(), token) for string, token in merges]
for signal, encoding in zip(signals, encodings, strict=True):
    _, letters = normalize_all(signal, percentiles)
    text = "".join(letters.flatten())
    assert encode_text(text, merges) == encoding.ids.tolist()
    assert track_encoding(text, merges)[0] == encoding.ids.tolist()

# In a language model the tokens are called signal_{id}, in the order of the file: rows of a checkpoint stay valid.
print("first rows:", *list(tokenizer.get_vocab())[:3])

# From now on the vocabulary is a JSON file that says which range and which ids it means.
tokenizer.save_pretrained(folder)
again = ecgbyte.ECGTokenizer.from_pretrained(folder)
assert again == tokenizer and again.encode(signals[0]).ids.tolist() == encodings[0].ids.tolist()

# Training goes on by the published name as well, with ties that fall by rule.
ids, vocab, learnt = byte_pair_encoding(text, 50)
print(f"{len(learnt)} merges learnt; the longest token is {max(vocab.values(), key=len)!r}")
print(f"saved to {folder}")
