"""Build the Cython kernels of ``_ext/`` as the subpackage ``ecgbyte._ext``; all else is in pyproject.toml."""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

# ECGBYTE_CHECKED=1 builds with every run-time check on, for the checked test run of CONTRIBUTING.md.
CHECKED = os.environ.get("ECGBYTE_CHECKED") == "1"

compile_arguments = (
    ["/O2"] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
)

directives = {
    "language_level": 3,
    "boundscheck": CHECKED,
    "wraparound": False,
    "initializedcheck": CHECKED,
    "cdivision": True,
    "embedsignature": True,
    "freethreading_compatible": True,
}

extensions = [
    Extension(
        f"ecgbyte._ext.{source.stem}",
        [source.as_posix()],
        extra_compile_args=compile_arguments,
        include_dirs=["_ext"],
        depends=[header.as_posix() for header in sorted(Path("_ext").glob("*.h"))],
    )
    for source in sorted(Path("_ext").glob("*.pyx"))
]

setup(
    packages=[*find_packages(include=["ecgbyte", "ecgbyte.*"]), "ecgbyte._ext"],
    package_dir={"ecgbyte._ext": "_ext"},
    package_data={
        "ecgbyte": ["py.typed"],
        "ecgbyte.pretrained": ["*.md", "*/*.json", "*/*.md"],
        "ecgbyte.data.sets.described": ["*.toml"],
        "ecgbyte._ext": ["*.pxd", "*.pyx", "*.h"],
        "ecgbyte.viz": ["templates/*", "scripts/*"],
    },
    ext_modules=cythonize(extensions, compiler_directives=directives, build_dir="build/cython"),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
