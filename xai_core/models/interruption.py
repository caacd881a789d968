"""Interruption: a computation that nobody wants any more ends at its next pass or its next step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Note = Callable[[int], None]
_WATCH: ContextVar[tuple[Callable[[], bool], Note] | None] = ContextVar("watch", default=None)


class Interrupted(BaseException):
    """Ends a computation; no method takes it for an error of its own, as it is no Exception."""


@contextmanager
def interruptible(is_over: Callable[[], bool], note: Note = lambda passes: None) -> Iterator[None]:
    """In this thread, each checkpoint within it asks `is_over` and raises Interrupted if so.

    `note` is told how many passes of single images begin at a checkpoint.
    """
    token = _WATCH.set((is_over, note))
    try:
        yield
    finally:
        _WATCH.reset(token)


def checkpoint(passes: int = 0) -> None:
    """Called before every pass, and at every step of tracing or rewriting a model.

    `passes` begin now, one for each image of the batch. Raises Interrupted where the
    computation is over.
    """
    watch = _WATCH.get()
    if watch is None:
        return
    is_over, note = watch
    if is_over():
        raise Interrupted
    note(passes)
