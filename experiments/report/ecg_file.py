"""The ECGs that the test questions are about, as a page draws them: ``ecgs.json.gz``, beside the answers, never shared.

Recordings of patients are not committed with results; where the file is missing, a page shows the questions without.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbyte.data.questions.question import Question
from ecgbyte.files import write_atomically
from ecgbyte.json_lines import compress, read_text
from ecgbyte.signals.leads import LEADS
from ecgbyte.viz.packing import TRACE_STEP_MV, pack_trace
from experiments.steps.segments import Segments
from experiments.steps.views import assign_segments

ECGS_FILE = "ecgs.json.gz"
# Enough for the eye, and a quarter of the bytes of a recording.
_SHOWN_RATE = 100
_TYPES: Mapping[str, type] = {
    "rate": float,
    "samples": int,
    "step": float,
    "leads": list,
    "traces": list,
    "asked": dict,
}


def write_ecgs(path: str | os.PathLike[str], questions: Sequence[Question], segments: Segments) -> None:
    """Write the segment that each question is asked about, each once; same segments, same bytes.

    Parameters
    ----------
    path : path-like
    questions : sequence of Question
        All test questions, in the order in which they were dealt to segments.
    segments : Segments
        Of the records that they are about.
    """
    keys = list(zip((q.record_id for q in questions), assign_segments(questions, segments.per_record), strict=True))
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    step = max(1, int(segments.sampling_rate // _SHOWN_RATE))
    signals = [_thinned(segments.signal(*key), step) for key in places]
    content = {
        "rate": segments.sampling_rate / step,
        "samples": signals[0].shape[1] if signals else 0,
        "step": TRACE_STEP_MV,
        "leads": list(LEADS),
        "traces": [pack_trace(signal) for signal in signals],
        "asked": {question.sample_id: places[key] for question, key in zip(questions, keys, strict=True)},
    }
    write_atomically(path, compress(json.dumps(content, separators=(",", ":")).encode()))


def read_ecgs(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """What `write_ecgs` wrote, or None where there is no such file.

    Raises
    ------
    ValueError
        If it holds something else.
    """
    path = Path(path)
    if not path.is_file():
        return None
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(content, dict) or set(content) != set(_TYPES):
        raise ValueError(f"{path}: expected an object with {', '.join(_TYPES)}")
    for name, kind in _TYPES.items():
        if not isinstance(content[name], kind):
            raise ValueError(f"{path}: {name}: got {type(content[name]).__name__}, expected {kind.__name__}")
    if not all(place in range(len(content["traces"])) for place in content["asked"].values()):
        raise ValueError(f"{path}: asked: expected places among {len(content['traces'])} traces")
    return content


def _thinned(signal: NDArray[np.floating], step: int) -> NDArray[np.float64]:
    """Means of `step` neighbouring samples, float64 [leads, samples]; a rest at the end is left out."""
    whole = signal.shape[1] // step * step
    return signal[:, :whole].astype(np.float64).reshape(len(signal), -1, step).mean(axis=2)
