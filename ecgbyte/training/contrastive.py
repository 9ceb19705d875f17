"""Contrastive pretraining, of MERL and of CLIP: examples, batches, and how well ECGs and reports find each other
afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ecgbyte.models.encoders.clip import ECGCLIP
from ecgbyte.models.encoders.merl import MERL
from ecgbyte.models.encoders.text_encoders import TextEncoder
from ecgbyte.models.running import evaluation_mode
from ecgbyte.training.features import extract_features, stack_signals

ContrastiveModel = MERL | ECGCLIP
"""A model with an ``ecg_encoder``, a ``text_encoder`` and ``embed_reports``."""


@dataclass(frozen=True, eq=False)
class ContrastiveExample:
    """A segment of a record and the record's report.

    Attributes
    ----------
    record_id : str
        The record it comes from.
    signal : numpy.ndarray
        Float32 [leads, samples], in mV.
    report : str
        The report's text.

    Raises
    ------
    ValueError
        If `signal` has no two axes or no sample, or `report` is blank.
    """

    record_id: str
    signal: np.ndarray
    report: str

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.signal.size == 0:
            raise ValueError(
                f"signal: expected [leads, samples], got {list(self.signal.shape)} in record {self.record_id}"
            )
        if not self.report.strip():
            raise ValueError(f"report: record {self.record_id} has none; leave it out of contrastive pretraining")


def same_report_key(report: str) -> str:
    """Two reports count as the same text where they differ in letter case or white space alone."""
    return " ".join(report.split()).casefold()


class ContrastiveCollator:
    """Makes batches for `MERL` and `ECGCLIP` out of examples.

    All distinct reports are tokenized here, once; with a frozen text encoder they are also encoded, once, which makes
    its cost independent of the number of epochs.

    Parameters
    ----------
    text_encoder : TextEncoder
        The model's own text encoder.
    examples : sequence of ContrastiveExample
        All examples that will be met.
    batch_size : int
        Reports that a frozen text encoder reads at a time.

    Attributes
    ----------
    num_truncated : int
        Distinct reports longer than the text encoder reads.
    num_reports : int
        Distinct reports.
    """

    def __init__(
        self, text_encoder: TextEncoder, examples: Sequence[ContrastiveExample], *, batch_size: int = 64
    ) -> None:
        by_key: dict[str, str] = {}
        for example in examples:
            key = same_report_key(example.report)
            by_key[key] = min(example.report, by_key.get(key, example.report))
        keys = sorted(by_key)
        tokenized = text_encoder.tokenize([by_key[key] for key in keys])
        self._rows = {key: row for row, key in enumerate(keys)}
        self._ids, self._attention_mask = tokenized.ids, tokenized.attention_mask
        self.num_reports, self.num_truncated = len(keys), tokenized.num_truncated
        self._encoded: Tensor | None = None
        if text_encoder.frozen:
            with torch.no_grad(), evaluation_mode(text_encoder) as device:
                encoded = [
                    text_encoder(*(part.to(device) for part in self._rows_of(rows))).cpu()
                    for rows in torch.arange(len(keys)).split(batch_size)
                ]
            self._encoded = torch.cat(encoded)

    def _rows_of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Ids and mask of some reports, cut to the longest of them."""
        mask = self._attention_mask[rows]
        longest = int(mask.sum(dim=1).max())
        return self._ids[rows, :longest], mask[:, :longest]

    def report_groups(self, examples: Sequence[ContrastiveExample]) -> Tensor:
        """Int64 [examples]: equal numbers, below `num_reports`, for equal reports.

        Raises
        ------
        ValueError
            If a report was not among the examples that the collator was made with.
        """
        rows = [self._rows.get(same_report_key(example.report), -1) for example in examples]
        if -1 in rows:
            record_id = examples[rows.index(-1)].record_id
            raise ValueError(f"examples: the report of record {record_id} is not one that the collator was made with")
        return torch.tensor(rows)

    def __call__(self, examples: Sequence[ContrastiveExample]) -> dict[str, Tensor]:
        """A batch, as the arguments of the model's ``forward``.

        Raises
        ------
        ValueError
            If the signals have different shapes or values that are not finite, or a report is unknown.
        """
        groups = self.report_groups(examples)
        batch = {"ecg": stack_signals([example.signal for example in examples]), "report_group": groups}
        if self._encoded is not None:
            return {**batch, "encoded_reports": self._encoded[groups]}
        ids, attention_mask = self._rows_of(groups)
        return {**batch, "report_ids": ids, "report_attention_mask": attention_mask}


