"""From an example to the model's sequence: ``BOS <sig_start> signal_i... <sig_end> question answer EOS``.

The loss is on the answer and on EOS. The answer follows the question after one space, in training and in generation.
Models with a chat template of their own have it around this (`ecgbyte.training.prompt_forms`).
An encoder's vector stands at one position: ``BOS <sig_start> <signal> <sig_end> question ...``; a signal that is read
by layers of the model at as many ``<signal>`` positions as these give rows; text alone has no signal block at all.

What the ECG may take is decided without a look at the answer, so that training and generation see the same ECG:
``max_length`` less the question, the special tokens and ``answer_room`` positions. What does not fit is dropped
from the end of the ECG, whose last leads are V4-V6, and is counted in a `TruncationReport`; question and answer are
never cut. That is the truncation ``"ecg-end"``.

The truncation ``"as-published"`` is the one of the published data loader (``willxxy/ECG-Byte``,
``ecg_byte/data_loader.py``): training leaves the ECG ``max_length`` less the question and *this answer*, with BOS,
``<sig_start>``, ``<sig_end>`` and EOS on top of ``max_length``, so that what is seen of an ECG depends on the answer;
generation does not cut the ECG at all, so that a long one is read at positions that training never reached.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.checks import check_option
from ecgbyte.training.examples import Example
from ecgbyte.training.prompt_forms import PromptForm, prompt_form

if TYPE_CHECKING:
    from ecgbyte.models.language.ecg_tokens import ECGTokenMap

IGNORED = -100
TRUNCATIONS = ("ecg-end", "as-published")
AS_PUBLISHED_SPECIAL_TOKENS = 4
"""BOS, ``<sig_start>``, ``<sig_end>`` and EOS, which the published code does not count into the length."""


@dataclass(frozen=True, eq=False)
class Sequence:
    """Token ids of the language model, without padding.

    Parameters
    ----------
    input_ids : int64 [positions]
    labels : int64 [positions]
        The id to be predicted at a position by the one before it; -100 where no loss is taken.
    features : float32 [features], float32 [leads, samples] or None
        What stands at the position, or positions, of ``<signal>``: an encoder's vector, or the signal in mV.
    dropped_ecg_tokens : int
        ECG tokens, markers of leads among them, that did not fit.
    weight : float
        What each label counts for (`Example.weight`).
    """

    input_ids: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None
    dropped_ecg_tokens: int
    weight: float = 1.0

    def features_key(self) -> bytes:
        """Return 16 bytes that are equal where `features` are equal; none without features.

        A signal takes 24 kB; a digest of it is as quick to make as the comparison, and quick to keep.
        """
        if self.features is None:
            return b""
        digest = hashlib.blake2b(repr(self.features.shape).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self.features).data)
        return digest.digest()


@dataclass(frozen=True)
class TruncationReport:
    """How much of the ECGs did not fit, over a set of examples."""

    samples: int
    truncated_samples: int
    ecg_tokens: int
    dropped_ecg_tokens: int
    longest_sequence: int

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name, ready for JSON."""
        return asdict(self)


def text_ids(text_tokenizer: Any, text: str) -> list[int]:
    """Return the ids of `text`, reading ``signal_7`` or ``</s>`` in it as text, never as that token."""
    return list(text_tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))


def answer_ids(text_tokenizer: Any, answer: str, form: PromptForm) -> list[int]:
    """Return the ids of an answer as it follows a question in a form of prompts, without EOS."""
    text = form.answer_text(answer)
    return text_ids(text_tokenizer, text) if text else []


