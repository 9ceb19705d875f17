"""What a reader is: `experiments.profiles.methods.Method.reader` leads to a function ``reading(study, method, seed)``.

It gives a `Reading` of one run of the method: the steps before its training, and the `Reader` that opens what they
left. A reader holds plain values alone, so that what a training depends on is in its identity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np

    from ecgbyte.models.ecg_language_model import ECGLanguageModel
    from ecgbyte.models.language.ecg_tokens import ECGTokenMap
    from ecgbyte.training.examples import Example
    from experiments.steps.segments import Segments
    from experiments.steps.shown import Shown
    from experiments.steps.views import ECGView
    from experiments.steps.work_folder import Task


@dataclass(frozen=True)
class BaseModel:
    """The language model that a reader puts its method's part before: the same for every method of one seed.

    Attributes
    ----------
    language_model, text_tokenizer
        As `ecgbyte.models.language.language_models.load_language_model` gives them.
    seed : int
        Of what is added to it.
    training : dict
        ``training``, ``lora`` and ``train_embeddings``, as the models of `ecgbyte.models` take them.
    initialisation : str
        How the rows of ECG tokens start.
    train_token_rows : bool
        Whether the rows of ECG tokens are trained.
    """

    language_model: Any
    text_tokenizer: Any
    seed: int
    training: Mapping[str, Any]
    initialisation: str
    train_token_rows: bool


class ReadingModel(NamedTuple):
    """A method's model: with the map of its tokens, and the positions that one signal takes."""

    model: ECGLanguageModel
    token_map: ECGTokenMap
    signal_positions: int = 1


class Reader(Protocol):
    """How one method reads ECGs, opened on what the steps before its training left."""

    def view(self, segments: Segments) -> ECGView | None:
        """What it sees of every segment; None where it reads no ECG."""
        ...

    def read(self, signals: np.ndarray) -> Sequence[np.ndarray] | np.ndarray:
        """What it sees of any signals, float32 [signals, leads, samples] in mV."""
        ...

    def build(self, base: BaseModel, examples: Sequence[Example]) -> ReadingModel:
        """Its untrained model; `examples` are those of its training."""
        ...


class Measured(NamedTuple):
    """A step before training that has no report of steps: its name in tables, and where its seconds stand."""

    stage: str
    tasks: tuple[Task, ...]
    key: str = "seconds"


@dataclass(frozen=True)
class Reading:
    """How one run of a method reads ECGs.

    Attributes
    ----------
    reader : Reader
        Opens what the tasks left.
    tasks : tuple of Task
        What must be done before the training; the last one is what it reads.
    modules : tuple of str
        The modules that do the reader's work: part of the identity of every step that reads so.
    settings : mapping
        What of the profile the reader's model takes that no task depends on, as plain data.
    positions : float
        Expected positions of an ECG in the language model.
    operations : float
        Expected operations of one question in a training step, beside the language model's.
    pretraining : tuple of Task
        Those of `tasks` that leave a report of training: stages 1.
    measured : tuple of Measured
        Those whose seconds count as preparation.
    in_training : callable or None
        What the method's training meets in the place of what those of the others do: from what it is shown to the same,
        changed in its training alone; None where that is nothing else.
    """

    reader: Reader
    tasks: tuple[Task, ...]
    modules: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    positions: float = 0.0
    operations: float = 0.0
    pretraining: tuple[Task, ...] = ()
    measured: tuple[Measured, ...] = ()
    in_training: Callable[[Shown], Shown] | None = None
