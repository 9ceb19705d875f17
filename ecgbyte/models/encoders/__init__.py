"""Encoders of ECGs and of reports, from scratch or pretrained."""
