"""What is done once and kept: data, tokenizers, encoders, training, answers."""
