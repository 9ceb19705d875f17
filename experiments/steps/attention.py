"""What trained models look at: examples chosen by rule, kept with their controls as files, to be drawn later.

A map of attention shows more than the model's use of the ECG: later tokens are nearer to the question, short tokens lie
close together, and a model that learned nothing has a pattern, too. So every example is kept three times, with the same
question and the same answer: with its own ECG, with the ECG of another patient, and before training.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.files import write_atomically
from ecgbyte.models.attention import PARTS, AnswerAttention, answer_attention
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.signals.leads import LEADS
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import generate_answers
from experiments.steps.learning import Learner, LearningSettings, build_learner, train_learner
from experiments.steps.readers.reading import Reader
from experiments.steps.readers.tokens import TokenReader
from experiments.steps.segments import Segments
from experiments.steps.shown import Shown

CAPTIONS_FILE = "attention.json"
CONDITIONS = ("ecg", "other-patient", "untrained")
MEASURES = ("attention", "rollout", "gradient-input")
ATTENTION_VERSION = 1


def attention_of_method(
    folder: Path,
    trained: Path,
    reader: Reader,
    settings: LearningSettings,
    shown: Shown,
) -> dict[str, Any]:
    """`attention_examples` of a trained method: the work of a step.

    Parameters
    ----------
    folder, trained : Path
        Of this step and of the training.
    reader, settings, shown
        As the method was trained with.

    Raises
    ------
    TypeError
        If the method does not read ECG tokens.
    """
    if not isinstance(reader, TokenReader):
        raise TypeError(f"reader: got {type(reader).__name__}, expected one that reads ECG tokens")
    learner, _ = train_learner(trained, reader, settings, shown)
    return attention_examples(
        folder,
        learner,
        shown.examples("test", "ecg"),
        shown.prepared.questions["test"],
        reader.tokenizer,
        shown.prepared.segments,
        numbers=shown.places("test"),
        others=shown.others,
        untrained=build_learner(reader, settings, shown.examples("train")),
        max_new_tokens=settings.answer_room,
    )


def attention_examples(
    folder: Path,
    learner: Learner,
    examples: Sequence[Example],
    questions: Sequence[Question],
    tokenizer: ECGTokenizer,
    segments: Segments,
    *,
    numbers: Sequence[int],
    others: Mapping[str, str],
    untrained: Learner,
    max_new_tokens: int | None = None,
) -> dict[str, Any]:
    """Keep what the answers to some test questions looked at, with controls, in ``attention.json`` and ``.npz`` files.

    The first question of each type is taken, in the order of `questions`: a rule, so that none is chosen by its looks.
    The answer looked into is the model's own to the true ECG; the controls are given the same answer.

    Parameters
    ----------
    folder : Path
        Exists; the files are written there.
    learner : Learner
        Trained, of a method that reads tokens.
    examples : sequence of Example
        Of the questions, shown the ECG (`experiments.steps.views.make_examples` with ``shown="ecg"``).
    questions : sequence of Question
        Of the test split.
    tokenizer : ECGTokenizer
        The one of the method, with its matching.
    segments : Segments
    numbers : sequence of int
        The segment of each question, from `experiments.steps.views.assign_segments`.
    others : mapping of str to str
        From record to the record of another patient (`ecgbyte.data.controls.other_patient_records`).
    untrained : Learner
        As `learner` was before training (`experiments.steps.learning.build_learner`).
    max_new_tokens : int or None
        Of the model's own answer.

    Returns
    -------
    dict
        ``examples``: how many; ``on_ecg``: by question type and condition, the share of attention on the ECG.

    Raises
    ------
    TypeError
        If a model reads no ECG tokens.
    ValueError
        If the sequences have different lengths, or an example's tokens are not those of the tokenizer.
    """
    if not len(examples) == len(questions) == len(numbers) or not len(questions):
        raise ValueError(
            f"examples, questions, numbers: got {len(examples)}, {len(questions)} and {len(numbers)}, expected as many "
            "of each, and at least one"
        )
    models = {name: _reading_tokens(name, one) for name, one in (("learner", learner), ("untrained", untrained))}
    captions: list[dict[str, Any]] = []
    on_ecg: dict[str, dict[str, float]] = {}
    for place in first_of_each_type(questions):
        question, number, example = questions[place], numbers[place], examples[place]
        shown = {"ecg": question.record_id, "other-patient": others[question.record_id]}
        encodings = {name: tokenizer.encode(segments.signal(record, number)) for name, record in shown.items()}
        if example.ecg is None or not np.array_equal(example.ecg, encodings["ecg"].ids):
            raise ValueError(f"examples[{place}]: its ECG is not what the tokenizer gives for the segment")
        asked = {name: dataclasses.replace(example, ecg=encoding.ids.copy()) for name, encoding in encodings.items()}
        generated = generate_answers(
            learner.model, list(asked.values()), learner.collator, max_new_tokens=max_new_tokens, progress=False
        )
        answers = {name: item.answer for name, item in zip(asked, generated, strict=True)}
        explained = fitting_answer(learner.collator, answers["ecg"])
        arrays: dict[str, np.ndarray] = {}
        shares = {}
        for condition in CONDITIONS:
            name = "other-patient" if condition == "other-patient" else "ecg"
            model, collator = models["untrained" if condition == "untrained" else "learner"]
            (seen,) = answer_attention(model, collator([dataclasses.replace(asked[name], answer=explained)]))
            kept = _kept_arrays(seen, encodings[name], segments.signal(shown[name], number))
            arrays |= {f"{condition}.{key}": value for key, value in kept.items()}
            shares[condition] = float(kept["parts"][PARTS.index("ECG")])
        file = f"attention-{len(captions)}.npz"
        _write_arrays(folder / file, arrays)
        captions.append(
            {
                "file": file,
                "question_type": question.question_type,
                "sample_id": question.sample_id,
                "question": question.question,
                "reference": question.reference,
                "answer": answers["ecg"],
                "explained_answer": explained,
                "answer_to_other_patient": answers["other-patient"],
                "record_id": question.record_id,
                "other_record_id": shown["other-patient"],
                "segment": number,
            }
        )
        on_ecg[question.question_type] = shares
    content = {
        "version": ATTENTION_VERSION,
        "sampling_rate": segments.sampling_rate,
        "leads": list(LEADS),
        "parts": list(PARTS),
        "tokenizer_fingerprint": tokenizer.fingerprint,
        "examples": captions,
    }
    # Written last: where it is, all files are.
    write_atomically(folder / CAPTIONS_FILE, json.dumps(content, indent=1) + "\n")
    return {"examples": len(captions), "on_ecg": on_ecg}


def first_of_each_type(questions: Sequence[Question]) -> list[int]:
    """The place of the first question of each type, in the order of the types' names."""
    first: dict[str, int] = {}
    for place, question in enumerate(questions):
        first.setdefault(question.question_type, place)
    return [place for _, place in sorted(first.items())]


