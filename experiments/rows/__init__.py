"""Measured values, one a row, and what they are computed from."""
