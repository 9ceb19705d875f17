"""Faults of the published code that methods can keep, by name: those with which something can be trained."""

from __future__ import annotations

PADDING_IN_LABELS = "padding-in-labels"
"""Every question is computed apart, padded to a fixed length, and the padding counts in the labels."""
MASK_AT_TEST_TIME = "mask-at-test-time"
"""The vision transformer sees pictures of which a random 75 % are masked, also when it answers."""
UNTRAINED_FUSION = "untrained-fusion"
"""What joins the features of two encoders, and what leads from them to the language model, is never trained."""
FAULTS = (PADDING_IN_LABELS, MASK_AT_TEST_TIME, UNTRAINED_FUSION)
