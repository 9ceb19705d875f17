"""Learning curves: training losses by stage, and how well the validation questions are answered, by step and time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgbyte.files import write_atomically
from ecgbyte.json_lines import compress, read_text

if TYPE_CHECKING:
    from experiments.steps.method_runs import MethodRun

LOSSES_FILE = "losses.json.gz"
_NEEDED = {"method", "stage", "losses"}
_ALLOWED = _NEEDED | {"seed", "validation"}
# Values of a validation, and which of them is the ROC area.
_MEASURES, _AREA = 6, 4


class Curve(NamedTuple):
    """One training run: its losses, one an optimiser step, and its validations.

    Of these [step, seconds, loss], or [step, seconds, loss, accuracy in %, mean ROC area, epochs]; the area is NaN
    where no question is answered by yes or no.
    """

    method: str
    stage: str
    seed: int
    losses: NDArray[np.float64]
    validation: NDArray[np.float64]


def write_losses(path: str | os.PathLike[str], curves: Sequence[Mapping[str, Any]]) -> None:
    """Write curves as `losses_of` makes them, one a line, compressed; same curves, same bytes."""
    lines = ",\n".join(json.dumps(curve, separators=(",", ":"), allow_nan=False) for curve in curves)
    write_atomically(path, compress(f"[\n{lines}\n]\n".encode()))


def read_curves(path: str | os.PathLike[str]) -> list[Curve]:
    """The curves of ``losses.json.gz``, or of the same as plain JSON.

    Parameters
    ----------
    path : path-like
        JSON: a list of ``{"method": str, "stage": str, "losses": [float, ...]}``, one loss an optimiser step; as far as
        they are known, with ``"seed": int`` and ``"validation"``, a list of [step, seconds, loss], or of [step,
        seconds, loss, accuracy, ROC area or null, epochs].

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it holds something else; a loss that is NaN or infinite is named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"losses: there is no file {path}")
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(content, list):
        raise ValueError(f"{path}: got {type(content).__name__}, expected a list of curves")
    return [_curve(path, index, curve) for index, curve in enumerate(content)]


def _curve(path: Path, index: int, curve: Any) -> Curve:
    if not isinstance(curve, dict) or not _NEEDED <= set(curve) <= _ALLOWED:
        raise ValueError(
            f"{path}, curve {index}: expected an object with method, stage and losses, at most seed and validation more"
        )
    losses = np.asarray(curve["losses"], dtype=np.float64)
    if losses.ndim != 1 or not np.isfinite(losses).all():
        raise ValueError(f"{path}, curve {index} ({curve['method']}): expected a list of finite losses")
    validation = np.asarray(curve.get("validation") or np.empty((0, 3)), dtype=np.float64)
    known = np.delete(validation, _AREA, axis=1) if validation.shape[1:] == (_MEASURES,) else validation
    if validation.shape[1:] not in ((3,), (_MEASURES,)) or not np.isfinite(known).all():
        raise ValueError(
            f"{path}, curve {index} ({curve['method']}): expected validation as [step, seconds, loss], or with "
            "accuracy, ROC area and epochs"
        )
    return Curve(str(curve["method"]), str(curve["stage"]), int(curve.get("seed", 0)), losses, validation)


def losses_of(runs: list[MethodRun]) -> list[dict[str, Any]]:
    """The curves of finished runs, as `write_losses` takes them."""
    curves = []
    met = set()
    for run in runs:
        if not run.method.is_trained:
            continue
        stages = [(task.step, "stage-1", task.step.name) for task in run.pretraining_tasks()]
        stages.append((run.train_task.step, run.method.stage, run.method.name))
        for step, stage, name in stages:
            if step.fingerprint in met:
                continue
            met.add(step.fingerprint)
            report = step.details["report"]
            curves.append(
                {
                    "method": name.removeprefix("pretrain-"),
                    "stage": stage,
                    "seed": run.seed,
                    "losses": [round(value, 5) for value in report["losses"]],
                    "validation": [_validation(point, report) for point in report.get("validation", [])],
                }
            )
    return curves


def _validation(point: Mapping[str, Any], report: Mapping[str, Any]) -> list[float | None]:
    values = [point["step"], round(point["seconds"], 2), round(point["loss"], 5)]
    if "score" not in point:
        return values
    area = point.get("measures", {}).get("roc-area-macro")
    epochs = point["step"] / report["steps"] * report["settings"]["epochs"]
    return [*values, round(point["score"], 3), None if area is None else round(area, 5), round(epochs, 4)]
