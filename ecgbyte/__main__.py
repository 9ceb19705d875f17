"""``python -m ecgbyte`` is the command ``ecgbyte``."""

from __future__ import annotations

import sys

from ecgbyte.cli import main

if __name__ == "__main__":
    sys.exit(main())
