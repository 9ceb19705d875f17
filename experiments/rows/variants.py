"""Runs with one setting changed: how they are named and sorted; and the measures of tokens, in order."""

from __future__ import annotations

BASE = "base"

TOKENIZER_METRICS = (
    "vocabulary-size",
    "compression",
    "tokens-per-record",
    "bits-per-sample-bound",
    "bits-per-sample-entropy",
    "used-tokens",
    "usage-entropy",
    "token-length-mean",
    "token-length-longest",
    "run-share",
    "reconstruction-rmse",
    "reconstruction-prd",
    "reconstruction-largest",
    "outside-range",
)


def split_variant(variant: str) -> tuple[str, str]:
    """``"tokenizer.num_merges=500"`` as the setting and its value; the unchanged run is ``("base", "")``."""
    if variant in ("", BASE):
        return BASE, ""
    setting, _, value = variant.partition("=")
    return setting, value


def variant_order(variant: str) -> tuple[object, ...]:
    """Sorts variants: the base, then by setting, numbers by size and before words."""
    setting, value = split_variant(variant)
    try:
        return setting != BASE, setting, False, float(value), value
    except ValueError:
        return setting != BASE, setting, True, 0.0, value