def build_sequence(
    example: Example,
    token_map: ECGTokenMap,
    text_tokenizer: Any,
    *,
    max_length: int = 1024,
    answer_room: int = 128,
    signal_positions: int = 1,
    truncation: str = "ecg-end",
    form: PromptForm | None = None,
    for_generation: bool = False,
) -> Sequence:
    """Build the sequence of one example.

    Parameters
    ----------
    example : Example
    token_map : ECGTokenMap
        Where the ECG tokens stand in the language model's vocabulary.
    text_tokenizer : transformers tokenizer
        Needs an EOS token; a tokenizer without BOS gives sequences without it.
    max_length : int
        Positions in all; 4 more with the truncation ``"as-published"``.
    answer_room : int
        Positions kept for the answer and EOS, whatever the length of this answer. Without meaning for the truncation
        ``"as-published"``.
    signal_positions : int
        Positions of ``<signal>`` that a signal takes; an encoder's vector takes one.
    truncation : "ecg-end" or "as-published"
        What becomes of an ECG that does not fit; see the top of this file.
    form : PromptForm or None
        What stands around ECG and question; None: the published form.
    for_generation : bool
        Stop after the question; the answer is not looked at.

    Returns
    -------
    Sequence

    Raises
    ------
    ValueError
        If question and `answer_room` leave too few positions for the ECG (as published: question and answer), if the
        answer is longer than `answer_room`, if an ECG token id is outside the vocabulary, if the map lacks the tokens
        that this kind of example needs, if an encoder's vector is to take several positions, or if `truncation` is
        unknown.
    """
    check_option("truncation", truncation, TRUNCATIONS)
    where = f"sample {example.sample_id!r}"
    if text_tokenizer.eos_token_id is None:
        raise ValueError("text_tokenizer: expected an EOS token, without which no answer ends, got none")
    form = form or prompt_form(text_tokenizer, "published")
    start = list(form.before)
    question = [*text_ids(text_tokenizer, example.question), *form.after]
    answer = [] if for_generation else answer_ids(text_tokenizer, example.answer, form)
    needed = _least_positions(example, signal_positions)
    room: int | None
    if truncation == "ecg-end":
        room = max_length - len(start) - len(question) - answer_room - (2 if needed else 0)
        kept = f"answer_room is {answer_room}"
    else:
        room = None if for_generation else max_length - len(question) - len(answer)
        kept = f"its answer {len(answer)}"
    if room is not None and room < needed:
        raise ValueError(
            f"max_length: {max_length} positions do not hold {where}: its question takes {len(question)}, its ECG "
            f"{needed} at least and {kept}"
        )
    ecg, dropped = _ecg_ids(example, token_map, room, signal_positions)
    prompt = np.concatenate([np.array(start, np.int64), ecg, np.array(question, np.int64)])
    if for_generation:
        if len(prompt) == 0:
            raise ValueError(f"{where}: expected a question or an ECG, got an empty prompt (and no BOS token)")
        return Sequence(prompt, np.full(len(prompt), IGNORED, np.int64), _features(example), dropped)
    target = [*answer, int(text_tokenizer.eos_token_id)]
    if truncation == "ecg-end" and len(target) > answer_room:
        raise ValueError(
            f"answer_room: the answer of {where} and EOS take {len(target)} positions, answer_room is {answer_room}"
        )
    ids = np.concatenate([prompt, np.array(target, np.int64)])
    labels = np.full(len(ids), IGNORED, np.int64)
    labels[len(prompt) :] = target
    return Sequence(ids, labels, _features(example), dropped, example.weight)


def report_truncation(sequences: Iterable[Sequence], examples: Iterable[Example]) -> TruncationReport:
    """Count what was dropped from `sequences`, which were built from `examples` in the same order."""
    samples = truncated = tokens = dropped = longest = 0
    for sequence, example in zip(sequences, examples, strict=True):
        samples += 1
        truncated += sequence.dropped_ecg_tokens > 0
        tokens += len(example.ecg) if example.is_tokens and example.ecg is not None else 0
        dropped += sequence.dropped_ecg_tokens
        longest = max(longest, len(sequence.input_ids))
    return TruncationReport(samples, truncated, tokens, dropped, longest)


def _least_positions(example: Example, signal_positions: int) -> int:
    """Positions without which the ECG cannot be shown at all, beside ``<sig_start>`` and ``<sig_end>``."""
    if example.ecg is None:
        return 0
    return signal_positions if example.is_signal else 1


def _features(example: Example) -> np.ndarray | None:
    if example.ecg is None or example.is_tokens:
        return None
    return example.ecg.astype(np.float32, copy=False)


def _ecg_ids(
    example: Example, token_map: ECGTokenMap, room: int | None, signal_positions: int
) -> tuple[np.ndarray, int]:
    if example.ecg is None:
        return np.empty(0, np.int64), 0
    if not example.is_tokens:
        held = "a signal" if example.is_signal else "features of an encoder"
        if token_map.signal_id is None:
            raise ValueError(f"token_map: sample {example.sample_id!r} holds {held}, the map has no <signal> token")
        if example.is_features and signal_positions != 1:
            raise ValueError(
                f"signal_positions: an encoder's vector takes one position, got {signal_positions} and sample "
                f"{example.sample_id!r}, which holds features"
            )
        signals = [token_map.signal_id] * signal_positions
        return np.array([token_map.start_id, *signals, token_map.end_id], np.int64), 0
    low, high = int(example.ecg.min()), int(example.ecg.max())
    shown = token_map.shown_ids()
    if low < 0 or high >= len(shown):
        markers = " (markers of leads among them)" if len(token_map.lead_ids) else ""
        raise ValueError(
            f"ecg: sample {example.sample_id!r} holds token ids {low}..{high}, the model's ECG vocabulary has ids "
            f"0..{len(shown) - 1}{markers}; was the ECG encoded with another tokenizer?"
        )
    kept = example.ecg[:room]
    block = [np.array([token_map.start_id]), shown[kept], np.array([token_map.end_id])]
    return np.concatenate(block).astype(np.int64), len(example.ecg) - len(kept)
