"""All that a page holds beside its text: tokenizer, records and measures, as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.viz.measures import measure_prefixes, with_merges
from ecgbyte.viz.packing import TRACE_STEP_MV, pack_bytes, pack_trace
from ecgbyte.viz.paper import check_amplitude
from ecgbyte.viz.shapes import CLIPPED_COLOUR, PAPER_COLOUR, SHAPES

FORMAT = 1


def page_content(
    records: Sequence[Record], tokenizer: ECGTokenizer, filter_lines: Sequence[str], num_merges: int, token: int | None
) -> dict[str, Any]:
    """Everything that the page's scripts read.

    Parameters
    ----------
    records : sequence of Record
        As the tokenizer takes them.
    tokenizer : ECGTokenizer
        With a range.
    filter_lines : sequence of str
        One for each record.
    num_merges : int
        How many merges the page starts with.
    token : int or None
        The token chosen at the start; None lets the page choose.

    Returns
    -------
    dict
        Of what JSON can hold. Symbols and merges are exact; traces are rounded to 0.005 mV for drawing.
    """
    # Symbols are the ids of a tokenizer without merges.
    letters_only = with_merges(tokenizer, 0)
    return {
        "format": FORMAT,
        "tokenizer": _tokenizer_content(tokenizer),
        "records": [
            _record_content(record, letters_only.encode(record), line)
            for record, line in zip(records, filter_lines, strict=True)
        ],
        "measures": measure_prefixes(records, tokenizer),
        "shapes": [{"name": shape.name, "dark": shape.dark, "light": shape.light} for shape in SHAPES],
        "colours": {"paper": PAPER_COLOUR, "clipped": CLIPPED_COLOUR},
        "start": {"merges": num_merges, "token": token},
    }


def _tokenizer_content(tokenizer: ECGTokenizer) -> dict[str, Any]:
    training = tokenizer.training
    return {
        "alphabet": tokenizer.alphabet_size,
        "merges": pack_bytes(tokenizer.merges.astype(np.uint16)),
        "matching": tokenizer.matching,
        "boundary": tokenizer.boundary,
        "fingerprint": tokenizer.fingerprint,
        "training_records": None if training is None else training.records,
        "training_symbols": None if training is None else training.symbols,
    }


def _record_content(record: Record, encoding: Encoding, filter_line: str) -> dict[str, Any]:
    check_amplitude(record.signal, record.lead_names)
    return {
        "id": record.record_id,
        "filters": filter_line,
        "leads": list(record.lead_names),
        "samples": record.num_samples,
        "rate": record.sampling_rate,
        "low": encoding.low,
        "high": encoding.high,
        "symbols": pack_bytes(encoding.ids.astype(np.uint8)),
        "trace": pack_trace(record.signal),
        "trace_step": TRACE_STEP_MV,
        "clipped": clipped_stretches(record.signal, encoding.low, encoding.high),
    }


def clipped_stretches(signal: NDArray[np.floating], low: float, high: float) -> list[list[int]]:
    """Where samples lie outside the range, as [lead, first sample, one past the last] for each stretch.

    Parameters
    ----------
    signal : float [leads, samples]
        In mV.
    low, high : float
        The range, in mV.
    """
    stretches = []
    values = signal.astype(np.float64)
    for lead, outside in enumerate((values < low) | (values > high)):
        borders = np.flatnonzero(np.diff(outside.astype(np.int8), prepend=0, append=0))
        stretches += [[lead, int(start), int(stop)] for start, stop in borders.reshape(-1, 2)]
    return stretches
