"""ECGs in data sets of the Hugging Face library ``datasets``: features, and a function for ``map``.

The same function serves data sets in memory, on disk and streamed, several processes, and the library's cache, which
knows it by its content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ecgbyte.checks import whole_number
from ecgbyte.hub.plain_form import ecg_as_text
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.tokenizer_file import format_tokenizer, parse_tokenizer


def ecg_features(tokenizer: ECGTokenizer, num_samples: int, columns: Mapping[str, Any] | None = None) -> Any:
    """Features of a data set with a signal in the column ``ecg``.

    Parameters
    ----------
    tokenizer : ECGTokenizer
        Says how many leads there are.
    num_samples : int
        Samples a lead; all signals of such a column are of one length.
    columns : dict, optional
        Further features, such as ``{"question": datasets.Value("string")}``.

    Returns
    -------
    datasets.Features
        ``ecg`` as float32 [leads, samples], in mV.

    Raises
    ------
    ValueError
        If the tokenizer knows symbols only, so that no number of leads is known.
    """
    from datasets import Array2D, Features

    if tokenizer.num_leads is None:
        raise ValueError("tokenizer: knows symbols only, expected one that takes signals")
    num_samples = whole_number("num_samples", num_samples, minimum=2)
    return Features({"ecg": Array2D((tokenizer.num_leads, num_samples), "float32"), **(columns or {})})


class EncodeECGs:
    """A function for ``dataset.map(EncodeECGs(tokenizer), batched=True)``, also of streamed data sets.

    It adds ``ecg_ids``, the token ids, ``ecg_clipped``, the share of samples that were clipped, and, where asked for,
    ``ecg_text``, the plain form (`ecgbyte.hub.plain_form`).

    *Thread-safety*: immutable; it can be pickled, so several processes can work (``num_proc``).

    Parameters
    ----------
    tokenizer : ECGTokenizer
    column : str
        Where the signals stand, float [leads, samples] in mV.
    with_text : bool
        Add the plain form.

    Examples
    --------
    ::

        encoded = dataset.map(EncodeECGs(tokenizer), batched=True, remove_columns="ecg")
    """

    def __init__(self, tokenizer: ECGTokenizer, column: str = "ecg", *, with_text: bool = False) -> None:
        self.tokenizer = tokenizer
        self.column = column
        self.with_text = with_text

    def __reduce__(self) -> tuple[Any, ...]:
        # As its file's text, which equal tokenizers share: the cache knows the function by what pickling gives.
        return _from_text, (format_tokenizer(self.tokenizer._content), self.column, self.with_text)

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Encode the signals of a batch.

        Raises
        ------
        KeyError
            If there is no such column.
        TypeError, ValueError
            As `ecgbyte.ECGTokenizer.encode_batch`.
        """
        if self.column not in batch:
            raise KeyError(f"column: the data set has no {self.column!r}, it has {', '.join(map(repr, batch))}")
        encodings = self.tokenizer.encode_batch([np.asarray(signal, dtype=np.float32) for signal in batch[self.column]])
        columns: dict[str, list[Any]] = {
            "ecg_ids": [encoding.ids.tolist() for encoding in encodings],
            "ecg_clipped": [encoding.clipped for encoding in encodings],
        }
        if self.with_text:
            columns["ecg_text"] = [ecg_as_text(encoding) for encoding in encodings]
        return columns


def _from_text(text: str, column: str, with_text: bool) -> EncodeECGs:
    return EncodeECGs(ECGTokenizer(parse_tokenizer(text.encode("ascii"))), column, with_text=with_text)
