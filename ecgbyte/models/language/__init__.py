"""Language models, and what is added to their vocabulary for ECGs."""
