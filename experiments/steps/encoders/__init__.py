"""The ECG encoders: stage 1, features, and what is trained together with the language model; one module an encoder."""
