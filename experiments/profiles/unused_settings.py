"""No setting is accepted and ignored: one that nothing reads must be as it is where a profile does not name it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from experiments.profiles.ablations import ablation_methods
from experiments.profiles.data_sets import find_data_set
from experiments.profiles.encoders import ENCODERS, find_encoder
from experiments.profiles.faults import FIXED_PADDING, NOAM_SCHEDULE, PADDING_IN_LABELS
from experiments.profiles.methods import METHODS
from experiments.profiles.settings import Sections


def refuse_unused(profile: Sections) -> None:
    """Check that every setting which nothing reads has its default.

    Raises
    ------
    ValueError
        Naming the setting, its value, and why it does nothing.
    """
    for name, why in unused_settings(profile):
        section, key = name.rsplit(".", 1)
        holder: Any = profile
        for part in section.split("."):
            holder = holder[part] if isinstance(holder, dict) else getattr(holder, part)
        default = next(field.default for field in dataclasses.fields(holder) if field.name == key)
        value = getattr(holder, key)
        if value != default:
            raise ValueError(f"{name}: got {value!r}, which does nothing: {why}; leave it out, or at {default!r}")


def unused_settings(profile: Sections) -> Iterator[tuple[str, str]]:
    """The settings that nothing in a profile reads, with the reason.

    Yields
    ------
    name : str
        Such as ``"model.lora_rank"``.
    why : str
        Why it does nothing.
    """
    for condition, section, names, why in _conditions(profile):
        if not condition:
            for name in names:
                yield f"{section}.{name}", why
    yield from _unused_of_encoders(profile)


def _conditions(profile: Sections) -> Iterator[tuple[bool, str, tuple[str, ...], str]]:
    """Whether settings are read, their section, their names, and why they would not be."""
    data, questions, model, transfer = profile.data, profile.questions, profile.model, profile.transfer
    methods = _methods(profile)
    data_set = find_data_set(data.dataset)
    yield data_set.is_made, "data", ("num_patients",), f"the patients of {data.dataset} are not made"
    yield bool(profile.tokenizer.records), "tokenizer", ("sampling",), "with tokenizer.records=0 none are drawn"
    yield (
        questions.are_generated,
        "questions",
        ("finding_types", "templates", "paraphrases", "minimum_count", "rhythm_seconds"),
        f"with questions.source={questions.source!r} no questions are generated",
    )
    yield (
        questions.source not in ("ecg-chat", "files"),
        "questions",
        ("question_types",),
        f"with questions.source={questions.source!r} the files say what is asked",
    )
    yield "ecg-qa" in questions.source, "questions", ("ecgqa_version",), "no question is ECG-QA's"
    yield (
        questions.source == "generated+ecg-qa",
        "questions",
        ("ecgqa_train", "ecgqa_test"),
        "only the source 'generated+ecg-qa' adds ECG-QA's questions to others",
    )
    yield bool(questions.reports), "questions", ("report_characters",), "with questions.reports=0 none is asked for"
    yield model.name == "tiny", "model", ("hidden_size", "layers", "heads"), f"{model.name!r} has a size of its own"
    yield model.lora, "model", ("lora_rank", "lora_alpha", "lora_dropout"), "model.lora is false"
    kept = {fault for name in methods for fault in METHODS[name].faults}
    for fault, name, why in (
        (PADDING_IN_LABELS, "padded_length", "no method of the profile keeps padding in its labels"),
        (FIXED_PADDING, "tokens_padded_length", "no method of the profile pads tokens to a fixed length"),
        (NOAM_SCHEDULE, "warmup_steps", "no method of the profile keeps the published schedule"),
    ):
        yield fault in kept, "as_published", (name,), why
    uses_plus = any(METHODS[name].uses_plus for name in methods)
    names = tuple(field.name for field in dataclasses.fields(profile.plus))
    yield uses_plus, "plus", names, "no method of the profile reads it"
    told = ("report_characters", "report_weight")
    yield bool(profile.plus.reports), "plus", told, "with plus.reports=0 no report is asked for"
    decoded = bool(profile.evaluation.sampled_decodings)
    yield decoded, "evaluation", ("temperature",), "with evaluation.sampled_decodings=0 no answer is drawn"
    yield bool(profile.ablations.changes), "ablations", ("budget", "seeds"), "there are no ablations.changes"
    moved = bool(transfer.datasets)
    yield moved, "transfer", ("methods", "records", "questions"), "there are no transfer.datasets"
    for name in ("num_patients", "sampling_rate"):
        yield (
            any(_takes(dataset, name) for dataset in transfer.datasets),
            "transfer",
            (name,),
            f"none of the transfer.datasets takes it: {list(transfer.datasets)}",
        )


def _takes(dataset: str, argument: str) -> bool:
    return argument in find_data_set(dataset, "transfer.datasets").arguments


def _methods(profile: Sections) -> list[str]:
    return [name for name in (*profile.methods, *ablation_methods(profile)) if name in METHODS]


def _unused_of_encoders(profile: Sections) -> Iterator[tuple[str, str]]:
    """Of each table of an encoder, what neither its stage 1 nor a training together with the language model reads."""
    read: dict[str, set[str]] = {name: set() for name in profile.encoders}
    for name in _methods(profile):
        method = METHODS[name]
        if not method.encoder:
            continue
        encoder = find_encoder(method.encoder)
        if method.pretrained:
            for part in encoder.parts:
                read[ENCODERS[part].table] |= {field.name for field in dataclasses.fields(profile.encoder(part))}
        else:
            read[encoder.table] |= set(encoder.random_settings if method.random_encoder else encoder.joint_settings)
    for table, names in read.items():
        for field in dataclasses.fields(profile.encoders[table]):
            if field.name not in names:
                yield f"encoders.{table}.{field.name}", "no method of the profile reads it"
