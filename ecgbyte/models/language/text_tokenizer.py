"""A text tokenizer of one's own: byte-level BPE, trained on the training questions and answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

BOS, EOS, PAD = "<s>", "</s>", "<pad>"


def train_text_tokenizer(texts: Iterable[str], *, vocabulary_size: int = 1024) -> Any:
    """Train a byte-level BPE tokenizer.

    Every text can be encoded, because all 256 bytes are in the vocabulary. The same texts give the same tokenizer:
    counts decide, and ties fall by id.

    Parameters
    ----------
    texts : iterable of str
        Training texts only.
    vocabulary_size : int
        Upper limit, with the bytes and the 3 special tokens; few texts give fewer tokens.

    Returns
    -------
    transformers.PreTrainedTokenizerFast
        With distinct BOS, EOS and pad tokens; it adds none of them by itself.

    Raises
    ------
    ValueError
        If there is no text, or `vocabulary_size` does not hold bytes and special tokens.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    lines = []
    for text in texts:
        # Answers follow their question after a space, so they are learnt with one.
        lines += [text, " " + text]
    if not lines:
        raise ValueError("texts: expected one text at least, got none")
    if vocabulary_size < 259:
        raise ValueError(f"vocabulary_size: expected 259 at least (256 bytes, 3 special tokens), got {vocabulary_size}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, pad_token=PAD, clean_up_tokenization_spaces=False
    )
