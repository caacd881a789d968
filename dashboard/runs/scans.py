"""Scans: how many images lie below a folder, counted beside the page; bounded, ended on demand."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from state import choices

from xai_core.images.image_files import files_below, is_image, no_images, require_folder
from xai_core.images.reading import BadImage

MOST_FILES, MOST_SECONDS = 2_000_000, 120.0
PATIENCE = 0.4
"""A folder that is counted in so many seconds is counted anew whenever the page is drawn."""
FRESH_SECONDS = 60.0


class Scan:
    """A folder that is being looked through: how far it is, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen, self.found, self.problem = folder, 0, 0, ""
        self._begun, self._ended = time.monotonic(), 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="scan", daemon=True)
        self._thread.start()

    def is_running(self, patience: float = 0.0) -> bool:
        """Whether it is not known yet, after `patience` seconds."""
        self._thread.join(patience)
        return self._thread.is_alive()

    def is_fresh(self) -> bool:
        """Whether what it says holds; what takes long is not looked at again at once."""
        took = self._ended - self._begun
        return self.is_running() or (
            took > PATIENCE and time.monotonic() - self._ended < FRESH_SECONDS
        )

    def end(self) -> None:
        self._is_over.set()

    def _look(self) -> None:
        try:
            require_folder(self.folder)
            for file in files_below(self.folder):
                self.seen += 1
                self.found += is_image(file)
                if self._is_over.is_set() or self._is_too_much():
                    return
            if not self.found:
                raise no_images(self.folder)
        except (BadImage, OSError, ValueError) as error:
            self.problem = str(error)
        finally:
            self._ended = time.monotonic()

    def _is_too_much(self) -> bool:
        if self.seen < MOST_FILES and time.monotonic() - self._begun < MOST_SECONDS:
            return False
        self.problem = (
            f"{self.folder}: more than {self.seen:,} files, which is too much to look through; "
            "name the folder that holds the images"
        )
        return True


_SCANS: dict[str, Scan] = {}
_CHANGE = threading.Lock()


def look(session: str, folder: Path) -> Scan:
    """The scan of a folder for a session; its former one, and those of closed pages, end."""
    with _CHANGE:
        for name in [name for name in _SCANS if not choices.is_open(name)]:
            _SCANS.pop(name).end()
        scan = _SCANS.get(session)
        if scan is None or scan.folder != folder or not scan.is_fresh():
            if scan is not None:
                scan.end()
            scan = _SCANS[session] = Scan(folder)
    scan.is_running(PATIENCE)
    return scan
