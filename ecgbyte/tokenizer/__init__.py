"""The ECG tokenizer and its file."""
