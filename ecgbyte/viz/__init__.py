"""Tokens shown on ECG paper: `plot_tokens` draws a picture, `token_page` writes a page that a reader can question.

Both need the extra ``viz`` (``pip install 'ecgbyte[viz]'``): matplotlib for pictures, jinja2 for pages. They are
loaded when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecgbyte.viz.page import token_page
    from ecgbyte.viz.picture import plot_tokens
    from ecgbyte.viz.printout import filter_line

_HOMES = {
    "filter_line": "ecgbyte.viz.printout",
    "plot_tokens": "ecgbyte.viz.picture",
    "token_page": "ecgbyte.viz.page",
}

__all__ = ["filter_line", "plot_tokens", "token_page"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ecgbyte.viz' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
