"""The published algorithms as ports of this project: compiled on demand for timing, and in plain Python as an oracle.

Source of the behaviour: github.com/willxxy/ECG-Byte, read as a description. Its Rust extension reaches 8.2 million
symbols a second on real ECGs of 30,000 symbols with 3,500 merges, 3 ms a call for conversion and trie included
(measured with the published code on an AMD Zen 5). The compiled port reaches 10 million there, since C++ hashes
integers more cheaply, so ratios against it are rather too low than too high.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

from ecgbyte.files import fingerprint
from ecgbyte.symbols import letters

HERE = Path(__file__).resolve().parent
BASE_TOKENS = 256

# What the published extension was measured to reach, see above.
PUBLISHED_SYMBOLS_PER_SECOND = 8.2e6


class CannotBuild(RuntimeError):
    """The compiled port cannot be had; the message says why."""


def compiled_port(cache: Path) -> ModuleType:
    """Build ``published_algorithm.pyx`` into `cache` unless it is there, and import it.

    Raises
    ------
    CannotBuild
        Without Cython, setuptools or a C++ compiler.
    """
    try:
        import Cython
        from Cython.Build import cythonize
        from setuptools import Distribution, Extension
        from setuptools.command.build_ext import build_ext
        from setuptools.errors import BaseError
    except ImportError as error:
        raise CannotBuild(f"the compiled port needs Cython and setuptools: {error}") from error
    sources = [HERE / "published_algorithm.pyx", HERE / "published_algorithm.h"]
    parts = [source.read_text(encoding="utf-8") for source in sources]
    key = fingerprint(*parts, Cython.__version__, sys.version).removeprefix("sha256:")
    folder = cache / f"published-algorithm-{key}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as building:
            for source in sources:
                shutil.copy(source, building)
            extension = Extension(
                "published_algorithm",
                [f"{building}/published_algorithm.pyx"],
                include_dirs=[building],
                language="c++",
                extra_compile_args=["/O2"] if sys.platform == "win32" else ["-O3", "-std=c++17"],
            )
            command = build_ext(Distribution({"ext_modules": cythonize([extension], quiet=True)}))
            command.build_lib, command.build_temp = f"{building}/lib", f"{building}/temp"
            command.ensure_finalized()
            try:
                command.run()
            except BaseError as error:
                raise CannotBuild(f"the compiled port needs a C++ compiler: {error}") from error
            Path(building, "lib").rename(folder)
    (file,) = folder.glob("published_algorithm.*")
    spec = importlib.util.spec_from_file_location("published_algorithm", file)
    if spec is None or spec.loader is None:
        raise CannotBuild(f"{file} is no extension module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def published_merges(token_strings: list[str], num_letters: int = 26) -> list[tuple[list[int], int]]:
    """A vocabulary in the form of the published extension: (the token's bytes, its id), letters left out."""
    return [
        (list(string.encode("ascii")), BASE_TOKENS + merge) for merge, string in enumerate(token_strings[num_letters:])
    ]


def from_published_ids(ids: list[int], num_letters: int = 26) -> np.ndarray:
    """Ids as published (bytes, merges from 256) in the numbering of ecgbyte (letters, merges from 26)."""
    numbers = np.array(ids, dtype=np.int32)
    return np.where(numbers < BASE_TOKENS, numbers - ord("a"), numbers - BASE_TOKENS + num_letters).astype(np.int32)


def symbolize_published(signal: np.ndarray, low: float, high: float) -> str:
    """One letter a sample, by a Python function mapped over the array."""
    alphabet = [chr(ord("a") + index) for index in range(26)]
    normalized = np.clip((signal.astype(np.float64) - low) / (high - low + 1e-6), 0, 1)
    quantized = np.minimum(np.floor(normalized * 26), 25).astype(np.uint8)
    return "".join(np.vectorize(lambda level: alphabet[level])(quantized).flatten())


def longest_match_in_python(token_strings: list[str]) -> Callable[[np.ndarray], np.ndarray]:
    """Greedy longest match with a trie of dictionaries, built once: an oracle, not a peer."""
    root: dict = {}
    for token, string in enumerate(token_strings):
        node = root
        for letter in string:
            node = node.setdefault(letter, {})
        node.setdefault("token", token)

    def encode(symbols: np.ndarray) -> np.ndarray:
        text = letters(symbols)
        ids, place = [], 0
        while place < len(text):
            node, best, end = root, -1, place
            for index in range(place, len(text)):
                if text[index] not in node:
                    break
                node = node[text[index]]
                if "token" in node:
                    best, end = node["token"], index + 1
            ids.append(best)
            place = end
        return np.array(ids, dtype=np.int32)

    return encode
