"""Questions about ECGs and their answers: generated, or read from the files of published question sets."""
