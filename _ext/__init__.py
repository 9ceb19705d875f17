"""The compiled kernels; their Python faces are ecgbyte.symbols and ecgbyte.bpe."""