def fitting_answer(collator: Collator, answer: str) -> str:
    """The answer, less as many words at its end as do not fit in the room for answers with EOS."""
    words = answer.split(" ")
    while len(collator.answer_ids(" ".join(words))) + 1 > collator.answer_room:
        words.pop()
    return " ".join(words)


def _reading_tokens(name: str, learner: Learner) -> tuple[EndToEndModel, Collator]:
    if not isinstance(learner.model, EndToEndModel):
        raise TypeError(f"{name}: its model is {type(learner.model).__name__}, expected one that reads ECG tokens")
    return learner.model, learner.collator


def _kept_arrays(seen: AnswerAttention, encoding: Encoding, signal: np.ndarray) -> dict[str, np.ndarray]:
    """What one condition keeps; measures are means over the answer's tokens, EOS aside."""
    rows = seen.answer_rows()
    return {
        "signal": signal.astype(np.float32),
        "ids": encoding.ids,
        "leads": encoding.leads,
        "offsets": encoding.offsets,
        "attention": seen.attention[:, :, rows].mean(axis=(0, 1, 2), dtype=np.float64),
        "attention-by-head": seen.attention[:, :, rows].mean(axis=2),
        "rollout": seen.rollout[rows].mean(axis=0),
        "gradient-input": np.abs(seen.gradient_input[rows]).mean(axis=0),
        "gradient-input-by-answer-token": seen.gradient_input[rows],
        "parts": seen.parts[:, :, rows].mean(axis=(0, 1, 2), dtype=np.float64),
        "visible": seen.visible[rows],
        "predicted-ids": seen.predicted_ids,
        "log-probabilities": seen.log_probabilities,
    }


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    write_atomically(path, packed.getvalue())
