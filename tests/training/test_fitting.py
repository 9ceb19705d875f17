"""What does not fit into a sequence is told before the first step: cut ECGs, and all answers that are too long."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from ecgbyte import ECGTokenizer
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.fitting import TruncationWarning, check_fit
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.packing import PackedCollator
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record

TEXTS = ["Which rhythm is it? sinus rhythm"] * 5


class CountingCollator(Collator):
    """Counts the batches that it makes."""

    batches = 0

    def __call__(self, examples):  # type: ignore[no-untyped-def]
        self.batches += 1
        return super().__call__(examples)


def build(max_length: int, answer_room: int = 8) -> tuple[EndToEndModel, CountingCollator, ECGTokenizer]:
    tokenizer = small_tokenizer()
    size = TinySize(hidden=16, layers=1, heads=2, mlp=16)
    language_model, text_tokenizer = load_language_model("tiny", texts=TEXTS, size=size)
    token_map = add_ecg_tokens(language_model, text_tokenizer, tokenizer)
    collate = CountingCollator(token_map, text_tokenizer, max_length=max_length, answer_room=answer_room)
    return EndToEndModel(language_model, token_map), collate, tokenizer


def examples(tokenizer: ECGTokenizer, count: int = 4, answer: str = "sinus rhythm") -> list[Example]:
    encodings = [tokenizer.encode(wandering_record(seed)) for seed in range(count)]
    return [
        Example(f"s{k}", f"r{k}", f"p{k}", "Which rhythm is it?", answer, encoding.ids)
        for k, encoding in enumerate(encodings)
    ]


def test_truncated_ecgs_are_told_before_the_first_step() -> None:
    model, collate, tokenizer = build(200)
    chosen = examples(tokenizer)
    seen: list[int] = []

    def showwarning(message, category, *_):  # type: ignore[no-untyped-def]
        if category is TruncationWarning:
            seen.append(collate.batches)

    settings = TrainingSettings(epochs=1, batch_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = showwarning
        report = train(model, chosen, collate, settings, validation=chosen[:2], progress=False)
    assert seen == [0, 0]  # of training and of validation
    with pytest.warns(TruncationWarning) as caught:
        found = check_fit(chosen, collate, "training")
    assert report.truncation == found.to_dict()
    assert (found.samples, found.truncated_samples) == (4, 4)
    # What it says, worked out from the encodings.
    kept = [len(item.ecg) - collate.sequence(item).dropped_ecg_tokens for item in chosen]
    total = sum(len(item.ecg) for item in chosen)
    encodings = [tokenizer.encode(wandering_record(seed)) for seed in range(4)]
    leads = sorted(int(encoding.leads[count - 1]) for encoding, count in zip(encodings, kept, strict=True))
    (warning,) = caught
    assert str(warning.message) == (
        f"training: truncated ECGs: {1 - sum(kept) / total:.0%} of the ECG tokens do not fit 200 positions; in 4 of 4 "
        f"records; last lead seen {tokenizer.lead_names[int(np.median(leads))]}"
    )
    assert warning.filename == __file__


def test_ecgs_that_fit_are_not_told() -> None:
    _, collate, tokenizer = build(2000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check_fit(examples(tokenizer), collate, "training")
    assert (report.truncated_samples, report.dropped_ecg_tokens) == (0, 0)
    assert report == collate.truncation(examples(tokenizer))
    assert check_fit([1, 2, 3], lambda items: {}, "training") is None


@pytest.mark.parametrize("kind", ["plain", "packed", "shared"])
@pytest.mark.parametrize("part", ["training", "validation"])
def test_all_answers_that_are_too_long_are_named_before_the_first_step(part: str, kind: str) -> None:
    model, plain, tokenizer = build(2000)
    good = examples(tokenizer)
    long = [Example(f"long-{k}", "r", "p", "Which?", "rhythm " * 20, good[0].ecg) for k in range(3)]
    collate, given, bad = plain, good, [good[0], *long]
    if kind == "packed":
        collate = PackedCollator(plain)
    elif kind == "shared":
        collate, given, bad = SharedPrefixCollator(plain), group_examples(good, 4), group_examples(bad, 4)
    settings = TrainingSettings(epochs=1, batch_size=2)
    message = (
        rf"^answer_room: the answer of sample 'long-0' .*; 3 {part} examples do not fit: 'long-0', 'long-1', 'long-2'"
    )
    with pytest.raises(ValueError, match=message):
        if part == "training":
            train(model, bad, collate, settings, progress=False)
        else:
            train(model, given, collate, settings, validation=bad, progress=False)
    assert plain.batches == 0
