"""Where a run differs from what was published, in words: what each entry says of itself, and what goes for all."""

from __future__ import annotations

from ecgbyte.data.questions.segment_length import RHYTHMS_OVER_SECONDS
from experiments.profiles.data_sets import find_data_set
from experiments.profiles.encoders import ENCODERS, find_encoder
from experiments.profiles.methods import METHODS, REFERENCE_METHOD
from experiments.profiles.profile import Profile


def deviations(profile: Profile) -> list[str]:
    """Where a run of `profile` differs from the paper's setting, in words."""
    differences = [
        find_data_set(profile.data.dataset).deviation,
        *_of_all(profile),
        _language_model(profile),
        *_encoders(profile),
        *(method.deviation(profile) for method in profile.all_methods if method.deviation is not None),
        *_shared_segments(profile),
        *_short_segments(profile),
    ]
    # A sentence that several entries share stands once.
    return list(dict.fromkeys(filter(None, differences)))


def _of_all(profile: Profile) -> list[str]:
    training, rate = profile.training, profile.preprocessing.target_rate
    chain = (
        "Preprocessing is the published code's own chain."
        if profile.preprocessing.as_published
        else "Wavelet level 4 is for 500 Hz; at lower rates the level falls with the rate, so that the heartbeat "
        "survives."
    )
    differences = [
        _questions(profile),
        "Splits are by patient (folds 1-8, 9, 10); the published ones are by question.",
        f"The range ({profile.tokenizer.amplitude_range}) is that of all training records, not of the first 100,000 "
        f"values; no token crosses a {profile.tokenizer.boundary}; matching is "
        f"{METHODS[REFERENCE_METHOD].matching!r}, where a method's name does not say another.",
        f"The tokenizer learns from the training split alone, segments of {profile.data.segment_seconds:g} s "
        "(published: 200,000 MIMIC-IV ECGs of 10 s).",
        chain,
        f"Padding is masked in the labels, except where a method is named as published. {training.optimizer}, "
        f"{training.schedule} schedule as declared, {_rates(training.learning_rates)}, {training.batch_size} "
        "segments a step, gradients clipped (published: Adam, Noam schedule with peak 9.9e-4).",
        f"Answers have at most {profile.evaluation.max_new_tokens} tokens (published: 128). BLEU-4 is of the corpus; "
        "the published mean of smoothed sentences stands beside it.",
        f"Intervals are over patients and {_seeds(profile)} (published: one checkpoint, decoded five times).",
    ]
    if profile.data.sampling_rate != 500:
        differences.append(
            f"Records come at {profile.data.sampling_rate} Hz (published: 500) and are brought to {rate:g} Hz; they "
            f"hold nothing above {profile.data.sampling_rate / 2:g} Hz."
        )
    if rate != 250:
        differences.append(f"Segments are at {rate:g} Hz (published: 250).")
    return differences


def _rates(rates: tuple[float, ...]) -> str:
    listed = " or ".join(f"{rate:g}" for rate in rates)
    return f"peak {listed}" + (", the best of them on validation for each method" if len(rates) > 1 else "")


def _language_model(profile: Profile) -> str:
    model = profile.model
    if model.name == "tiny":
        rows = "are trained; the published ones stay frozen" if model.train_embeddings else "stay frozen, as published"
        return (
            f"The language model is a Llama, {model.layers} layers, {model.hidden_size} wide, trained from scratch "
            f"{'with LoRA' if model.lora else 'in full'}; the published one is Llama-3.2-1B with LoRA. "
            f"ECG token rows start as {model.initialisation!r} and {rows}."
        )
    rows = "trained" if model.train_embeddings else "frozen"
    return (
        f"The language model is {model.name} ({'LoRA' if model.lora else 'trained in full'}); ECG token rows start "
        f"as {model.initialisation!r} and are {rows} (published: Llama-3.2-1B with LoRA, rows frozen)."
    )


def _encoders(profile: Profile) -> list[str]:
    pretrained = {
        part for method in profile.all_methods if method.pretrained for part in find_encoder(method.encoder).parts
    }
    return [
        encoder.deviation(profile.encoder(name))
        for name, encoder in ENCODERS.items()
        if name in pretrained and encoder.deviation is not None
    ]


def _shared_segments(profile: Profile) -> list[str]:
    if profile.training.questions_per_segment == 1:
        return []
    shared = (
        f"In training up to {profile.training.questions_per_segment} questions about one segment share its "
        "positions; but for dropout, loss and gradients are those of the questions apart. Training times under "
        "padding `shared` are of this; those under `none` and a fixed length are of questions apart, timed for "
        "some steps and projected."
    )
    apart = (
        "Methods named `-as-published` take questions apart, about as many a step but of more segments. What "
        "sets them apart from their namesakes is this and their faults, together."
    )
    return [shared, *([apart] if any(method.as_published for method in profile.all_methods) else [])]


def _short_segments(profile: Profile) -> list[str]:
    settings, seconds = profile.questions, profile.data.segment_seconds
    if not settings.are_generated or seconds >= settings.rhythm_seconds:
        return []
    return [
        f"A segment has {seconds:g} s. Rhythms that take longer to tell are not asked about "
        f"({', '.join(RHYTHMS_OVER_SECONDS)}), nor is sinus rhythm where one of its fast, slow or irregular forms was "
        f"found; from {settings.rhythm_seconds:g} s on they would be."
    ]


def _questions(profile: Profile) -> str:
    settings = profile.questions
    generated = "Questions are generated in ECG-QA's style from labels; they are not ECG-QA."
    dealt = f"ECG-QA's ({settings.ecgqa_version}), dealt to the splits by the patient of their record."
    reports = (
        f" {settings.reports} training records are asked for their reports too, and test records in proportion."
        if settings.reports
        else ""
    )
    return {
        "generated": generated,
        "ecg-chat": "Questions are ECG-Chat's, dealt to the splits by the patient of their record.",
        "ecg-qa": f"Questions are {dealt}",
        "generated+ecg-qa": f"{generated} Beside them stand some of {dealt}",
        "files": "Questions are the user's own, dealt to the splits by the patient of their record.",
    }[settings.source] + reports


def _seeds(profile: Profile) -> str:
    number = len(profile.training_seeds)
    return "one training run" if number == 1 else f"{number} training runs"
