"""Tokenizers that come with this package, each in a folder with its card, and the scripts that made them."""
