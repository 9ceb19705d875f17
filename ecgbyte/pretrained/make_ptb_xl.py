"""Make the tokenizer ``ptb-xl-3500`` from PTB-XL: ``python -m ecgbyte.pretrained.make_ptb_xl /path/to/ptb-xl``.

Range and merges are learnt from folds 1 to 8 and measured on fold 10; fold 9 is left alone. The same data gives the
same bytes; ``--check`` compares them with the committed ones instead of writing. About ten minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.files import write_atomically
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.pretrained import SHIPPED_FOLDER
from ecgbyte.tokenizer.tokenizer_file import FILE_NAME, format_tokenizer

NAME = "ptb-xl-3500"
NUM_MERGES = 3500
TRAINING_FOLDS = range(1, 9)
HELD_OUT_FOLD = 10

_CARD = Path(__file__).parent / "ptb_xl_card.md"


class PreprocessedRecords:
    """The records of some folds, preprocessed, read from their files again at each iteration.

    *Thread-safety*: as the data set.
    """

    def __init__(self, dataset: PTBXL, folds: Sequence[int], preprocessor: Preprocessor) -> None:
        self._dataset = dataset
        self._preprocessor = preprocessor
        self.record_ids = [entry.record_id for entry in dataset.entries if entry.fold in folds]

    def __length_hint__(self) -> int:
        return len(self.record_ids)

    def __iter__(self) -> Iterator[Record]:
        for record_id in self.record_ids:
            yield self._preprocessor.apply(self._dataset.read(record_id))


@dataclass(frozen=True)
class HeldOut:
    """What is measured on records that no merge was learnt from.

    Attributes
    ----------
    records : int
    tokens_median, tokens_low, tokens_high : float
        Tokens a record of 10 s: median, percentiles 5 and 95.
    compression : float
        Symbols a token, over all records together.
    error_mean, error_median : float
        Root mean square between the preprocessed and the decoded signal of a record, in mV: mean and median.
    clipped : float
        Share of the samples outside the range.
    records_clipped : float
        Share of the records with such a sample.
    """

    records: int
    tokens_median: float
    tokens_low: float
    tokens_high: float
    compression: float
    error_mean: float
    error_median: float
    clipped: float
    records_clipped: float


def measure(tokenizer: ECGTokenizer, records: PreprocessedRecords) -> HeldOut:
    """Encode and decode every record."""
    tokens, errors, clipped, symbols = [], [], [], 0
    for record in records:
        encoding = tokenizer.encode(record)
        difference = tokenizer.decode(encoding).astype(np.float64) - record.signal
        tokens.append(encoding.num_tokens)
        errors.append(float(np.sqrt(np.mean(difference**2))))
        clipped.append(encoding.clipped)
        symbols += encoding.num_symbols
    low, median, high = np.percentile(tokens, (5, 50, 95))
    return HeldOut(
        records=len(tokens),
        tokens_median=float(median),
        tokens_low=float(low),
        tokens_high=float(high),
        compression=symbols / sum(tokens),
        error_mean=float(np.mean(errors)),
        error_median=float(np.median(errors)),
        clipped=float(np.mean(clipped)),
        records_clipped=float(np.mean(np.array(clipped) > 0)),
    )


def card(tokenizer: ECGTokenizer, held_out: HeldOut) -> str:
    """The card, with the numbers of this tokenizer put into its text."""
    training, limits = tokenizer.training, tokenizer.amplitude_range
    if training is None or not isinstance(limits, AmplitudeRange):
        raise ValueError("tokenizer: expected one that was trained, with a global range")
    return _CARD.read_text(encoding="utf-8").format(
        vocabulary_size=len(tokenizer),
        records=training.records,
        symbols=f"{training.symbols:,}",
        low=f"{limits.low:.3f}",
        high=f"{limits.high:.3f}",
        half_bin=f"{(limits.high - limits.low) / tokenizer.alphabet_size / 2:.3f}",
        fingerprint=tokenizer.fingerprint,
        training_fingerprint=training.fingerprint,
        held_records=f"{held_out.records:,}",
        tokens=f"{held_out.tokens_median:.0f} ({held_out.tokens_low:.0f} to {held_out.tokens_high:.0f})",
        compression=f"{held_out.compression:.2f}",
        error_mean=f"{held_out.error_mean:.4f}",
        error_median=f"{held_out.error_median:.4f}",
        clipped=f"{100 * held_out.clipped:.2f}",
        records_clipped=f"{100 * held_out.records_clipped:.0f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure, and write or compare; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ecgbyte.pretrained.make_ptb_xl", description=__doc__)
    parser.add_argument("root", metavar="FOLDER", help="PTB-XL as published, with records100/")
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    chosen = parser.parse_args(arguments)
    dataset, preprocessor = PTBXL(chosen.root, 100), Preprocessor()
    tokenizer = ECGTokenizer.train(
        PreprocessedRecords(dataset, TRAINING_FOLDS, preprocessor),
        NUM_MERGES,
        preprocessing=preprocessor,
        progress=sys.stderr.isatty(),
    )
    held_out = measure(tokenizer, PreprocessedRecords(dataset, (HELD_OUT_FOLD,), preprocessor))
    folder = SHIPPED_FOLDER / NAME
    contents = {FILE_NAME: format_tokenizer(tokenizer._content), "README.md": card(tokenizer, held_out)}
    differing = 0
    for name, content in contents.items():
        if not chosen.check:
            folder.mkdir(exist_ok=True)
            write_atomically(folder / name, content)
        elif (folder / name).read_bytes() != content.encode("utf-8"):
            print(f"{folder / name}: differs from what the data gives", file=sys.stderr)
            differing = 1
    print(f"{folder}: {held_out}")
    return differing


if __name__ == "__main__":
    sys.exit(main())
