"""Byte store: what was used last, within a number of bytes and not of entries."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from types import ModuleType
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MB = 2**20


def bytes_of(value: Any) -> int:
    """About how many bytes a value holds: arrays, tensors and tables in full, each once."""
    total, seen, waiting = 0, set[int](), [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (type, ModuleType)):
            continue
        seen.add(id(one))
        size, inner = _weighed(one)
        total += size
        waiting += inner
    return total


def _weighed(value: Any) -> tuple[int, list[Any]]:
    """The bytes of a value itself, and what it holds."""
    own = sys.getsizeof(value, 64)
    if isinstance(value, (str, bytes, int, float)):
        return own, []
    if isinstance(getattr(value, "nbytes", None), int):
        return max(own, int(value.nbytes)), []
    if hasattr(value, "memory_usage"):  # a table or a column of pandas
        found = value.memory_usage(deep=True)
        return int(found if isinstance(found, int) else found.sum()), []
    if isinstance(value, Mapping):
        return own, [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return own, list(value)
    return own, list(getattr(value, "__dict__", {}).values())


class ByteStore(Generic[K, V]):
    """Values by key, the least used leave first; may be used by many threads.

    They take at most `limit` bytes, but for the newest, which stays however large it is.
    """

    def __init__(self, limit: int, size: Callable[[V], int] = bytes_of) -> None:
        self._limit, self._size = limit, size
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._total = 0
        self._change = threading.RLock()
        self._making: dict[K, threading.RLock] = {}

    @property
    def total(self) -> int:
        """Bytes of all that is kept."""
        return self._total

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __getitem__(self, key: K) -> V:
        """The value, which is then the last to leave; raises KeyError."""
        with self._change:
            self._values.move_to_end(key)
            return self._values[key][0]

    def get(self, key: K) -> V | None:
        with self._change:
            return self[key] if key in self._values else None

    def put(self, key: K, value: V) -> None:
        """Keep a value, or weigh it anew where it has grown."""
        size = self._size(value)
        with self._change:
            self.drop(key)
            self._values[key] = (value, size)
            self._total += size
            while self._total > self._limit and len(self._values) > 1:
                self.drop(next(iter(self._values)))

    def drop(self, key: K) -> None:
        with self._change:
            _, size = self._values.pop(key, (None, 0))
            self._total -= size

    def made(self, key: K, make: Callable[[], V]) -> V:
        """The value of `key`; where it is not there it is made, once for all who ask."""
        with self._change:
            if key in self._values:
                return self[key]
            making = self._making.setdefault(key, threading.RLock())
        with making:
            try:
                with self._change:
                    if key in self._values:
                        return self[key]
                value = make()
                self.put(key, value)
                return value
            finally:
                with self._change:
                    self._making.pop(key, None)

    def forget(self, is_meant: Callable[[K], bool]) -> None:
        """Drop the values of all keys that are meant."""
        with self._change:
            for key in [key for key in self._values if is_meant(key)]:
                self.drop(key)
