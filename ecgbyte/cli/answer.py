"""``ecgbyte answer``: questions about records to a trained model."""

from __future__ import annotations

from typing import Any


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``answer`` to the commands."""
    commands.add_parser("answer", help="ask a trained model about records", **format_options)
