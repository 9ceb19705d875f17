"""The peers in training: each on its own native input, one thread, with all of the corpus as one text where it can."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .contest import Contestant
from .peers import WHOLE_TEXT, environment, missing

_BYTES = 256
_OWN_RULE = "its own rule for ties and runs, so its merges differ"


def rustbpe_training(texts: Sequence[str], num_merges: int) -> Contestant:
    """rustbpe, one thread; no merge crosses from one text to the next."""
    reason = missing("rustbpe")
    if reason:
        return Contestant(name="rustbpe", skipped=reason)
    import rustbpe

    # Its thread pool takes its size when it is first used.
    with environment(RAYON_NUM_THREADS="1"):
        rustbpe.Tokenizer().train_from_iterator(["abab"], _BYTES + 1, pattern=WHOLE_TEXT)

    def train(_: int) -> Any:
        tokenizer = rustbpe.Tokenizer()
        tokenizer.train_from_iterator(texts, _BYTES + num_merges, pattern=WHOLE_TEXT)
        return tokenizer

    def merges(tokenizer: Any) -> list[str]:
        ranks = sorted(tokenizer.get_mergeable_ranks(), key=lambda item: item[1])
        return [bytes(token).decode("ascii") for token, _ in ranks[_BYTES:]]

    return Contestant(name="rustbpe", package="rustbpe", call=train, comparable=merges)


def gigabpe_training(texts: Sequence[str], num_merges: int, folder: Path) -> Contestant:
    """gigabpe on a file with a text a line, one thread."""
    reason = missing("gigabpe")
    if reason:
        return Contestant(name="gigabpe", skipped=reason)
    import gigabpe

    file = folder / "gigabpe.txt"
    file.write_text("\n".join(texts), encoding="ascii")
    size = len(set("".join(texts))) + num_merges
    return Contestant(
        name="gigabpe",
        package="gigabpe",
        call=lambda _: gigabpe.train_bpe([str(file)], size, threads=1, pretokenizer="whitespace")[1],
        comparable=lambda merges: [left + right for left, right in merges],
        note="reads a file",
    )


def hugging_face_training(texts: Sequence[str], num_merges: int) -> Contestant:
    """HF tokenizers' BpeTrainer, one thread; its time grows with the square of the length of a text."""
    name = "HF tokenizers"
    reason = missing("tokenizers")
    if reason:
        return Contestant(name=name, skipped=reason)
    import tokenizers

    def train(_: int) -> Any:
        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        trainer = tokenizers.trainers.BpeTrainer(vocab_size=len(set("".join(texts))) + num_merges, show_progress=False)
        with environment(TOKENIZERS_PARALLELISM="false"):
            tokenizer.train_from_iterator(texts, trainer)
        return tokenizer

    def merges(tokenizer: Any) -> list[str]:
        return [left + right for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]

    return Contestant(name=name, package="tokenizers", call=train, comparable=merges)


def sentencepiece_training(records: Sequence[str], num_merges: int) -> Contestant:
    """sentencepiece on an iterator with a record a sentence (it takes 65,535 letters in one), one thread."""
    reason = missing("sentencepiece")
    if reason:
        return Contestant(name="sentencepiece", skipped=reason)
    import sentencepiece

    size = 3 + len(set("".join(records[:50]))) + num_merges  # unknown, begin, end

    def train(_: int) -> bytes:
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(records),
            model_writer=model,
            model_type="bpe",
            vocab_size=size,
            num_threads=1,
            max_sentence_length=1 << 20,
            max_sentencepiece_length=512,
            character_coverage=1.0,
            add_dummy_prefix=False,
            normalization_rule_name="identity",
            split_by_unicode_script=False,
            split_by_number=False,
            split_by_whitespace=False,
            minloglevel=2,
        )
        return model.getvalue()

    def check(_: int, model: bytes) -> None:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        assert processor.vocab_size() == size
        assert processor.decode(processor.encode(records[0])) == records[0]
        assert len(processor.encode(records[0])) < len(records[0])

    return Contestant(
        name="sentencepiece",
        package="sentencepiece",
        call=train,
        check=check,
        compared_with=f"{num_merges} merges learnt and a record decoded to itself; {_OWN_RULE}",
        note="a record a sentence, tokens up to 512 letters",
    )


def youtokentome_training(records: Sequence[str], num_merges: int, folder: Path) -> Contestant:
    """youtokentome on a file with a record a line, one thread."""
    reason = missing("youtokentome")
    if reason:
        return Contestant(name="youtokentome", skipped="youtokentome is not installed (it builds with cython<3 only)")
    import youtokentome

    file, model = folder / "youtokentome.txt", folder / "youtokentome.model"
    file.write_text("\n".join(records) + "\n", encoding="ascii")
    size = 4 + len(set("".join(records[:50]))) + 1 + num_merges  # padding, unknown, begin, end; the word mark

    def train(_: int) -> Any:
        with _silenced():
            return youtokentome.BPE.train(data=str(file), model=str(model), vocab_size=size, n_threads=1)

    def check(_: int, learnt: Any) -> None:
        assert learnt.vocab_size() == size
        ids = learnt.encode([records[0]], output_type=youtokentome.OutputType.ID)
        assert learnt.decode(ids) == [records[0]]
        assert len(ids[0]) < len(records[0])

    return Contestant(
        name="youtokentome",
        package="youtokentome",
        call=train,
        check=check,
        compared_with=f"{num_merges} merges learnt and a record decoded to itself; {_OWN_RULE}",
        note="reads a file, a record a line",
    )


@contextmanager
def _silenced() -> Iterator[None]:
    """Send what a C++ library prints to nowhere."""
    kept = [os.dup(descriptor) for descriptor in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in (*kept, nowhere):
            os.close(descriptor)
