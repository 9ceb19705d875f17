"""Language models that read ECGs: end to end on tokens, and in two stages on an encoder's features."""
