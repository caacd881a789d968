"""Keeping: what pages read is kept for all sessions, all of it together within so many bytes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from state.byte_store import MB, ByteStore

KEPT_MB = 512
P = ParamSpec("P")
R = TypeVar("R")
_STORE: ByteStore[tuple[Any, ...], Any] = ByteStore(KEPT_MB * MB)


def kept(make: Callable[P, R]) -> Callable[P, R]:
    """The function, which answers what it was asked before from memory; nobody may change that.

    Arguments whose names begin with "_" do not tell one question from another.
    """
    signature = inspect.signature(make)

    @wraps(make)
    def found(*given: P.args, **named: P.kwargs) -> R:
        bound = signature.bind(*given, **named)
        bound.apply_defaults()
        told = [value for name, value in bound.arguments.items() if name[0] != "_"]
        value: R = _STORE.made(
            (make.__module__, make.__qualname__, *told), lambda: make(*given, **named)
        )
        return value

    return found


def forget(sha256s: Iterable[str]) -> None:
    """Drop all that was made of these images."""
    gone = set(sha256s)
    _STORE.forget(lambda key: _names(key, gone))


def _names(key: object, sha256s: set[str]) -> bool:
    if isinstance(key, tuple):
        return any(_names(part, sha256s) for part in key)
    return isinstance(key, str) and key in sha256s
