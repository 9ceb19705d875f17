"""What a training run is told, and what it reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

from ecgbyte.checks import check_option
from ecgbyte.training.schedules import SCHEDULES, learning_rate_at

OPTIMIZERS = ("adamw", "adam")
PRECISIONS = ("no", "bf16")
KEPT_WEIGHTS = ("last", "best")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of one training run.

    Parameters
    ----------
    batch_size : int
        Examples of one forward pass, of all processes together.
    epochs, max_steps : int or None
        The length of the run, in passes over the examples or in steps of the optimiser; exactly one is given.
    learning_rate : float
        The highest learning rate; `schedule` and `warmup_steps` say when it is reached.
    schedule : "cosine", "noam" or "constant"
        See `ecgbyte.training.schedules.learning_rate_at`. ``"noam"`` needs warm-up steps.
    warmup_steps : int
        Steps of the optimiser.
    optimizer : "adamw" or "adam"
        With Adam, `weight_decay` is an L2 penalty (as published).
    weight_decay : float
        On matrices; norms and biases are spared.
    betas : tuple of two float
    gradient_accumulation : int
        Forward passes per step of the optimiser. The loss of a step is the mean over all its labels, so 4 x 2
        examples give the gradient of one batch of 8.
    max_gradient_norm : float or None
        Gradients are clipped to this norm; None leaves them.
    precision : "no" or "bf16"
        ``"bf16"`` runs the forward pass under bfloat16 autocast; weights stay as they are.
    seed : int
        Order of the examples and dropout.
    checkpoint_every : int or None
        Steps between two checkpoints, where an output folder is given; None keeps only the end.
    group_by_length : bool
        Batches of similar length, so that short sequences are not padded to long ones. Needs ``collate.length``.
    drop_incomplete_batch : bool
        Leave out what remains of an epoch after its last full step (contrastive losses and batch norms need it).
    validate_every : int or None
        Steps between two measurements of the validation loss, where `train` is given validation examples; it is
        measured before the first step and after the last one in any case.
    keep : "last" or "best"
        Which weights the run ends with: those of the last step, or of the best of all measurements of validation, the
        first of equal ones; the untrained model is one of them.

    Raises
    ------
    ValueError
        If a value is out of range or an option unknown.
    """

    batch_size: int = 16
    epochs: int | None = None
    max_steps: int | None = None
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup_steps: int = 0
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    gradient_accumulation: int = 1
    max_gradient_norm: float | None = 1.0
    precision: str = "no"
    seed: int = 0
    checkpoint_every: int | None = None
    group_by_length: bool = False
    drop_incomplete_batch: bool = False
    validate_every: int | None = None
    keep: str = "last"

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.max_steps is None):
            raise ValueError(f"epochs, max_steps: expected exactly one, got {self.epochs!r} and {self.max_steps!r}")
        for name in (
            "batch_size",
            "epochs",
            "max_steps",
            "gradient_accumulation",
            "checkpoint_every",
            "validate_every",
        ):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name}: expected a positive integer, got {value!r}")
        for name in ("warmup_steps", "seed"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"{name}: expected an integer of 0 at least, got {value!r}")
        check_option("schedule", self.schedule, SCHEDULES)
        check_option("optimizer", self.optimizer, OPTIMIZERS)
        check_option("precision", self.precision, PRECISIONS)
        check_option("keep", self.keep, KEPT_WEIGHTS)
        if self.schedule == "noam" and self.warmup_steps == 0:
            raise ValueError("warmup_steps: the schedule 'noam' needs one step at least, got 0")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate: expected a positive number, got {self.learning_rate!r}")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(f"weight_decay: expected a number of 0 at least, got {self.weight_decay!r}")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas: expected two numbers in [0, 1), got {self.betas!r}")
        if self.max_gradient_norm is not None and not self.max_gradient_norm > 0:
            raise ValueError(f"max_gradient_norm: expected a positive number or None, got {self.max_gradient_norm!r}")

    def steps_per_epoch(self, num_examples: int) -> int:
        """Return the optimiser's steps in one pass over `num_examples` examples."""
        per_step = self.batch_size * self.gradient_accumulation
        steps = num_examples // per_step if self.drop_incomplete_batch else math.ceil(num_examples / per_step)
        if steps == 0:
            raise ValueError(
                f"examples: got {num_examples}, expected {per_step if self.drop_incomplete_batch else 1} at least"
            )
        return steps

    def total_steps(self, num_examples: int) -> int:
        """Return the optimiser's steps of the whole run."""
        per_epoch = self.steps_per_epoch(num_examples)
        return self.max_steps if self.max_steps is not None else per_epoch * int(self.epochs or 0)

    def learning_rate_of(self, step: int, total_steps: int) -> float:
        """Return the learning rate of one step, counted from 1; see `ecgbyte.training.schedules`."""
        return learning_rate_at(
            step,
            schedule=self.schedule,
            peak=self.learning_rate,
            warmup_steps=self.warmup_steps,
            total_steps=total_steps,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings by name, ready for JSON."""
        return {**asdict(self), "betas": list(self.betas)}


@dataclass
class TrainingReport:
    """What a training run did. Every field is ready for JSON.

    ``positions`` counts what the attention mask lets through, ``padded_positions`` all that was computed; both are 0
    for batches without a mask. ``losses`` and ``learning_rates`` hold one value per step of the optimiser. ``seconds``
    is the time of steps, waiting for batches included, checkpoints and validation aside, added up over interruptions;
    with several processes it is the first one's.

    Fields with a default are newer than others: a report without them is still read.

    - ``data_wait_seconds``: the part of ``seconds`` in which nothing computed because a batch was being prepared; the
      longest of the processes.
    - ``peak_memory_bytes``: the most that a process held, and ``peak_memory_kind`` what was measured; see
      `ecgbyte.training.memory.PeakMemory`.
    - ``validation``: for each measurement ``step``, ``seconds`` of training so far, ``loss`` (mean per label),
      ``samples_seen`` and, where `train` was given one, ``score`` and the other ``measures`` by name, if there are any;
      ``validation_seconds`` is what they took,
      ``best_validation_step`` where the score was highest, or without a score the loss lowest.
    - ``kept_step``: the step whose weights the run ended with; see `TrainingSettings.keep`.
    - ``truncation`` counts the examples of the first epoch, where they change from epoch to epoch.
    """

    description: str
    settings: dict[str, Any]
    steps: int
    seconds: float
    seconds_per_step: float
    samples_seen: int
    distinct_records: int
    positions: int
    padded_positions: int
    losses: list[float] = field(repr=False)
    learning_rates: list[float] = field(repr=False)
    parameters_trained: int
    parameters_total: int
    device: str
    precision: str
    processes: int
    truncation: dict[str, int] | None
    resumed_from_step: int
    data_wait_seconds: float | None = None
    peak_memory_bytes: int | None = None
    peak_memory_kind: str | None = None
    validation: list[dict[str, Any]] = field(default_factory=list, repr=False)
    validation_seconds: float | None = None
    best_validation_step: int | None = None
    kept_step: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrainingReport:
        """Return the report that `to_dict` gave.

        Raises
        ------
        ValueError
            If a field is unknown, or one without a default is missing.
        """
        known = {entry.name for entry in fields(cls)}
        needed = {e.name for e in fields(cls) if e.default is MISSING and e.default_factory is MISSING}
        missing, unknown = sorted(needed - set(content)), sorted(set(content) - known)
        if missing or unknown:
            raise ValueError(f"report: fields missing: {missing}; fields unknown: {unknown}")
        return cls(**content)
