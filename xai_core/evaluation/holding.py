"""Holding: what is added is written together, when it is a second old or much."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xai_core.evaluation.run_folder import RunFolderError

HOLD_SECONDS = 1.0
HOLD_BYTES = 2 * 2**20


class Holding:
    """When `write` is called, which writes all that is held; under `lock`, by any thread.

    It is called at once but within `on`, where it is called in time though nothing more is added.
    """

    def __init__(self, write: Callable[[], None]) -> None:
        self.lock = threading.RLock()
        self._write = write
        self._is_on = False
        self._timer: threading.Timer | None = None
        self._failure: RunFolderError | None = None

    @contextmanager
    def on(self) -> Iterator[None]:
        """Within, it is held; at the end all is written. Raises RunFolderError."""
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False
            self.now()

    def soon(self, held_bytes: int) -> None:
        """Something was added; raises RunFolderError where the last could not be written."""
        with self.lock:
            if self._failure:
                raise self._failure
            if not self._is_on or held_bytes > HOLD_BYTES:
                self.now()
            elif self._timer is None:
                self._timer = threading.Timer(HOLD_SECONDS, self._aside)
                self._timer.daemon = True
                self._timer.start()

    def now(self) -> None:
        """Write what is held; raises RunFolderError, and it is then still held."""
        with self.lock:
            if self._timer:
                self._timer.cancel()
                self._timer = None
            self._write()
            self._failure = None

    def _aside(self) -> None:
        try:
            self.now()
        except RunFolderError as error:
            self._failure = error  # told where the next piece is added
