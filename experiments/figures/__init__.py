"""Figures, drawn from rows and from what the runs kept of single ECGs."""
