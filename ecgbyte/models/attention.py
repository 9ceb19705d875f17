"""Where a model that reads ECG tokens looks while it answers: attention, attention rollout, and gradient times input.

The position that predicts an answer token is the one before it; what is looked at is its row of attention, and the
columns of the ECG tokens. Attention weights are no explanation by themselves (Jain and Wallace 2019,
https://arxiv.org/abs/1902.10186), so three measures are given side by side, and each should be compared with the same
of another ECG and of an untrained model.

- attention: the weights themselves, of each layer and head; a row sums to 1 over all positions.
- rollout: attention followed through the layers (Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928, section 3).
  The heads of a layer are averaged, the residual connection counts half, and the matrices are multiplied.
- gradient times input: the derivative of the log-probability of the answer token by its input vector, times this
  vector. It has a sign: above 0, the token speaks for the answer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import log_softmax

from ecgbyte.models.ecg_language_model import IGNORED
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.running import device_of, evaluation_mode, to_device

if TYPE_CHECKING:
    from ecgbyte.tokenizer.encoding import Encoding

PARTS = ("special tokens", "ECG", "question", "answer so far")
# Weights in bfloat16 have 8 bits: their sum over a thousand positions is off by less than this.
_ROW_TOLERANCE = 0.02


@dataclass(frozen=True, eq=False)
class AnswerAttention:
    """What the positions that predict an answer look at, for one example.

    Attributes
    ----------
    predicted_ids : int64 [answer tokens]
        The tokens of the answer and EOS; rows of the other arrays are of the positions that predict them.
    log_probabilities : float64 [answer tokens]
        Natural logarithm of the probability of each.
    attention : float32 [layers, heads, answer tokens, ECG tokens]
        Weights on the ECG tokens that the sequence holds; the end of a long ECG may have been dropped.
    parts : float32 [layers, heads, answer tokens, parts]
        The whole row, summed by `PARTS`; sums to 1. The position itself counts as what it is.
    visible : int64 [answer tokens]
        Positions that each row may look at, itself included.
    rollout : float64 [answer tokens, ECG tokens]
        Weights of the rollout; with those on the other positions they sum to 1.
    gradient_input : float64 [answer tokens, ECG tokens]
        Natural units of log-probability, with sign.
    """

    predicted_ids: NDArray[np.int64]
    log_probabilities: NDArray[np.float64]
    attention: NDArray[np.float32]
    parts: NDArray[np.float32]
    visible: NDArray[np.int64]
    rollout: NDArray[np.float64]
    gradient_input: NDArray[np.float64]

    def answer_rows(self) -> slice:
        """The rows of the answer without EOS; of an empty answer, EOS is all there is."""
        return slice(0, max(1, len(self.predicted_ids) - 1))


def answer_attention(model: EndToEndModel, batch: Mapping[str, Tensor]) -> list[AnswerAttention]:
    """Say what the positions that predict the answers of a batch look at.

    Parameters
    ----------
    model : EndToEndModel
        Its weights, gradients and settings are left as they were; it runs in evaluation mode, in the weights' own
        precision.
    batch : mapping of str to Tensor
        From `ecgbyte.training.collate.Collator`: ``input_ids``, ``attention_mask``, ``position_ids`` and ``labels``,
        int64 [samples, positions], padded on the left. Every sample holds ECG tokens. The answer is that of the
        examples: give the model's own answer to see what it looked at for this.

    Returns
    -------
    list of AnswerAttention
        One for each sample; padding does not change it beyond rounding.

    Raises
    ------
    TypeError
        If `model` is no `EndToEndModel`.
    ValueError
        If the batch is another kind, a sample has no ECG tokens or no answer, or the language model gives no weights
        of attention that sum to 1.

    Notes
    -----
    *Thread-safety*: not while another thread uses the model, which for the time of the call computes attention in the
    plain way (transformers' ``"eager"``), the only one that gives weights.

    Memory is O(layers * heads * positions**2) for each sample.
    """
    if not isinstance(model, EndToEndModel):
        raise TypeError(f"model: got {type(model).__name__}, expected an EndToEndModel, which reads ECG tokens")
    absent = [name for name in ("input_ids", "attention_mask", "labels") if name not in batch]
    if absent or "suffix_ids" in batch:
        raise ValueError(f"batch: expected what a Collator gives for training, got {', '.join(sorted(batch))}")
    batch = to_device(batch, device_of(model))
    samples = [_Layout.of(model, batch, row) for row in range(len(batch["input_ids"]))]
    with evaluation_mode(model), eager_attention(model.language_model), torch.enable_grad():
        embeddings = model.embed(batch).detach().requires_grad_(True)
        options = {"position_ids": batch["position_ids"]} if "position_ids" in batch else {}
        output = model.language_model(
            inputs_embeds=embeddings,
            attention_mask=batch["attention_mask"],
            output_attentions=True,
            use_cache=False,
            **options,
        )
        weights = _checked_weights(output.attentions, samples)
        results = []
        for row, sample in enumerate(samples):
            logits = model.answer_logits(output.logits[row, sample.rows].float())
            chosen = log_softmax(logits, dim=-1)[torch.arange(len(sample.predicted)), sample.predicted]
            gradients = _gradient_times_input(chosen, embeddings, row, sample)
            layers = [layer[row].detach() for layer in weights]
            results.append(_result(sample, chosen.detach(), layers, gradients))
    return results


def attention_rollout(head_means: ArrayLike, rows: ArrayLike) -> NDArray[np.float64]:
    """Follow attention through all layers, down to the input (Abnar and Zuidema 2020, equation 1).

    Each layer's matrix is half attention, half identity, for the residual connection; the last layer comes first.

    Parameters
    ----------
    head_means : array-like
        float [layers, positions, positions], the mean over heads, first layer first; rows sum to 1.
    rows : array-like
        int [rows], the positions to start from.

    Returns
    -------
    float64 [rows, positions]
        Each row sums to 1.
    """
    matrices = np.asarray(head_means, dtype=np.float64)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or not len(matrices):
        raise ValueError(f"head_means: got shape {matrices.shape}, expected [layers, positions, positions]")
    flow = np.eye(matrices.shape[1])[np.asarray(rows)]
    for matrix in matrices[::-1]:
        # Divided again: weights in half precision do not sum to 1 exactly, and the layers would multiply that.
        flow = 0.5 * (flow + flow @ (matrix / matrix.sum(axis=1, keepdims=True)))
    return flow


def spread_over_samples(weights: ArrayLike, encoding: Encoding) -> NDArray[np.float64]:
    """Lay the weights of tokens on the samples that they cover: a density with the same total.

    The weight of a token is divided evenly among its samples, across the border of a lead where the token crosses it.
    Samples of tokens that the model was not shown are NaN, never 0.

    Parameters
    ----------
    weights : array-like
        float [ECG tokens], of the first tokens of `encoding`; fewer than it has where the end was dropped.
    encoding : Encoding
        Of the ECG that was shown.

    Returns
    -------
    float64 [leads, samples]
        Weight per sample; the sum without NaN is the sum of `weights`.

    Raises
    ------
    ValueError
        If there are more weights than tokens, or the tokens do not cover the ECG from start to end.
    """
    values = np.asarray(weights, dtype=np.float64)
    if values.ndim != 1 or len(values) > len(encoding.ids):
        raise ValueError(
            f"weights: got shape {values.shape}, expected [tokens], at most the encoding's {len(encoding.ids)}"
        )
    leads, samples = encoding.shape
    offsets = np.asarray(encoding.offsets, dtype=np.int64)
    lengths = offsets[:, 1] - offsets[:, 0]
    starts = np.asarray(encoding.leads, dtype=np.int64) * samples + offsets[:, 0]
    ends = np.cumsum(lengths)
    if not np.array_equal(starts, ends - lengths) or (len(ends) and ends[-1] != leads * samples):
        raise ValueError(f"encoding: its tokens do not cover {leads} leads of {samples} samples from start to end")
    density = np.full(leads * samples, np.nan)
    shown = lengths[: len(values)]
    density[: shown.sum()] = np.repeat(values / shown, shown)
    return density.reshape(leads, samples)


@contextlib.contextmanager
def eager_attention(language_model: Any) -> Iterator[None]:
    """For the time of the block, let a transformers model compute attention so that it can give the weights.

    Raises
    ------
    ValueError
        If the model cannot.
    """
    plain = language_model.get_base_model() if hasattr(language_model, "get_base_model") else language_model
    before = plain.config._attn_implementation
    plain.set_attn_implementation("eager")
    try:
        if plain.config._attn_implementation != "eager":
            raise ValueError(f"language_model: {type(plain).__name__} cannot change how it computes attention")
        yield
    finally:
        plain.set_attn_implementation(before)


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where things stand in one row of a batch: positions int64, on the model's device."""

    first: int
    ecg: Tensor
    question_start: int
    rows: Tensor
    predicted: Tensor

    @classmethod
    def of(cls, model: EndToEndModel, batch: Mapping[str, Tensor], row: int) -> _Layout:
        ids, labels = batch["input_ids"][row], batch["labels"][row]
        starts = (ids == model.token_map.start_id).nonzero()[:, 0]
        ends = (ids == model.token_map.end_id).nonzero()[:, 0]
        if len(starts) != 1 or len(ends) != 1 or ends[0] - starts[0] < 2:
            raise ValueError(f"batch: sample {row} holds no block of ECG tokens")
        # Markers of leads stand among the tokens and are none.
        markers = torch.from_numpy(model.token_map.lead_ids).to(ids.device)
        is_token = ~torch.isin(ids[int(starts[0]) + 1 : int(ends[0])], markers)
        targets = (labels != IGNORED).nonzero()[:, 0]
        if not len(targets):
            raise ValueError(f"batch: sample {row} holds no answer; expected labels that are not {IGNORED}")
        return cls(
            first=int(batch["attention_mask"][row].nonzero()[0, 0]),
            ecg=int(starts[0]) + 1 + is_token.nonzero()[:, 0],
            question_start=int(ends[0]) + 1,
            rows=targets - 1,
            predicted=labels[targets],
        )

    def parts(self, positions: int) -> Tensor:
        """Which of `PARTS` each position is, one-hot, float [positions, parts]; padding is none of them."""
        kinds = torch.zeros(positions, len(PARTS), device=self.ecg.device)
        kinds[self.first : self.question_start, 0] = 1
        kinds[self.ecg, 0] = 0
        kinds[self.ecg, 1] = 1
        answer_start = int(self.rows[0]) + 1
        kinds[self.question_start : answer_start, 2] = 1
        kinds[answer_start:, 3] = 1
        return kinds


def _checked_weights(weights: Any, samples: list[_Layout]) -> list[Tensor]:
    layers = [] if weights is None else [layer for layer in weights if layer is not None]
    if not layers:
        raise ValueError("model: its language model gives no weights of attention, expected one array for each layer")
    for place, layer in enumerate(layers):
        for row, sample in enumerate(samples):
            sums = layer[row, :, sample.rows].detach().float().sum(dim=-1)
            if bool((sums - 1).abs().max() > _ROW_TOLERANCE):
                raise ValueError(
                    f"model: weights of attention of layer {place} sum to {float(sums.min()):.3f} to "
                    f"{float(sums.max()):.3f}, expected 1"
                )
    return layers


def _gradient_times_input(chosen: Tensor, embeddings: Tensor, row: int, sample: _Layout) -> NDArray[np.float64]:
    products = []
    for value in chosen:
        (gradient,) = torch.autograd.grad(value, embeddings, retain_graph=True)
        vectors = embeddings[row, sample.ecg].detach().double()
        products.append((gradient[row, sample.ecg].double() * vectors).sum(dim=-1))
    result: NDArray[np.float64] = torch.stack(products).cpu().numpy()
    return result


def _result(sample: _Layout, chosen: Tensor, layers: list[Tensor], gradients: NDArray[np.float64]) -> AnswerAttention:
    kinds = sample.parts(layers[0].shape[-1])
    rows = [layer[:, sample.rows].float() for layer in layers]
    # Left padding never reaches a row of the answer, and is cut off.
    means = np.stack([layer[:, sample.first :, sample.first :].float().mean(dim=0).cpu().numpy() for layer in layers])
    start = sample.rows.cpu().numpy() - sample.first
    rollout = attention_rollout(means, start)
    return AnswerAttention(
        predicted_ids=sample.predicted.cpu().numpy(),
        log_probabilities=chosen.double().cpu().numpy(),
        attention=torch.stack([layer[:, :, sample.ecg] for layer in rows]).cpu().numpy(),
        parts=torch.stack([layer @ kinds for layer in rows]).cpu().numpy(),
        visible=start + 1,
        rollout=rollout[:, sample.ecg.cpu().numpy() - sample.first],
        gradient_input=gradients,
    )
