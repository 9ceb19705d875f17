"""Data sets of ECGs, the questions asked about them, and how they are split."""