@dataclass(frozen=True)
class RetrievalRecall:
    """How often the right partner is among the k nearest.

    Attributes
    ----------
    k : int
        Partners looked at.
    ecg_to_report : float
        Share of ECGs with their own report's text among the k nearest of the distinct reports.
    report_to_ecg : float
        Share of distinct reports with an ECG of theirs among the k nearest ECGs.
    ecg_to_report_random, report_to_ecg_random : float
        What k partners drawn at random give, on average: the chance level of the two above.
    ecg_to_report_frequent : float
        What naming the k most frequent reports, without looking at the ECG, gives for `ecg_to_report`. The loss asks
        by what factor an ECG makes a report more likely, not how frequent the report is, so a good model may score
        less than this where few reports are most of the records.
    num_ecgs, num_reports : int
        ECGs, and distinct reports.
    """

    k: int
    ecg_to_report: float
    report_to_ecg: float
    ecg_to_report_random: float
    report_to_ecg_random: float
    ecg_to_report_frequent: float
    num_ecgs: int
    num_reports: int


def _right_in_first(similarities: Tensor, right: Tensor, k: int) -> float:
    """Share of rows with a right column among the k largest; columns that tie come in their order."""
    first = similarities.argsort(dim=1, descending=True, stable=True)[:, :k]
    return float(right.gather(1, first).any(dim=1).double().mean())


def retrieval_recall(
    model: ContrastiveModel, examples: Sequence[ContrastiveExample], k: int, *, batch_size: int = 256
) -> RetrievalRecall:
    """Retrieval between ECGs and distinct reports, in both directions.

    Parameters
    ----------
    model : MERL or ECGCLIP
        It is put in evaluation mode meanwhile.
    examples : sequence of ContrastiveExample
        Held-out examples.
    k : int
        Partners looked at.
    batch_size : int
        ECGs at a time.

    Raises
    ------
    ValueError
        If there is no example, or `k` is not between 1 and the number of distinct reports.
    """
    collator = ContrastiveCollator(model.text_encoder, examples)
    if not 1 <= k <= collator.num_reports:
        raise ValueError(f"k: expected 1 to {collator.num_reports} (the distinct reports), got {k}")
    groups = collator.report_groups(examples)
    counts = torch.bincount(groups, minlength=collator.num_reports)
    ecgs = torch.from_numpy(extract_features(model.ecg_encoder, [e.signal for e in examples], batch_size=batch_size))
    firsts = [int((groups == group).nonzero()[0]) for group in range(collator.num_reports)]
    reports = torch.cat(
        [
            _report_embeddings(model, collator([examples[i] for i in firsts[start : start + batch_size]]))
            for start in range(0, len(firsts), batch_size)
        ]
    )
    similarities = torch.nn.functional.normalize(ecgs, dim=1) @ reports.T
    right = groups[:, None] == torch.arange(collator.num_reports)
    # A report with m of n ECGs is missed by k random ones with probability C(n-m, k) / C(n, k), here as a product.
    others = (len(examples) - counts)[:, None] - torch.arange(k)
    missed = (others.clamp(min=0) / (len(examples) - torch.arange(k))).double().prod(dim=1)
    return RetrievalRecall(
        k=k,
        ecg_to_report=_right_in_first(similarities, right, k),
        report_to_ecg=_right_in_first(similarities.T, right.T, k),
        ecg_to_report_random=k / collator.num_reports,
        report_to_ecg_random=float((1 - missed).mean()),
        ecg_to_report_frequent=float(counts.sort(descending=True).values[:k].sum() / len(examples)),
        num_ecgs=len(examples),
        num_reports=collator.num_reports,
    )


def _report_embeddings(model: ContrastiveModel, batch: dict[str, Tensor]) -> Tensor:
    with torch.no_grad(), evaluation_mode(model) as device:
        reports = {name: batch[name].to(device) for name in batch.keys() - {"ecg", "report_group"}}
        return model.embed_reports(**reports).float().cpu()
