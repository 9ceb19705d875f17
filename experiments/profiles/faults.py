"""Faults of the published code that methods can keep, by name: those with which something can be trained."""

from __future__ import annotations

PADDING_IN_LABELS = "padding-in-labels"
"""Every question is computed apart, padded to a fixed length, and the padding counts in the labels."""
MASK_AT_TEST_TIME = "mask-at-test-time"
"""The vision transformer sees pictures of which a random 75 % are masked, also when it answers."""
UNTRAINED_FUSION = "untrained-fusion"
"""What joins the features of two encoders, and what leads from them to the language model, is never trained."""
RECORD_NORMALISATION = "record-normalisation"
"""Pictures are scaled by each record's own least and greatest value, so that amplitude is lost."""
IDENTICAL_REPORTS = "identical-reports-apart"
"""In contrastive training a record whose report is the same, word for word, counts as a wrong pair."""
FROZEN_MEAN_ROWS = "frozen-mean-rows"
"""Rows of ECG tokens start at the mean of the text's rows, all but alike, and are never trained."""
TOKENS_ACROSS_LEADS = "tokens-across-leads"
"""Merges cross from one lead into the next."""
ALL_IDS_IN_ANSWERS = "all-ids-in-answers"
"""ECG tokens compete in the softmax of answers."""
NOAM_SCHEDULE = "noam-schedule"
"""Adam without clipping, Noam's schedule up to 9.9e-4, whatever learning rate is asked for."""
TRUNCATION = "published-truncation"
"""In training the ECG is cut from its end to leave room for question and answer; in answering it is not."""
FIXED_PADDING = "fixed-padding"
"""Every question is computed apart, padded to a fixed length; the padding is no label."""
FAULTS = (
    *(PADDING_IN_LABELS, MASK_AT_TEST_TIME, UNTRAINED_FUSION, RECORD_NORMALISATION, IDENTICAL_REPORTS),
    *(FROZEN_MEAN_ROWS, TOKENS_ACROSS_LEADS, ALL_IDS_IN_ANSWERS, NOAM_SCHEDULE, TRUNCATION, FIXED_PADDING),
)
PADDED = (PADDING_IN_LABELS, FIXED_PADDING)
"""Those with which every question is computed apart, padded to a fixed length."""
