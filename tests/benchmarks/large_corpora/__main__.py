"""``python -m tests.benchmarks.large_corpora``."""

from tests.benchmarks.large_corpora.command import main

main()
