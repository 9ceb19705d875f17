"""What a step is made of: the code that its modules reach by imports, down to the kernels' headers.

From a module lead its imports, also those within functions, the ``__init__`` of every package on the way, from a kernel
(``ecgbyte._ext``) its ``cimport``s, includes and C headers. Imports that are for type checkers alone lead nowhere.
Comments, docstrings and blank space do not count, see `experiments.steps.code_text`; of what others wrote the versions
count, of Python its major and minor version.

Nothing is imported here to find that out, and what a module names as text (``importlib.import_module``) is not seen: a
step whose code is chosen by name gives that module, too.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ecgbyte.files import fingerprint
from experiments.steps.code_text import Text, c_text, cython_text, python_text

OWN_PACKAGES = ("ecgbyte", "experiments")
KERNELS = "ecgbyte._ext"
# Kernels name each other by the folder that they are built from.
_KERNEL_FOLDER = "_ext"
# Distributions that are not called as what is imported from them, of those that the project needs.
_DISTRIBUTIONS = {"pywt": "PyWavelets", "PIL": "pillow", "sklearn": "scikit-learn", "google": "protobuf"}
# They show progress and lock folders; which Cython is installed says nothing of what built the kernels.
_WITHOUT_PART = frozenset({"tqdm", "filelock", "cython", "Cython"})


@dataclass(frozen=True)
class Reached:
    """What modules reach by imports.

    Attributes
    ----------
    texts : mapping of str to str
        From the name of each module, and each file of a kernel, to a fingerprint of what counts of it.
    packages : frozenset of str
        What they import of others, by top-level name; Python's own modules aside.
    """

    texts: Mapping[str, str]
    packages: frozenset[str]


class Sources:
    """Where the sources of packages lie.

    Parameters
    ----------
    folders : mapping of str to Path
        From a package's name to its folder, or from a module's to its file; a package within another may lie
        elsewhere.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.folders = dict(folders)
        self._texts: dict[Path, Text] = {}

    def reach(self, *modules: str) -> Reached:
        """All that `modules` lead to.

        Raises
        ------
        ValueError
            If one of `modules`, or a kernel or header that is named on the way, has no source here.
        """
        for module in modules:
            if self._files(module) == ():
                raise ValueError(f"modules: there is no source of {module!r}")
        found: dict[str, str] = {}
        packages: set[str] = set()
        waiting = list(modules)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            top = name.partition(".")[0]
            if not self._is_own(top):
                packages.add(top)
                continue
            files = self._files(name)
            if not files:
                # ``from package import name``: a name, not a module. Its package is reached by itself.
                continue
            texts = [self._text(name, path) for path in files]
            found[name] = fingerprint(*(text.content for text in texts))
            waiting += [_parent(name)] if "." in name else []
            for text in texts:
                waiting += text.leads_to
        return Reached(found, frozenset(packages - set(sys.stdlib_module_names)))

    def _is_own(self, top: str) -> bool:
        return any(package.partition(".")[0] == top for package in self.folders)

    def _files(self, name: str) -> tuple[Path, ...]:
        """The files of a module: one, or a kernel with its declarations; a header is named ``KERNELS/file.h``."""
        if name.startswith(f"{KERNELS}/"):
            path = self.folders[KERNELS] / name.removeprefix(f"{KERNELS}/")
            return (path,) if path.is_file() else ()
        package = max((own for own in self.folders if f"{name}.".startswith(f"{own}.")), key=len, default=None)
        if package is None:
            return ()
        inner = name.removeprefix(package).strip(".").replace(".", "/")
        place = self.folders[package] / inner
        if self.folders[package].is_file():
            return () if inner else (place,)
        if (place / "__init__.py").is_file():
            return (place / "__init__.py",)
        candidates = [place.parent / f"{place.name}{end}" for end in (".py", ".pyx", ".pxd")] if inner else []
        return tuple(path for path in candidates if path.is_file())

    def _text(self, name: str, path: Path) -> Text:
        if path not in self._texts:
            content = path.read_text(encoding="utf-8")
            if path.suffix == ".py":
                package = name if path.name == "__init__.py" else _parent(name)
                text = python_text(content, str(path), package)
            else:
                text = (cython_text if path.suffix in (".pyx", ".pxd", ".pxi") else c_text)(content)
                text = Text(text.content, frozenset(map(self._kernel_name, text.leads_to)))
            self._texts[path] = text
        return self._texts[path]

    def _kernel_name(self, name: str) -> str:
        """What a kernel's file calls a module or a file, by the names used here."""
        if "/" in name:
            file = f"{KERNELS}/{name.removeprefix('./')}"
            # A string may look like a header's name; C's own headers stand in angle brackets and do not come here.
            return file if self._files(file) else KERNELS
        if name.partition(".")[0] == _KERNEL_FOLDER:
            return f"{KERNELS}{name.removeprefix(_KERNEL_FOLDER)}"
        # Cython's own declarations of C and Python.
        return "cython" if name.partition(".")[0] in ("libc", "cpython", "libcpp") else name


def _parent(name: str) -> str:
    return name.rpartition("/" if "/" in name else ".")[0]


def code_identity(*modules: str) -> str:
    """Identifies the code of a step, read once a process: rows name the code that their steps were named by.

    Parameters
    ----------
    *modules : str
        The modules that do the step, such as ``"experiments.steps.tokens"``.

    Returns
    -------
    str
        ``"sha256:"`` and 16 hexadecimal digits.

    Raises
    ------
    ValueError
        If a module has no source.
    """
    return _identity(tuple(sorted(set(modules))))


@functools.cache
def _identity(modules: tuple[str, ...]) -> str:
    own = {module.partition(".")[0] for module in modules} | set(OWN_PACKAGES)
    return identity_of(_installed(frozenset(own)).reach(*modules))


def identity_of(reached: Reached) -> str:
    """One fingerprint of what was reached, with the versions of what others wrote, and Python's."""
    texts = (part for name in sorted(reached.texts) for part in (name, reached.texts[name]))
    return fingerprint(*texts, *versions_of(reached.packages), f"python {sys.version_info[0]}.{sys.version_info[1]}")


def versions_of(packages: frozenset[str]) -> tuple[str, ...]:
    """Name and version of each package that is imported, sorted; of one that is not installed it says so."""
    return tuple(f"{name} {_version(name)}" for name in sorted(packages - _WITHOUT_PART))


@functools.cache
def _version(package: str) -> str:
    try:
        return metadata.version(_DISTRIBUTIONS.get(package, package))
    except metadata.PackageNotFoundError:
        found = metadata.packages_distributions().get(package, [])
        return " ".join(sorted(f"{name} {metadata.version(name)}" for name in found)) or "not installed"


@functools.cache
def _installed(packages: frozenset[str]) -> Sources:
    """The sources of packages as Python finds them, without importing them."""
    folders = {}
    for package in sorted(packages | {KERNELS}):
        spec = importlib.util.find_spec(package)
        if spec is None or not (spec.submodule_search_locations or spec.origin):
            raise ValueError(f"modules: there is no package {package!r}")
        places = list(spec.submodule_search_locations or [])
        folders[package] = Path(places[0]) if places else Path(str(spec.origin))
    return Sources(folders)
