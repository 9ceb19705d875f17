"""Curves for TensorBoard, Trackio or W&B, through accelerate's own trackers. They see a run; they never change it."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from ecgbyte.checks import check_option
from ecgbyte.files import fingerprint

TRACKERS = ("tensorboard", "trackio", "wandb")
PROJECT = "ecgbyte"


def tracking_options(tracking: str | None, output_folder: str | os.PathLike[str] | None) -> dict[str, Any]:
    """Return the options of an `Accelerator` for a tracker.

    Parameters
    ----------
    tracking : "tensorboard", "trackio", "wandb" or None
    output_folder : path-like or None
        TensorBoard writes into its ``tracking``.

    Raises
    ------
    ValueError
        If the tracker is unknown, or TensorBoard has no folder to write into.
    ImportError
        If its package is not installed.
    """
    if tracking is None:
        return {}
    check_option("tracking", tracking, TRACKERS)
    if importlib.util.find_spec(tracking) is None:
        raise ImportError(f"tracking: {tracking!r} needs a package that is not installed: pip install {tracking}")
    if tracking == "tensorboard" and output_folder is None:
        raise ValueError("tracking: 'tensorboard' writes into output_folder, got None")
    folder = None if output_folder is None else str(Path(output_folder) / "tracking")
    return {"log_with": tracking, "project_dir": folder}


@contextmanager
def tracked(
    accelerator: Accelerator,
    tracking: str | None,
    *,
    description: str,
    identity: Mapping[str, Any],
    settings: Mapping[str, Any],
    step: int,
) -> Iterator[None]:
    """Track a run while it lasts, or go on with it where a stopped run is continued. Every process must enter it.

    Parameters
    ----------
    accelerator : Accelerator
        Made with `tracking_options`.
    tracking : str or None
    description : str
        The run's name.
    identity : mapping
        Of the run; a continued one has the same.
    settings : mapping
        What is shown as the run's configuration.
    step : int
        The step after which training goes on; what was drawn beyond it is drawn again.
    """
    if tracking is None:
        yield
        return
    name = description or "training"
    run = fingerprint(json.dumps([name, identity], sort_keys=True)).removeprefix("sha256:")
    options: dict[str, dict[str, Any]] = {
        "tensorboard": {"purge_step": step + 1 if step else None},
        "trackio": {"name": f"{name}-{run}", "resume": "allow"},
        "wandb": {"name": name, "id": run, "resume": "allow"},
    }
    # Trackers show numbers and text; the rest is shown as JSON.
    shown = {
        key: value if isinstance(value, int | float | str) else json.dumps(value) for key, value in settings.items()
    }
    accelerator.init_trackers(PROJECT, config=shown, init_kwargs={tracking: options[tracking]})
    try:
        yield
    finally:
        # Accelerator.end_training would part the processes as well.
        for tracker in accelerator.trackers:
            tracker.finish()
