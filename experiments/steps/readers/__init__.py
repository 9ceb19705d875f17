"""The readers: how the methods of one family see an ECG, and how their language model is built; one module a family."""
