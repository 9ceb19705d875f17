"""Measures of generated answers, with intervals."""
