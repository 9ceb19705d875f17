"""Generated answers on disk, one JSON object a line, so that metrics can be computed again without the model."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ecgbyte.files import write_atomically


@dataclass(frozen=True)
class Generation:
    """What a model answered to one question, beside the reference."""

    sample_id: str
    record_id: str
    patient_id: str
    question: str
    reference: str
    answer: str


def write_generations(path: str | os.PathLike[str], generations: Sequence[Generation]) -> None:
    """Write generations as JSON lines, in their order; empty answers stay."""
    lines = [json.dumps(asdict(generation), ensure_ascii=False) + "\n" for generation in generations]
    write_atomically(path, "".join(lines))


def read_generations(path: str | os.PathLike[str]) -> list[Generation]:
    """Read what `write_generations` wrote.

    Raises
    ------
    ValueError
        If a line is no JSON object with exactly the fields of `Generation`, all text; the message names the line.
    """
    names = [entry.name for entry in fields(Generation)]
    generations = []
    with Path(path).open(encoding="utf-8", newline="\n") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                values = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(
                    f"{path}, line {number}: expected a JSON object, got a damaged line ({error})"
                ) from error
            if not isinstance(values, dict) or sorted(values) != sorted(names):
                raise ValueError(f"{path}, line {number}: expected the fields {', '.join(names)}, got {values!r:.200}")
            wrong = [name for name in names if not isinstance(values[name], str)]
            if wrong:
                raise ValueError(f"{path}, line {number}: expected text in {', '.join(wrong)}")
            generations.append(Generation(**values))
    return generations
