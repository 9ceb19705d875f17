"""The way of a signal through a tokenizer: range, symbols, tokens, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgbyte.bpe import Vocabulary
from ecgbyte.signals.amplitude_range import AmplitudeRange, record_range
from ecgbyte.signals.records import Record
from ecgbyte.symbols import desymbolize, symbolize
from ecgbyte.tokenizer.encoding import Encoding, locate_tokens, read_only
from ecgbyte.tokenizer.input_signals import Signal, check_finite, check_same_recording, checked_signal
from ecgbyte.tokenizer.tokenizer_content import PER_RECORD, TokenizerContent, as_amplitude_range

_MISSING_RANGE = (
    "amplitude_range: this tokenizer was made from merges alone and knows symbols only; give the range in mV when it "
    "is made, ECGTokenizer.from_merges(merges, amplitude_range=(low, high)) or 'per-record', or use encode_symbols "
    "and decode_symbols"
)


def encode_signals(
    content: TokenizerContent,
    signals: Sequence[Signal],
    arguments: Sequence[str],
    num_threads: int,
) -> list[Encoding]:
    """Encode several signals in one call of the kernel.

    Parameters
    ----------
    content : TokenizerContent
        Of the tokenizer.
    signals : sequence of Record or float [leads, samples]
    arguments : sequence of str
        What messages call each signal.
    num_threads : int
        Threads for symbols and tokens.

    Raises
    ------
    TypeError, ValueError
        See `ecgbyte.ECGTokenizer.encode`.
    """
    vocabulary = content.vocabulary
    if content.amplitude_range is None:
        raise ValueError(_MISSING_RANGE)
    sequences: list[np.ndarray] = []
    shapes: list[tuple[int, int]] = []
    ranges: list[AmplitudeRange] = []
    clipped: list[float] = []
    for argument, signal in zip(arguments, signals, strict=True):
        if isinstance(signal, Record):
            check_same_recording(argument, signal, content.sampling_rate, content.lead_names)
        samples = checked_signal(argument, signal, content.num_leads)
        try:
            limits = content.amplitude_range
            if not isinstance(limits, AmplitudeRange):
                limits = record_range(samples)
            symbols = symbolize(
                samples, limits.low, limits.high, alphabet_size=vocabulary.alphabet_size, num_threads=num_threads
            )
        except ValueError:
            # The kernel has seen it on its way; this names the lead.
            check_finite(argument, samples, content.lead_names)
            raise
        sequences.extend(symbols if content.boundary == "lead" else [symbols.reshape(-1)])
        shapes.append((symbols.shape[0], symbols.shape[1]))
        ranges.append(limits)
        clipped.append(_clipped_share(samples, limits))
    all_ids, splits = vocabulary.encode_batch(sequences, matching=content.matching, num_threads=num_threads)

    encodings = []
    first = 0
    for shape, limits, share in zip(shapes, ranges, clipped, strict=True):
        last = first + (shape[0] if content.boundary == "lead" else 1)
        # A copy, so that one encoding kept does not keep the ids of the whole batch.
        ids = all_ids[splits[first] : splits[last]].copy()
        leads, offsets = locate_tokens(ids, vocabulary, shape[1])
        read_only(ids, leads, offsets)
        encodings.append(
            Encoding(ids, leads, offsets, shape, float(limits.low), float(limits.high), share, content.lead_names)
        )
        first = last
    return encodings


def decode_signal(
    content: TokenizerContent,
    tokens: Encoding | np.ndarray | Sequence[int],
    amplitude_range: AmplitudeRange | tuple[float, float] | None,
    as_published: bool,
) -> np.ndarray:
    """Turn the tokens of one signal into float32 [leads, samples] in mV; see `ecgbyte.ECGTokenizer.decode`."""
    vocabulary = content.vocabulary
    limits = None if amplitude_range is None else as_amplitude_range(amplitude_range)
    if isinstance(tokens, Encoding):
        ids, num_leads = tokens.ids, tokens.shape[0]
        if limits is not None and (limits.low, limits.high) != (tokens.low, tokens.high):
            raise ValueError(
                f"amplitude_range: got {limits.low} to {limits.high} mV, but the encoding was made with "
                f"{tokens.low} to {tokens.high} mV; to decode with another range, give its ids"
            )
        low, high = tokens.low, tokens.high
    else:
        if content.num_leads is None:
            raise ValueError(_MISSING_RANGE)
        ids, num_leads = checked_ids(tokens, vocabulary), content.num_leads
        if limits is None and isinstance(content.amplitude_range, AmplitudeRange):
            limits = content.amplitude_range
        if limits is None and content.amplitude_range == PER_RECORD:
            raise ValueError(
                "amplitude_range: missing; this tokenizer uses each record's own range, so give the Encoding, or "
                "amplitude_range=(encoding.low, encoding.high) beside its ids"
            )
        if limits is None:
            raise ValueError(_MISSING_RANGE)
        low, high = limits.low, limits.high
    starts = vocabulary.starts(ids)
    num_symbols = int(starts[-1])
    if num_symbols == 0 or num_symbols % num_leads:
        raise ValueError(
            f"ids: the {len(ids)} tokens hold {num_symbols} symbols, which do not fill {num_leads} leads of equal "
            "length"
        )
    samples = num_symbols // num_leads
    if isinstance(tokens, Encoding) and tokens.shape[1] != samples:
        raise ValueError(f"ids: the tokens hold {samples} samples a lead, the encoding says {tokens.shape[1]}")
    if content.boundary == "lead":
        borders = np.arange(1, num_leads) * samples
        crossed = borders[~np.isin(borders, starts)]
        if len(crossed):
            raise ValueError(
                f"ids: the tokens hold {samples} samples for each of {num_leads} leads, but one token crosses the end "
                f"of lead {int(crossed[0]) // samples - 1}, which cannot be with boundary='lead'; are tokens missing?"
            )
    symbols = vocabulary.decode(ids).reshape(num_leads, samples)
    return desymbolize(symbols, low, high, alphabet_size=vocabulary.alphabet_size, as_published=as_published)


def checked_ids(ids: np.ndarray | Sequence[int], vocabulary: Vocabulary) -> np.ndarray:
    """Token ids as int32 [tokens], if the vocabulary has them all.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they are not one-dimensional or an id is unknown; the message names it and its place.
    """
    array = np.asarray(ids)
    if array.shape == (0,):
        array = array.astype(np.int32)
    if array.dtype.kind not in "iu":
        raise TypeError(f"ids: got dtype {array.dtype}, expected integers [tokens]")
    if array.ndim != 1:
        raise ValueError(f"ids: got shape {array.shape}, expected [tokens]")
    unknown = np.flatnonzero((array < 0) | (array >= vocabulary.size))
    if len(unknown):
        raise ValueError(
            f"ids: got {array[unknown[0]]} at {unknown[0]}, expected 0 to {vocabulary.size - 1}, "
            "the ids of this tokenizer"
        )
    return np.ascontiguousarray(array, dtype=np.int32)


def _clipped_share(samples: np.ndarray, limits: AmplitudeRange) -> float:
    # As float64 scalars: a Python float would be rounded to float32 before the comparison.
    outside = (samples < np.float64(limits.low)) | (samples > np.float64(limits.high))
    return float(np.count_nonzero(outside)) / samples.size
