"""The pages of docs/ and the examples in docstrings: what runs, runs; what is named, exists."""

from __future__ import annotations

import argparse
import doctest
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import ecgbyte
import ecgbyte.compat
import ecgbyte.hub
from ecgbyte.cli import build_parser

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
MODULES = [
    module.name
    for module in pkgutil.walk_packages(ecgbyte.__path__, "ecgbyte.")
    if "_ext" not in module.name and not module.name.endswith(("__main__", "make_ptb_xl"))
]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"{name} needs a package that is not installed: {error}")
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module):
        if test.examples:
            result = runner.run(test, clear_globs=False)
            assert result.failed == 0, test.name


def test_public_names_have_examples():
    with_example = set()
    for namespace in (ecgbyte, ecgbyte.hub, ecgbyte.compat):
        for name in namespace.__all__:
            item = getattr(namespace, name)
            texts = [item.__doc__ or ""]
            if isinstance(item, type):
                texts += [getattr(item, member).__doc__ or "" for member in dir(item) if not member.startswith("_")]
            if any(">>> " in text for text in texts):
                with_example.add(f"{namespace.__name__}.{name}")
    assert len(with_example) >= 15, sorted(with_example)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_on_the_pages_compiles_and_names_what_exists(page):
    for block in blocks(page, "python"):
        compile(block, str(page), "exec")
        for module, names in re.findall(r"^from (ecgbyte[\w.]*) import (.+)$", block, flags=re.MULTILINE):
            for name in names.split(","):
                assert hasattr(importlib.import_module(module), name.strip()), f"{module}.{name.strip()}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_on_the_pages_are_understood(page, capsys):
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            if not line.startswith("ecgbyte ") or "..." in line:
                continue
            arguments = shlex.split(line, comments=True)[1:]
            try:
                chosen = build_parser(arguments).parse_args(arguments)
            except SystemExit:
                pytest.fail(f"{page.name}: {line}\n{capsys.readouterr().err}")
            assert isinstance(chosen, argparse.Namespace)


def test_what_the_pages_call_files_is_there():
    for page in PAGES:
        for path in re.findall(r"`((?:docs|ecgbyte|tests)/[\w./-]+)`", page.read_text(encoding="utf-8")):
            assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_the_pages_build(tmp_path):
    for package in ("sphinx", "myst_parser", "furo", "numpydoc"):
        pytest.importorskip(package, reason=f"{package} is not installed (pip install '.[docs]')")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "-q", str(ROOT / "docs"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "api.html").read_text(encoding="utf-8")
    for name in ("ecgbyte.ECGTokenizer.from_published", "ecgbyte.compat.encode_text", "ecgbyte.read_record"):
        assert f'id="{name}"' in reference
