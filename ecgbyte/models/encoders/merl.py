"""MERL: an ECG encoder and a text encoder trained so that an ECG lies near its report.

Liu, Wan, Ouyang, Shah, Bai, Arcucci, "Zero-Shot ECG Classification with Multimodal Learning and Test-time Clinical
Knowledge Enhancement", ICML 2024, https://arxiv.org/abs/2403.06659, section 3.2. Two losses are added: cross-modal
alignment (each ECG against the batch's reports and each report against the batch's ECGs) and uni-modal alignment (two
views of one ECG, made by dropout, against each other). What differs from the paper is said where it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ecgbyte.checks import check_option
from ecgbyte.models.encoders.resnet1d import ECGEncoder
from ecgbyte.models.encoders.text_encoders import TextEncoder, build_text_encoder

IDENTICAL_REPORTS = ("positives", "as-published")
"""How records of one batch that share their report's text are treated. ``"positives"``: each is a right answer to the
others, the target is spread evenly over them. ``"as-published"``: only a record's own copy of the report is right.

Where copies of a report have equal embeddings (a frozen text encoder, or no dropout), the two are the same number:
spreading a target over equal logits changes nothing, and neither does the order of a sum. They differ where dropout
tells copies apart, which ``"as-published"`` rewards, and where copies differ in letter case."""


@dataclass(frozen=True)
class MERLOutput:
    """What one batch gives.

    Attributes
    ----------
    loss : Tensor
        Scalar, the sum of the next two.
    cross_modal_loss, uni_modal_loss : Tensor
        Scalars. With identical reports as positives, the first cannot fall below the entropy of its targets.
    ecg_embeddings, report_embeddings : Tensor
        Float [batch, size], of length one.
    """

    loss: Tensor
    cross_modal_loss: Tensor
    uni_modal_loss: Tensor
    ecg_embeddings: Tensor
    report_embeddings: Tensor


def symmetric_info_nce(
    first: Tensor, second: Tensor, temperature: float | Tensor, positives: Tensor | None = None
) -> Tensor:
    """Mean of the two InfoNCE losses between paired embeddings.

    MERL sums the two directions; the mean differs by a constant factor, which Adam cancels.

    Parameters
    ----------
    first, second : Tensor
        Float [batch, size]; row i of one belongs to row i of the other. Cosine similarity is used, so their lengths
        do not matter.
    temperature : float or Tensor
        Divides the similarities; a scalar tensor where it is learnt.
    positives : Tensor, optional
        Bool [batch, batch], symmetric, true on its diagonal: which pairs belong together. By default only i with i.

    Returns
    -------
    Tensor
        Scalar float32. Zero, without gradient, for a batch of one: it has nothing to be told apart from.
    """
    # In float32 also under bf16 autocast: a temperature of 0.07 leaves the logits too few digits otherwise.
    with torch.autocast(first.device.type, enabled=False):
        similarities = functional.normalize(first.float(), dim=1) @ functional.normalize(second.float(), dim=1).T
        logits = similarities / temperature
        if positives is None:
            targets = torch.eye(len(logits), device=logits.device)
        else:
            targets = positives.to(logits.dtype) / positives.sum(dim=1, keepdim=True)
        return (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets)) / 2


class MERL(nn.Module):
    """Both encoders, their projections and the two losses.

    Parameters
    ----------
    ecg_encoder : ECGEncoder
        Its feature vector is the ECG's side of the alignment, as in MERL, and what the second stage reads.
    text_encoder : TextEncoder
        Its embedding is projected to the same size by two linear layers.
    temperature : float
        Of both losses; 0.07 as published.
    dropout : float
        Of the two views; 0.1 as published.
    identical_reports : str
        One of `IDENTICAL_REPORTS`.

    Raises
    ------
    ValueError
        If `temperature` or `dropout` is out of range or `identical_reports` is unknown.
    """

    def __init__(
        self,
        ecg_encoder: ECGEncoder,
        text_encoder: TextEncoder,
        *,
        temperature: float = 0.07,
        dropout: float = 0.1,
        identical_reports: str = "positives",
    ) -> None:
        super().__init__()
        check_option("identical_reports", identical_reports, IDENTICAL_REPORTS)
        if not temperature > 0:
            raise ValueError(f"temperature: expected a positive number, got {temperature}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout: expected a number in [0, 1), got {dropout}")
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.temperature = temperature
        self.identical_reports = identical_reports
        size = ecg_encoder.feature_size
        self.report_projection = nn.Sequential(
            nn.Linear(text_encoder.output_size, size), nn.GELU(), nn.Linear(size, size)
        )
        self.first_view = nn.Linear(size, size, bias=False)
        self.second_view = nn.Linear(size, size, bias=False)
        self.view_dropout = nn.Dropout(dropout)

    def embed_reports(
        self,
        report_ids: Tensor | None = None,
        report_attention_mask: Tensor | None = None,
        encoded_reports: Tensor | None = None,
    ) -> Tensor:
        """The reports' side of the alignment: float [batch, size] of length one; arguments and errors as in
        `ecgbyte.models.encoders.text_encoders.TextEncoder.encode`."""
        encoded = self.text_encoder.encode(report_ids, report_attention_mask, encoded_reports)
        return functional.normalize(self.report_projection(encoded), dim=1)

    def forward(
        self,
        ecg: Tensor,
        report_ids: Tensor | None = None,
        report_attention_mask: Tensor | None = None,
        report_group: Tensor | None = None,
        encoded_reports: Tensor | None = None,
    ) -> MERLOutput:
        """The losses of one batch.

        Parameters
        ----------
        ecg : Tensor
            Float [batch, leads, samples] in mV.
        report_ids, report_attention_mask : Tensor, optional
            Int64 [batch, tokens], from `TextEncoder.tokenize`.
        report_group : Tensor, optional
            Int64 [batch]: equal numbers for equal reports. By default every report counts as different.
        encoded_reports : Tensor, optional
            Float [batch, text_encoder.output_size]: outputs of a frozen text encoder, computed once, in place of the
            ids.

        Raises
        ------
        ValueError
            If `ecg` has another shape than the encoder takes, or the reports are given in no way or in two.
        """
        report_embeddings = self.embed_reports(report_ids, report_attention_mask, encoded_reports)
        feature_map = self.ecg_encoder.feature_map(ecg)
        ecg_embeddings = functional.normalize(self.ecg_encoder.pooling(feature_map), dim=1)
        positives = None
        if report_group is not None and self.identical_reports == "positives":
            positives = report_group[:, None] == report_group[None, :]
        cross_modal_loss = symmetric_info_nce(ecg_embeddings, report_embeddings, self.temperature, positives)
        averaged = feature_map.mean(dim=2)
        first_view = self.view_dropout(self.first_view(averaged))
        second_view = self.view_dropout(self.second_view(averaged))
        uni_modal_loss = symmetric_info_nce(first_view, second_view, self.temperature)
        loss = cross_modal_loss + uni_modal_loss
        return MERLOutput(loss, cross_modal_loss, uni_modal_loss, ecg_embeddings, report_embeddings)

    def settings(self) -> dict[str, Any]:
        """What rebuilds the model without its weights; JSON-able."""
        return {
            "architecture": self.ecg_encoder.architecture,
            "feature_size": self.ecg_encoder.feature_size,
            "num_leads": self.ecg_encoder.num_leads,
            "text_encoder": self.text_encoder.settings(),
            "temperature": self.temperature,
            "dropout": self.view_dropout.p,
            "identical_reports": self.identical_reports,
        }


def build_merl(
    *,
    seed: int,
    architecture: str = "tiny",
    feature_size: int | None = None,
    num_leads: int = 12,
    text_encoder: str = "tiny",
    tokenizer: Any = None,
    text_encoder_options: dict[str, Any] | None = None,
    temperature: float = 0.07,
    dropout: float = 0.1,
    identical_reports: str = "positives",
) -> MERL:
    """A MERL with its initial weights drawn from `seed` (the global random state is left as it was).

    Parameters
    ----------
    seed : int
        Of the initial weights.
    architecture, feature_size, num_leads
        See `ecgbyte.models.encoders.resnet1d.ECGEncoder`.
    text_encoder, tokenizer, text_encoder_options
        See `ecgbyte.models.encoders.text_encoders.build_text_encoder`.
    temperature, dropout, identical_reports
        See `MERL`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MERL(
            ECGEncoder(architecture, feature_size, num_leads),
            build_text_encoder(text_encoder, tokenizer=tokenizer, **(text_encoder_options or {})),
            temperature=temperature,
            dropout=dropout,
            identical_reports=identical_reports,
        )
