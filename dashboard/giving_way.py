"""Giving way: what is imported in the background waits while somebody waits for a page.

Loading torch keeps Python busy for five seconds; a page opened meanwhile would take that long.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

REQUEST, PAGE = 0.5, 1.5
"""Seconds after a request, and of a page's script, for which others wait at most: a page may
itself wait for what they import."""
PATIENCE = 10.0
"""Seconds after which background work waits for nobody any more."""
STEP = 0.02
_pages: dict[int, float] = {}
_background: dict[int, Callable[[], bool]] = {}
_requested = float("-inf")


class Requests:
    """Middleware that sees every request of a browser."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        global _requested
        if not scope.get("path", "").endswith("/health"):
            _requested = time.monotonic()
        await self._app(scope, receive, send)


def is_busy() -> bool:
    """Whether somebody waits for a page, as far as that is to be considered."""
    return _is_drawn() or time.monotonic() - _requested < REQUEST


def _is_drawn() -> bool:
    now = time.monotonic()
    return any(now - begun < PAGE for begun in tuple(_pages.values()))


@contextmanager
def page() -> Iterator[None]:
    """A page is drawn in this thread."""
    thread = threading.get_ident()
    _pages[thread] = time.monotonic()
    try:
        yield
    finally:
        _pages.pop(thread, None)


@contextmanager
def aside() -> Iterator[None]:
    """The page that is drawn in this thread, if one is, waits for what others do."""
    thread = threading.get_ident()
    begun = _pages.pop(thread, None)
    try:
        yield
    finally:
        if begun is not None:
            _pages[thread] = begun


@contextmanager
def background(is_wanted: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """What this thread imports can wait: what is wanted only while a page is being drawn."""
    thread = threading.get_ident()
    end = time.monotonic() + PATIENCE

    def stands_back() -> bool:
        return time.monotonic() < end and (_is_drawn() if is_wanted() else is_busy())

    _background[thread] = stands_back
    try:
        yield
    finally:
        _background.pop(thread, None)


def _hear(event: str, _: Any) -> None:
    """Hook that hears of every module before it is looked for, when the import lock is free."""
    if event == "import":
        stands_back = _background.get(threading.get_ident())
        while stands_back and stands_back():
            time.sleep(STEP)


sys.addaudithook(_hear)
