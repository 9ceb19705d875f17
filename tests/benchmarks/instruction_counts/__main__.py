"""``python -m tests.benchmarks.instruction_counts``."""

import sys

from tests.benchmarks.instruction_counts.counting import main

sys.exit(main())
