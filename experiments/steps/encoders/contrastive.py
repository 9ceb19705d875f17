"""Stage 1 by contrast: segments and the reports of their records find each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.training.contrastive import (
    ContrastiveCollator,
    ContrastiveExample,
    ContrastiveModel,
    retrieval_recall,
    same_report_key,
)
from ecgbyte.training.processes import open_accelerator
from experiments.steps.encoders.part import StageOne
from experiments.steps.encoders.stage_one import before_after, forget, train_stage_one
from experiments.steps.segments import Segments

if TYPE_CHECKING:
    from experiments.profiles.encoders import MerlSettings


def contrastive_examples(segments: Segments, entries: Sequence[RecordEntry]) -> list[ContrastiveExample]:
    """Every segment of `entries` with its record's report; records without a report are left out."""
    return [
        ContrastiveExample(entry.record_id, segments.signal(entry.record_id, number), entry.report)
        for entry in entries
        if entry.report.strip()
        for number in range(segments.per_record)
    ]


def pretrain_contrastive(
    folder: Path,
    name: str,
    examples: Sequence[ContrastiveExample],
    held_out: Sequence[ContrastiveExample],
    build: Callable[[], ContrastiveModel],
    save: Callable[[Path, Any], None],
    settings: MerlSettings,
    seed: int,
) -> StageOne:
    """Train a contrastive model and leave it in the subfolder `name`.

    Parameters
    ----------
    folder : Path
        The step's folder.
    name : str
        The encoder's.
    examples, held_out : sequence of ContrastiveExample
        Of training and of validation records.
    build : callable
        Makes the untrained model.
    save : callable
        Writes a model into a folder.
    settings : MerlSettings
    seed : int
        Of the order of the records.
    """
    model = build()
    model.to(open_accelerator().device)
    nearest = min(5, len({same_report_key(example.report) for example in held_out}))
    before = retrieval_recall(model, held_out, nearest)
    collate = ContrastiveCollator(model.text_encoder, examples)
    report, flops = train_stage_one(folder, name, model, examples, collate, settings, seed)
    after = retrieval_recall(model, held_out, nearest)
    forget(folder / name)
    save(folder / name, model)
    return StageOne(report, flops, before_after(before, after))
