"""A browser for the tests of pages: the system's Chromium, driven by playwright, or a skip with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium on the path (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        # As root, as in a container, Chromium starts only without its sandbox; it opens nothing but these tests' files.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open HTML in a window of a width; the test fails where the page raises an error or asks for anything."""
    opened = []
    troubles: list[str] = []

    def open_html(html: str, width: int = 1300, height: int = 900) -> Any:
        path = tmp_path / f"page-{len(opened)}.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda message: message.type == "error" and troubles.append(f"console: {message.text}"))
        page.on("request", lambda request: request.url != path.as_uri() and troubles.append(f"asked for {request.url}"))
        opened.append(page)
        page.goto(path.as_uri())
        return page

    yield open_html
    for page in opened:
        page.close()
    assert troubles == []
