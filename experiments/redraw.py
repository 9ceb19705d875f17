"""Make tables, figures and reports again from what a run left: ``python -m experiments.redraw results/default``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from experiments.report.drawing import draw_results
from experiments.report.whole_folder import replaced_folder


def main(arguments: list[str] | None = None) -> int:
    """Redraw the folders named on the command line; 2 where one cannot be read or written."""
    parser = argparse.ArgumentParser(prog="python -m experiments.redraw", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="such as results/default")
    try:
        for folder in parser.parse_args(arguments).folders:
            if not folder.is_dir():
                raise FileNotFoundError(f"folders: there is no folder {folder}")
            # Beside the folder, so that what lies there stays whole if this stops.
            with replaced_folder(folder, made_again=()) as beside:
                draw_results(folder, beside)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
