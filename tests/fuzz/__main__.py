"""``python -m tests.fuzz``: kernels against slow Python and every reader against damaged files, for some time.

With atheris (``tox -e fuzz`` installs it) inputs are guided by what they reach; without it, or with ``--plain``, good
inputs are changed at random. An input that goes wrong is kept in tests/fuzz/crashes/TARGET: mend what it shows and
commit it, and it is a test.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.fuzz.kernels import COMPARED
from tests.fuzz.mutation import fuzz
from tests.fuzz.targets import CRASHES, TARGETS, crashes, seeds

_LONGEST_SECONDS = 20  # for one input
_MOST_MEGABYTES = 4096
_LONGEST_INPUT = 1 << 16


def main() -> int:
    """Fuzz what is asked for.

    Returns
    -------
    int
        0 where nothing went wrong, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"some of {', '.join(TARGETS)} (default: all)")
    parser.add_argument(
        "--seconds", type=float, default=60, metavar="S", help="for all together (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is tried (default: %(default)s)")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    options = parser.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"TARGET: got {unknown[0]!r}, expected some of {', '.join(TARGETS)}")
    names = options.targets or list(TARGETS)
    guided = not options.plain and importlib.util.find_spec("atheris") is not None
    how = "guided by atheris" if guided else "not guided"
    print(f"{options.seconds:g} s for {len(names)} targets, {how}, seed {options.seed}")
    wrong = 0
    for name in names:
        run = _guided if guided else _plain
        told, failed = run(name, max(1, options.seconds / len(names)), options.seed)
        print(f"{name}: {told}{', WRONG' if failed else ''}", flush=True)
        wrong += failed
    if COMPARED:
        told = ", ".join(f"{number:,} {kind}" for kind, number in sorted(COMPARED.items()))
        print(f"compared with slow Python without a difference: {told}")
    return 1 if wrong else 0


def _inputs(name: str) -> list[bytes]:
    return [*seeds(name), *(path.read_bytes() for path in crashes(name))]


def _plain(name: str, seconds: float, seed: int) -> tuple[str, bool]:
    tried, failed = fuzz(TARGETS[name], _inputs(name), seconds=seconds, seed=seed)
    if failed is not None:
        place = CRASHES / name / hashlib.sha256(failed).hexdigest()[:16]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(failed)
        return f"{tried} inputs, the last is kept in {place}", True
    return f"{tried} inputs", False


def _guided(name: str, seconds: float, seed: int) -> tuple[str, bool]:
    with tempfile.TemporaryDirectory(prefix="ecgbyte-fuzz-") as folder:
        corpus, totals = Path(folder) / "corpus", Path(folder) / "totals.json"
        corpus.mkdir()
        for data in _inputs(name):
            (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        (CRASHES / name).mkdir(parents=True, exist_ok=True)
        limits = {
            "max_total_time": max(1, round(seconds)),
            "seed": seed + 1,  # 0 would be a seed of the clock
            "timeout": _LONGEST_SECONDS,
            "rss_limit_mb": _MOST_MEGABYTES,
            "max_len": _LONGEST_INPUT,
            "artifact_prefix": f"{CRASHES / name}/",
        }
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.guided",
            name,
            str(totals),
            str(corpus),
            *(f"-{key}={value}" for key, value in limits.items()),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if totals.exists():
            COMPARED.update(Counter(json.loads(totals.read_text())))
    if not any((CRASHES / name).iterdir()):
        (CRASHES / name).rmdir()
    lines = [line for line in done.stderr.splitlines() if line.startswith(("#", "Done"))]
    if done.returncode != 0:
        print(done.stdout[-3000:], done.stderr[-3000:], sep="\n")
    return lines[-1] if lines else f"exit {done.returncode}", done.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
