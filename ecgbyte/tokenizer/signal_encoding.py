"""The way of a signal through a tokenizer: range, symbols, tokens, and back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np

from ecgbyte._ext.signal_encoding import SYMBOLS_TOGETHER, SignalBatch, SignalEncoder
from ecgbyte.bpe.vocabulary import MAX_SEQUENCE_SYMBOLS
from ecgbyte.checks import check_num_threads
from ecgbyte.sharing import map_shares
from ecgbyte.signals.amplitude_levels import AmplitudeLevels
from ecgbyte.signals.amplitude_range import CONSTANT_RECORD_MARGIN_MV, AmplitudeRange, record_range
from ecgbyte.signals.records import Record
from ecgbyte.symbols import WIDENING, check_range, desymbolize
from ecgbyte.tokenizer.clipping import LARGEST_SHARE, warn_of_clipping
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.tokenizer.encoding_batch import EncodingBatch
from ecgbyte.tokenizer.input_signals import Signal, check_finite, check_same_recording, checked_signal
from ecgbyte.tokenizer.tokenizer_content import PER_RECORD, TokenizerContent, as_amplitude_range

_SHARES_PER_THREAD = 4
# About 100 microseconds of work.
_SYMBOLS_PER_SHARE = 1 << 16

# The caller of a tokenizer's method, seen from the functions that do the method's work.
_CALLER = 3

_MISSING_RANGE = (
    "amplitude_range: this tokenizer was made from merges alone and knows symbols only; give the range in mV when it "
    "is made, ECGTokenizer.from_merges(merges, amplitude_range=(low, high)) or 'per-record', or use encode_symbols "
    "and decode_symbols"
)


def encode_signals(content: TokenizerContent, signals: list[Signal], num_threads: int) -> EncodingBatch:
    """Encode several signals; one call of the kernel for each share of a thread.

    Parameters
    ----------
    content : TokenizerContent
        Of the tokenizer.
    signals : list of Record or float [leads, samples]
    num_threads : int
        Threads that share the signals, or the leads of long ones.

    Raises
    ------
    TypeError, ValueError
        See `ecgbyte.ECGTokenizer.encode`; messages call the signals ``signals[0]`` and so on.
    """
    batch, ids, counts, ranges = _encoded(content, signals, lambda index: f"signals[{index}]", num_threads)
    samples = np.array(batch.samples(), dtype=np.int64)
    splits = np.zeros(batch.size + 1, dtype=np.int64)
    tokens, clipped = counts.sum(axis=2)
    np.cumsum(tokens, out=splits[1:])
    shares = clipped / (samples * batch.num_leads)
    if batch.size:
        warn_of_clipping(shares, *ranges[int(np.argmax(shares))].tolist(), stacklevel=_CALLER)
    return EncodingBatch(
        ids, splits, samples, ranges, shares, batch.num_leads, content.lead_names, content.token_ids.lengths
    )


def encode_signal(content: TokenizerContent, signal: Signal, num_threads: int) -> Encoding:
    """The same for one signal, which messages call ``signal``."""
    batch, ids, counts, ranges = _encoded(content, [signal], lambda _: "signal", num_threads)
    (samples,) = batch.samples()
    ((low, high),) = ranges.tolist()
    share = sum(counts[1, 0].tolist()) / batch.symbols
    if share > LARGEST_SHARE:
        warn_of_clipping([share], low, high, stacklevel=_CALLER)
    return Encoding._of_tokens(
        ids,
        content.token_ids.lengths,
        (batch.num_leads, samples),
        low,
        high,
        share,
        content.lead_names,
    )


def _encoded(
    content: TokenizerContent, signals: list[Signal], argument: Callable[[int], str], num_threads: int
) -> tuple[SignalBatch, np.ndarray, np.ndarray, np.ndarray]:
    """The signals as the kernel holds them, their ids end to end, and its `counts` and `ranges`."""
    num_threads = check_num_threads(num_threads)
    limits, num_leads = content.amplitude_range, content.num_leads
    if limits is None or num_leads is None:
        raise ValueError(_MISSING_RANGE)

    def checked(index: int) -> np.ndarray:
        if isinstance(signals[index], Record):
            check_same_recording(argument(index), signals[index], content.sampling_rate, content.lead_names)
        return checked_signal(argument(index), signals[index], num_leads)

    by_lead = content.boundary == "lead"
    shown: list[Signal] = signals
    equal: AmplitudeRange | str = limits
    if isinstance(limits, AmplitudeLevels):
        # Levels of unequal width: what the kernel divides are the numbers of the levels.
        shown = [limits.places(checked(index)) for index in range(len(signals))]
        equal = AmplitudeRange(0.0, limits.num_levels)
    encoder = SignalEncoder(
        content.vocabulary._tables,
        content.matching == "merge-order",
        by_lead,
        check_range(equal.low, equal.high) if isinstance(equal, AmplitudeRange) else None,
        WIDENING,
        CONSTANT_RECORD_MARGIN_MV,
    )
    batch = SignalBatch(shown, num_leads, Record, content.sampling_rate, content.lead_names, checked)
    longest = batch.largest // (num_leads if by_lead else 1)
    if longest > MAX_SEQUENCE_SYMBOLS:
        raise ValueError(f"signals: got a sequence of {longest} symbols, expected at most {MAX_SEQUENCE_SYMBOLS}")
    sequences = num_leads if by_lead else 1
    counts = np.empty((2, batch.size, sequences), dtype=np.int64)
    ranges = np.empty((batch.size, 2))
    shares = _shares(batch, sequences, num_threads)
    parts = map_shares(lambda share: encoder.encode(batch, *share, counts, ranges), shares, num_threads)
    refused = [part for part in parts if isinstance(part, int)]
    if refused:
        _refuse(argument(min(refused)), checked(min(refused)), content)
    ids = np.frombuffer(b"".join(parts), dtype=np.int32)
    if content.published_ids is not None and content.amplitude_range == PER_RECORD:
        ids = _first_letter_for_constant(content, batch, ids, counts, ranges)
    if isinstance(limits, AmplitudeLevels):
        ranges[:] = limits.low, limits.high
    return batch, content.token_ids.shown(ids), counts, ranges


def _first_letter_for_constant(
    content: TokenizerContent, batch: SignalBatch, ids: np.ndarray, counts: np.ndarray, ranges: np.ndarray
) -> np.ndarray:
    """As published, every sample of a constant record is the first letter; the kernel puts it into the middle.

    `counts` and `ranges` are changed: the range is taken to begin at the only value.
    """
    widths = ranges[:, 1] - ranges[:, 0]
    suspects = np.flatnonzero(np.abs(widths - 2 * CONSTANT_RECORD_MARGIN_MV) < 1e-6)
    if len(suspects) == 0:
        return ids
    splits = np.concatenate([[0], np.cumsum(counts[0].sum(axis=1))])
    parts = [ids[splits[index] : splits[index + 1]] for index in range(batch.size)]
    for index in suspects.tolist():
        symbols = content.vocabulary.decode(parts[index])
        if (symbols != symbols[0]).any():
            continue  # a record whose range happens to be as wide, with its lowest and its highest letter
        sequences = counts.shape[2]
        encoded = content.vocabulary.encode(np.zeros(len(symbols) // sequences, dtype=np.uint8), content.matching)
        parts[index] = np.tile(encoded, sequences)
        counts[0, index] = len(encoded)
        ranges[index] += CONSTANT_RECORD_MARGIN_MV
    return np.concatenate(parts)


def _shares(batch: SignalBatch, sequences: int, num_threads: int) -> list[tuple[int, int, int, int]]:
    """Cut a batch into shares of signals or, where these are few, of leads: first and last signal, and sequence.

    Each is a part of what is left, so that the last ones are small and all threads end together, but none smaller than
    half of what the kernel matches at once, or too small to be worth its call.
    """
    if num_threads == 1 or batch.symbols < 2 * _SYMBOLS_PER_SHARE:
        return [(0, batch.size, 0, sequences)]
    if batch.size >= _SHARES_PER_THREAD * num_threads or sequences == 1:
        least = max(1, SYMBOLS_TOGETHER * batch.size // batch.symbols // 2)
        firsts = [0]
        while firsts[-1] < batch.size:
            part = (batch.size - firsts[-1]) // (_SHARES_PER_THREAD * num_threads)
            firsts.append(min(batch.size, firsts[-1] + max(least, part // least * least)))
        return [(first, last, 0, sequences) for first, last in itertools.pairwise(firsts)]
    wanted = min(_SHARES_PER_THREAD * num_threads, batch.symbols // _SYMBOLS_PER_SHARE)
    shares = min(sequences, -(-wanted // batch.size))
    borders = [sequences * k // shares for k in range(shares + 1)]
    return [
        (signal, signal + 1, first, last) for signal in range(batch.size) for first, last in itertools.pairwise(borders)
    ]


def _refuse(argument: str, samples: np.ndarray, content: TokenizerContent) -> NoReturn:
    """Say why the kernel made no symbols of a signal."""
    check_finite(argument, samples, content.lead_names)
    limits = record_range(samples)
    check_range(limits.low, limits.high)
    raise ValueError(f"{argument}: was changed while it was read")


def decode_signal(
    content: TokenizerContent,
    tokens: Encoding | np.ndarray | Sequence[int],
    amplitude_range: AmplitudeRange | tuple[float, float] | None,
    as_published: bool,
) -> np.ndarray:
    """Turn the tokens of one signal into float32 [leads, samples] in mV; see `ecgbyte.ECGTokenizer.decode`."""
    vocabulary = content.vocabulary
    levels = content.amplitude_range if isinstance(content.amplitude_range, AmplitudeLevels) else None
    if levels is not None and (amplitude_range is not None or as_published):
        raise ValueError(
            "amplitude_range, as_published: this tokenizer has levels of unequal width, by which alone its tokens can "
            "be decoded"
        )
    limits = None if amplitude_range is None else as_amplitude_range(amplitude_range)
    if isinstance(tokens, Encoding):
        ids, num_leads = content.token_ids.own(tokens.ids), tokens.shape[0]
        if limits is not None and (limits.low, limits.high) != (tokens.low, tokens.high):
            raise ValueError(
                f"amplitude_range: got {limits.low} to {limits.high} mV, but the encoding was made with "
                f"{tokens.low} to {tokens.high} mV; to decode with another range, give its ids"
            )
        low, high = tokens.low, tokens.high
    else:
        if content.num_leads is None:
            raise ValueError(_MISSING_RANGE)
        ids, num_leads = content.token_ids.own(tokens), content.num_leads
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
    if levels is not None:
        return levels.middles()[symbols]
    return desymbolize(symbols, low, high, alphabet_size=vocabulary.alphabet_size, as_published=as_published)
