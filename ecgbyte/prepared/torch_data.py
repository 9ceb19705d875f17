"""Rows of a prepared folder for a ``DataLoader`` of PyTorch, its workers sharing out the shards."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from ecgbyte.checks import whole_number
from ecgbyte.prepared.folder import PreparedFolder

_ARRAYS = ("signal", "ids", "tokens_per_lead", "range_mv")


class ShardRows(IterableDataset):
    """The rows of a folder, one dictionary each, without a copy of what the shard holds.

    Signals (torch.int16 [leads, samples], in steps of ``scale`` mV), ids (torch.uint16 [tokens], or uint32) and other
    lists of numbers are views of the decoded shard, not to be written to; the shard stays in memory as long as one of
    them does. All else is a Python value.

    With the workers of a ``DataLoader`` each shard goes to one of them, so that nothing is read twice.

    Parameters
    ----------
    folder : PreparedFolder
    columns : sequence of str
        Which to give; ``signal`` needs no other to have its shape.
    folds : collection of int, optional
        Only rows of these.
    seed : int or None
        Shuffle shards, and rows within each, by this and the epoch (`set_epoch`); None keeps the order.

    Raises
    ------
    ValueError
        If there is no such column.

    Examples
    --------
    ::

        rows = ShardRows(PreparedFolder("ptb-xl-prepared"), ["record_id", "signal", "scale"], folds=range(1, 9), seed=0)
        loader = torch.utils.data.DataLoader(rows, batch_size=32, num_workers=4)
    """

    def __init__(
        self,
        folder: PreparedFolder,
        columns: Sequence[str] = ("record_id", "signal", "scale"),
        *,
        folds: Collection[int] | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        known = folder.columns
        if absent := [name for name in columns if name not in known]:
            raise ValueError(f"columns: there is no {absent[0]!r}, expected some of {', '.join(known)}")
        self.folder = folder
        self.columns = tuple(columns)
        self.folds = None if folds is None else tuple(sorted(set(folds)))
        self.seed = None if seed is None else whole_number("seed", seed, minimum=0)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Shuffle otherwise in another epoch; to be called before the workers start."""
        self.epoch = whole_number("epoch", epoch, minimum=0)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        order = np.arange(len(self.folder.shards))
        if self.seed is not None:
            np.random.default_rng([self.seed, self.epoch]).shuffle(order)
        worker = get_worker_info()
        if worker is not None:
            order = order[worker.id :: worker.num_workers]
        shape = [] if "signal" not in self.columns or "num_samples" in self.columns else ["num_samples"]
        for number in order.tolist():
            table = self.folder.shard_table(number, [*self.columns, *shape], folds=self.folds)
            rows = self._rows(table)
            if self.seed is not None:
                places = np.random.default_rng([self.seed, self.epoch, number + 1]).permutation(len(rows))
                rows = [rows[place] for place in places.tolist()]
            yield from rows

    def _rows(self, table: Any) -> list[dict[str, Any]]:
        columns = {
            name: _views(table, name) if name in _ARRAYS else table.column(name).to_pylist() for name in self.columns
        }
        if "signal" in columns:
            samples = table.column("num_samples").to_pylist()
            columns["signal"] = [
                steps.reshape(-1, count) for steps, count in zip(columns["signal"], samples, strict=True)
            ]
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _views(table: Any, name: str) -> list[torch.Tensor]:
    """The rows of a column of lists, as views of its values."""
    column = table.column(name).combine_chunks()
    offsets = column.offsets.to_numpy()
    values = torch.from_dlpack(column.values)
    return [values[start:stop] for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
