"""A step is made of the code that its modules reach: no more, no less; tried on a copy of the sources."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from experiments.profiles.encoders import ENCODERS
from experiments.profiles.entries import module_of
from experiments.profiles.methods import METHODS
from experiments.steps import code_identity as code_identity_module
from experiments.steps.code_identity import KERNELS, Sources, code_identity, identity_of, versions_of
from experiments.steps.code_text import c_text, cython_text, python_text
from experiments.steps.work_folder import ROOT

SEGMENTS, TOKENIZER, TOKENS = (f"experiments.steps.{name}" for name in ("segments", "tokenizer_training", "tokens"))
LEARNING, MERL, VIT = "experiments.steps.learning", "experiments.steps.encoders.merl", "experiments.steps.encoders.vit"
STEPS = (
    *(SEGMENTS, TOKENIZER, TOKENS, LEARNING),
    *(f"experiments.steps.{name}" for name in ("questions", "token_measures", "answering", "timing", "attention")),
    *("experiments.steps.trivial", "experiments.steps.transfer_questions"),
    *("experiments.steps.encoders.stage_one", "experiments.steps.encoders.features"),
    *(encoder.module for encoder in ENCODERS.values()),
    *sorted({module_of(method.reader) for method in METHODS.values() if method.reader}),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sources")
    for name in ("ecgbyte", "experiments", "_ext"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    return root


def sources(root: Path) -> Sources:
    return Sources({"ecgbyte": root / "ecgbyte", KERNELS: root / "_ext", "experiments": root / "experiments"})


def identities_of(found: Sources, modules: tuple[str, ...]) -> list[str]:
    return [identity_of(found.reach(module)) for module in modules]


# What is on the disk is read once: these are the sources as they are.
UNCHANGED = sources(ROOT)


def changed(root: Path, file: str, old: str, new: str, *modules: str) -> list[bool]:
    """Of each module, whether its identity is another after a change."""
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r}"
    before = identities_of(UNCHANGED, modules)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        after = identities_of(sources(root), modules)
        return [now != known for now, known in zip(after, before, strict=True)]
    finally:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("ecgbyte/signals/preprocess.py", "NOTCH_QUALITY = 30.0", "NOTCH_QUALITY = 30.0  # as before"),
        ("ecgbyte/signals/preprocess.py", "NOTCH_QUALITY = 30.0", "\n\nNOTCH_QUALITY = 30.0"),
        ("ecgbyte/signals/preprocess.py", '"""The preprocessing chain with', '"""A chain with'),
        ("experiments/steps/segments.py", '"""First step of a run', '"""Step one of a run'),
        ("_ext/lead_lanes.h", "#include <math.h>", "/* said\nhere */ #include   <math.h>  // twice"),
        ("_ext/zero_phase.pyx", "cdef extern from *:", "# C code\n\ncdef extern from *:"),
    ],
)
def test_comments_docstrings_and_blank_space_change_nothing(copy: Path, file: str, old: str, new: str) -> None:
    assert changed(copy, file, old, new, SEGMENTS) == [False]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        # What all go through.
        ("ecgbyte/signals/preprocess.py", "FILTER_ORDER = 4", "FILTER_ORDER = 5", (True, True, True)),
        ("experiments/steps/segments.py", "for number, (name", "for place, (name", (True, True, True)),
        # Kernels and their headers, by way of cimport, extern and a header that a macro names.
        ("_ext/pair_heap.pxd", "realloc", "malloc", (False, True, False)),
        ("_ext/byte_passes.h", "#include <stdint.h>", "#include <stdlib.h>", (False, True, False)),
        ("_ext/zero_phase_loops.h", "{", "{ ;", (True, True, True)),
        ("_ext/merge_joining.pxd", "memmove", "memcpy", (False, True, False)),
        # The training loop is no part of preprocessing and tokens.
        ("ecgbyte/training/loop.py", "import", "import os\nimport", (False, False, True)),
        # No step uses the command line, or what measures answers.
        ("ecgbyte/cli/encode.py", "import", "import os\nimport", (False, False, False)),
        ("ecgbyte/metrics/quality.py", "import", "import os\nimport", (False, False, False)),
        ("experiments/rows/maker.py", "import", "import os\nimport", (False, False, False)),
        ("experiments/steps/study.py", "import", "import os\nimport", (False, False, False)),
    ],
)
def test_a_change_counts_where_it_is_reached(
    copy: Path, file: str, old: str, new: str, expected: tuple[bool, ...]
) -> None:
    if new.startswith("import os"):
        # Not within the text of the docstring.
        old, new = "from __future__ import annotations", "from __future__ import annotations\n\nimport os"
    assert changed(copy, file, old, new, SEGMENTS, TOKENIZER, LEARNING) == list(expected)


def test_an_encoder_is_no_part_of_another(copy: Path) -> None:
    file = "experiments/steps/encoders/vit.py"
    assert changed(copy, file, 'NAME = "vit"', 'NAME = "vit2"', MERL, VIT) == [False, True]


def test_every_kernel_file_is_reached_by_some_step() -> None:
    reached = UNCHANGED.reach(*STEPS).texts
    files = {path.name for path in (ROOT / "_ext").iterdir() if path.suffix in (".pyx", ".pxd", ".h")}
    named = {name.removeprefix(f"{KERNELS}/") for name in reached if name.startswith(f"{KERNELS}/")}
    modules = {name.removeprefix(f"{KERNELS}.") for name in reached if name.startswith(f"{KERNELS}.")}
    assert {file for file in files if file not in named and Path(file).stem not in modules} == set()
    assert len(files) > 40


def test_steps_reach_no_later_wing_and_no_wiring() -> None:
    own = {name for name in UNCHANGED.reach(*STEPS).texts if name.startswith("experiments.")}
    wings = {name.split(".")[1] for name in own}
    assert wings == {"steps", "profiles"}
    wiring = {"study", "encoder_tasks", "method_runs", "transfer", "work_folder", "code_identity"}
    assert not own & {f"experiments.steps.{name}" for name in wiring}
    assert {name for name in own if name.startswith("experiments.profiles.")} == {"experiments.profiles.faults"}
    # Only the steps of tokens reach how tokens are read.
    assert not any(".readers.tokens" in name for name in UNCHANGED.reach(LEARNING).texts)


def test_the_code_of_installed_sources_is_read_once() -> None:
    assert code_identity(SEGMENTS, TOKENS) == code_identity(TOKENS, SEGMENTS, TOKENS)
    assert code_identity(SEGMENTS) != code_identity(TOKENS)
    with pytest.raises(ValueError, match=r"there is no source of 'experiments\.steps\.nothing'"):
        code_identity("experiments.steps.nothing")


def test_versions_of_others_count_and_progress_bars_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = UNCHANGED.reach(LEARNING).packages
    assert {"torch", "transformers", "numpy", "peft"} <= packages
    versions = versions_of(packages | {"tqdm", "no_such_package"})
    assert "no_such_package not installed" in versions
    assert not any(version.startswith("tqdm") for version in versions)
    before = identities_of(UNCHANGED, (LEARNING,))
    monkeypatch.setattr(code_identity_module, "_version", lambda package: "99.0")
    assert identities_of(UNCHANGED, (LEARNING,)) != before


def test_a_module_of_ones_own_counts_with_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "alone.py").write_text("import other_set\nVALUE = 1\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "parts.py").write_text("SIZE = 1\n")
    (tmp_path / "mine" / "set.py").write_text("from . import parts\nfrom .parts import SIZE\n")
    found = Sources({"mine": tmp_path / "mine", "alone": tmp_path / "alone.py"})
    assert set(found.reach("mine.set").texts) == {"mine", "mine.set", "mine.parts"}
    assert set(found.reach("alone").texts) == {"alone"} and found.reach("alone").packages == {"other_set"}


def test_python_is_reduced_to_what_it_says() -> None:
    plain = "import a.b\nfrom c import d\n\ndef f(x):\n    from e import g\n    return 'text # kept'\n"
    same = (
        '"""Says."""\nimport a.b  # why\nfrom c import d\n\n\ndef f(x):\n    """Does."""\n    from e import g\n\n'
        '    return "text # kept"\n'
    )
    checked = plain.replace("from c", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import h\nfrom c")
    text = python_text(plain, "a.py", "package")
    assert python_text(same, "a.py", "package") == text
    assert text.leads_to == {"a.b", "c", "c.d", "e", "e.g"}
    assert "h" not in python_text(checked, "a.py", "package").leads_to
    assert python_text(plain.replace("kept", "lost"), "a.py", "package").content != text.content
    relative = python_text("from . import x\nfrom ..y import z\n", "a.py", "package.inner").leads_to
    assert relative == {"package.inner", "package.inner.x", "package.y", "package.y.z"}
    with pytest.raises(ValueError, match=r"a\.py: not valid Python"):
        python_text("def", "a.py", "package")


def test_cython_and_c_are_reduced_to_what_they_say() -> None:
    source = (
        '"""Doc."""\nfrom _ext.heap cimport (\n    push,  # a\n    pop,\n)\ncimport _ext.table\ninclude "part.pxi"\n'
        'cdef extern from "loops.h" nogil:\n    int run(char *text)\ncdef extern from *:\n    """\n'
        '    /* why */ #define LOOPS "inner.h"\n    #include "outer.h"\n    """\n    int go()\n\n'
        'def f():\n    """Does."""\n    return "# kept /* too */"\n'
    )
    text = cython_text(source)
    assert text.leads_to >= {"_ext.heap", "_ext.heap.push", "_ext.table", "./part.pxi", "./loops.h", "./inner.h"}
    assert "./outer.h" in text.leads_to
    assert "Doc." not in text.content and "why" not in text.content and "# kept /* too */" in text.content
    assert cython_text(source.replace("Doc.", "Other.").replace("  # a", "").replace("/* why */", "")).content == (
        text.content
    )
    assert cython_text(source.replace("outer.h", "under.h")).content != text.content
    assert cython_text(source.replace("    return", "  return")).content != text.content
    assert c_text('a  =  "x /* y */"; // z\n\n').content == 'a = "x /* y */";'
    assert c_text("a = 1;").content != c_text("a = 11;").content
    assert c_text("int a;").content != c_text("inta;").content
