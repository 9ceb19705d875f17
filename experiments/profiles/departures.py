"""In what methods differ from what was published, one sentence each, from the profile."""

from __future__ import annotations

from typing import Any


def keeps_faults(profile: Any) -> str:
    """Of two-stage methods named ``-as-published``."""
    return (
        "Methods named `-as-published` keep those published faults with which something can be trained: padding "
        f"stays in the labels (padded to {profile.as_published.padded_length} positions; published: 1,024), the "
        "vision transformer sees a random 75 % mask at test time, the layers that join CLIP and ViT are not trained, "
        "pictures are scaled by each record's own range, and equal reports are wrong pairs of each other in stage 1. "
        "The published code itself stops with errors and cannot be run."
    )


def keeps_faults_of_tokens(profile: Any) -> str:
    """Of the one that reads tokens."""
    settings = profile.as_published
    return (
        "`ecg-byte-as-published` is trained as the published code trains: rows of ECG tokens start at the "
        "mean of the text's and stay frozen, tokens cross leads, ECG tokens compete in the softmax of answers, Adam "
        f"with Noam's schedule (peak 9.9e-4, {settings.warmup_steps} steps of warm-up; published: 500), an ECG is cut "
        "from its end to make room for question and answer, and every question is padded to "
        f"{settings.tokens_padded_length} positions (published: 1,024), which its labels leave out."
    )


def without_pretraining(_: Any) -> str:
    """Of methods whose encoder has no stage 1."""
    return (
        "Methods without pretraining (`-from-scratch`, `linear-patches`) are this project's: the same encoders, or "
        "one linear layer, trained together with the language model."
    )


def with_random_encoder(_: Any) -> str:
    """Of methods whose encoder stays as it was drawn."""
    return (
        "Methods with a random encoder (`-random`) are this project's: the two-stage method with an encoder that "
        "nothing has trained, frozen as it was drawn; where it normalises over batches, statistics of training records "
        "take the place of those that pretraining would have found."
    )


def linear_reader(_: Any) -> str:
    """Of counts of tokens."""
    return (
        "The method `token-counts` is this project's: ridge regressions on how often each token occurs in each lead, "
        "one for each thing that training questions say of an ECG; no language model."
    )


def untrained(_: Any) -> str:
    """Of the model before its first step."""
    return "The method `untrained` is this project's: the model of `ecg-byte` before its first step."


def control(_: Any) -> str:
    """Of those that see no ECG."""
    return (
        "The methods `text-only`, `most-frequent` and `nearest-question` are this project's controls: the same "
        "language model trained on the questions alone, and two rules that train nothing."
    )


def plus(profile: Any) -> str:
    """Of the one that does what ``[plus]`` says."""
    parts = profile.plus.in_words() or ["nothing"]
    return f"The method `ecg-byte-plus` is this project's: `ecg-byte` and, in the same stage, {', '.join(parts)}."
