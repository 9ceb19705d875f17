"""Where a run differs from what was published, in words."""

from __future__ import annotations

from experiments.profiles.methods import METHODS
from experiments.profiles.profile import Profile


def deviations(profile: Profile) -> list[str]:
    """Where a run of `profile` differs from the paper's setting, in words."""
    model = profile.model
    training = profile.training
    differences = [
        _questions(profile),
        "Splits are by patient (folds 1-8, 9, 10); the published ones are by question.",
        f"The range ({profile.tokenizer.amplitude_range}) is that of all training records, not of the first 100,000 "
        f"values; no token crosses a {profile.tokenizer.boundary}; matching is {profile.tokenizer.matching!r}.",
        f"The tokenizer learns from the training split alone, segments of {profile.data.segment_seconds:g} s "
        "(published: 200,000 MIMIC-IV ECGs of 10 s).",
        "Wavelet level 4 is for 500 Hz; at lower rates the level falls with the rate, so that the heartbeat survives.",
        f"Padding is masked in the labels, except where a method is named as published. {training.optimizer}, "
        f"{training.schedule} schedule as declared, peak {training.learning_rate:g}, {training.batch_size} segments a "
        "step, gradients clipped (published: Adam, Noam schedule with peak 9.9e-4).",
        f"Answers have at most {profile.evaluation.max_new_tokens} tokens (published: 128). BLEU-4 is of the corpus; "
        "the published mean of smoothed sentences stands beside it.",
        f"Intervals are over patients and {_seeds(profile)} (published: one checkpoint, decoded five times).",
    ]
    if profile.data.sampling_rate != 500:
        differences.append(
            f"Records come at {profile.data.sampling_rate} Hz (published: 500) and are brought to 250 Hz; they hold "
            f"nothing above {profile.data.sampling_rate / 2:g} Hz."
        )
    if profile.data.dataset == "synthetic":
        differences.insert(
            0, "The ECGs are synthetic, from this project's generator; their labels are true by construction."
        )
    if model.name == "tiny":
        differences.append(
            f"The language model is a Llama, {model.layers} layers, {model.hidden_size} wide, trained from scratch in "
            "full; the published one is Llama-3.2-1B with LoRA. "
            f"ECG token rows start as {model.initialisation!r} and are trained; the published ones stay frozen."
        )
    else:
        rows = "trained" if model.train_embeddings or not model.lora else "frozen"
        differences.append(
            f"The language model is {model.name} ({'LoRA' if model.lora else 'trained in full'}); ECG token rows start "
            f"as {model.initialisation!r} and are {rows} (published: Llama-3.2-1B with LoRA, rows frozen)."
        )
    for name in ("merl", "vit", "clip"):
        if any(METHODS[method].reads == "features" and name in METHODS[method].encoder for method in profile.methods):
            encoder = profile.encoder(name)
            differences.append(
                f"Stage 1 of {name} sees the profile's own training records"
                + ("" if name == "vit" else " and their reports")
                + f", {encoder.epochs} epochs; size {encoder.size!r}"
                + ("" if name == "vit" else f", text encoder {encoder.text_encoder!r}")
                + " (published: MIMIC-IV-ECG, 20 epochs, "
                + {"merl": "ResNet101 and MedCPT", "vit": "ViT-B/16", "clip": "CLIP ViT-B/32"}[name]
                + ")."
            )
    with_faults = any(METHODS[method].as_published for method in profile.methods)
    if with_faults:
        differences.append(
            "Methods named `-as-published` keep those published faults with which something can be trained: padding "
            f"stays in the labels (padded to {profile.as_published.padded_length} positions; published: 1,024), the "
            "vision transformer sees a random 75 % mask at test time, and the layers that join CLIP and ViT are not "
            "trained. The published code itself stops with errors and cannot be run."
        )
    if any(METHODS[method].reads == "signals" for method in profile.methods):
        differences.append(
            "Methods without pretraining (`-from-scratch`, `linear-patches`) are this project's: the same encoders, or "
            "one linear layer, trained together with the language model."
        )
    if "text-only" in profile.methods:
        differences.append(
            "The methods `text-only`, `most-frequent` and `nearest-question` are this project's controls: the same "
            "language model trained on the questions alone, and two rules that train nothing."
        )
    if profile.training.questions_per_segment > 1:
        differences.append(
            f"In training up to {profile.training.questions_per_segment} questions about one segment share its "
            "positions; but for dropout, loss and gradients are those of the questions apart. Training times under "
            "padding `shared` are of this; those under `none` and a fixed length are of questions apart, timed for "
            "some steps and projected."
        )
        if with_faults:
            differences.append(
                "Methods named `-as-published` take questions apart, about as many a step but of more segments. What "
                "sets them apart from their namesakes is this and their faults, together."
            )
    return differences


def _questions(profile: Profile) -> str:
    settings = profile.questions
    generated = "Questions are generated in ECG-QA's style from labels; they are not ECG-QA."
    if settings.source == "generated":
        return generated
    if settings.source == "ecg-chat":
        return "Questions are ECG-Chat's, dealt to the splits by the patient of their record."
    dealt = f"ECG-QA's ({settings.ecgqa_version}), dealt to the splits by the patient of their record."
    if settings.source == "ecg-qa":
        return f"Questions are {dealt}"
    return f"{generated} Beside them stand some of {dealt}"


def _seeds(profile: Profile) -> str:
    number = len(profile.training_seeds)
    return "one training run" if number == 1 else f"{number} training runs"
