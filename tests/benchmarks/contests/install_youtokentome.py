"""Install youtokentome 1.0.6, a peer that builds with Cython below 3 only, without changing this environment's Cython.

Its wheel is built in an environment of its own. Where that fails the peer's rows are skipped, so failing is no error.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

VERSION = "1.0.6"


def main() -> None:
    if importlib.util.find_spec("youtokentome") is not None:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        wheels = folder / "wheels"
        building = [str(python), "-m", "pip", "--quiet"]
        commands = [
            [*building, "install", "setuptools<70", "wheel", "cython<3"],
            [*building, "wheel", "--no-build-isolation", "--no-deps", "-w", str(wheels), f"youtokentome=={VERSION}"],
        ]
        for command in commands:
            if subprocess.run(command, check=False).returncode != 0:
                print("youtokentome could not be built: its benchmarks will be skipped")
                return
        files = [str(wheel) for wheel in wheels.glob("*.whl")]
        subprocess.run([sys.executable, "-m", "pip", "--quiet", "install", *files], check=True)


if __name__ == "__main__":
    main()
