"""Sequences, batches, the training loop and generation."""
