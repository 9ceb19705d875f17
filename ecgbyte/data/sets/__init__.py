"""Data sets on disk: where their records lie, their patients, folds, findings and reports."""
