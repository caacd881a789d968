"""Interruption: a computation that nobody wants any more ends at its next pass or its next step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IS_OVER: ContextVar[Callable[[], bool] | None] = ContextVar("is_over", default=None)


class Interrupted(BaseException):
    """Ends a computation; no method takes it for an error of its own, as it is no Exception."""


@contextmanager
def interruptible(is_over: Callable[[], bool]) -> Iterator[None]:
    """In this thread, each checkpoint within it asks `is_over` and raises Interrupted if so."""
    token = _IS_OVER.set(is_over)
    try:
        yield
    finally:
        _IS_OVER.reset(token)


def checkpoint() -> None:
    """Called before every pass, and at every step of tracing or rewriting a model.

    Raises Interrupted where the computation is over.
    """
    is_over = _IS_OVER.get()
    if is_over is not None and is_over():
        raise Interrupted
