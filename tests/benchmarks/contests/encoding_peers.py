"""The peers in encoding, made from ecgbyte's merges so that they give the same ids in merge order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ecgbyte.bpe import Vocabulary
from tests.benchmarks.contest import Contestant
from tests.benchmarks.machine import usable_cores
from tests.benchmarks.peers import WHOLE_TEXT, missing, token_strings


def hugging_face_tokenizer(vocabulary: Vocabulary) -> Any:
    """HF tokenizers with the same merges and ids."""
    import tokenizers

    strings = token_strings(vocabulary)
    table = {string: token for token, string in enumerate(strings)}
    pairs = [(strings[left], strings[right]) for left, right in vocabulary.merges]
    return tokenizers.Tokenizer(tokenizers.models.BPE(vocab=table, merges=pairs))


def tiktoken_encoding(vocabulary: Vocabulary) -> Any:
    """tiktoken with the same token strings and ids, so that it merges in the same order."""
    import tiktoken

    ranks = {string.encode("ascii"): token for token, string in enumerate(token_strings(vocabulary))}
    return tiktoken.Encoding("ecg", pat_str=WHOLE_TEXT, mergeable_ranks=ranks, special_tokens={})


def hugging_face_encoding(vocabulary: Vocabulary, texts: Sequence[str], function: str, **options: Any) -> Contestant:
    """``encode`` or ``encode_batch_fast`` of one text, one thread."""
    name = f"HF tokenizers {function}"
    reason = missing("tokenizers")
    if reason:
        return Contestant(name=name, skipped=reason, **options)
    tokenizer = hugging_face_tokenizer(vocabulary)

    def call(k: int) -> Any:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        if function == "encode":
            return tokenizer.encode(texts[k])
        return tokenizer.encode_batch_fast([texts[k]])[0]

    return Contestant(
        name=name, package="tokenizers", call=call, comparable=lambda encoding: np.array(encoding.ids), **options
    )


def hugging_face_batch(
    vocabulary: Vocabulary, texts: Sequence[str], *, all_threads: bool = False, **options: Any
) -> Contestant:
    """``encode_batch_fast`` of all texts."""
    name = "HF tokenizers encode_batch_fast"
    threads = usable_cores() if all_threads else 1
    reason = missing("tokenizers")
    if reason:
        return Contestant(name=name, skipped=reason, threads=threads, **options)
    tokenizer = hugging_face_tokenizer(vocabulary)
    texts = list(texts)

    def call(_: int) -> Any:
        os.environ["TOKENIZERS_PARALLELISM"] = "true" if all_threads else "false"
        return tokenizer.encode_batch_fast(texts)

    return Contestant(
        name=name,
        package="tokenizers",
        threads=threads,
        call=call,
        comparable=lambda encodings: np.concatenate([encoding.ids for encoding in encodings]),
        **options,
    )


def tiktoken_one(vocabulary: Vocabulary, texts: Sequence[str]) -> Contestant:
    """``encode_ordinary`` of one text."""
    return _tiktoken(vocabulary, 1, lambda encoding: lambda k: encoding.encode_ordinary(texts[k]), np.array)


def tiktoken_batch(vocabulary: Vocabulary, texts: Sequence[str], threads: int = 1) -> Contestant:
    """``encode_ordinary`` of one text after the other, or ``encode_ordinary_batch`` on several threads."""
    texts = list(texts)

    def caller(encoding: Any) -> Callable[[int], Any]:
        if threads == 1:
            return lambda _: [encoding.encode_ordinary(text) for text in texts]
        return lambda _: encoding.encode_ordinary_batch(texts, num_threads=threads)

    return _tiktoken(vocabulary, threads, caller, np.concatenate)


def _tiktoken(
    vocabulary: Vocabulary,
    threads: int,
    caller: Callable[[Any], Callable[[int], Any]],
    comparable: Callable[[Any], np.ndarray],
) -> Contestant:
    reason = missing("tiktoken")
    if reason:
        return Contestant(name="tiktoken", skipped=reason, threads=threads)
    call = caller(tiktoken_encoding(vocabulary))
    return Contestant(name="tiktoken", package="tiktoken", threads=threads, call=call, comparable=comparable)
