"""Status: what a run is doing, for whoever watches it; its lock; how to stop it. No torch."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from xai_core.evaluation.run_folder import RunFolderError
from xai_core.files import read_object, write_whole
from xai_core.locks import Taken, is_locked, locked

State = Literal["running", "done", "cancelled", "failed"]
BEAT_SECONDS = 2.0
GAP_SECONDS = 0.5
GLANCE_SECONDS = 0.2
"""Whoever only looks holds the lock for a moment, so a run waits that long for it."""


@dataclass(frozen=True)
class Progress:
    """`done` of `total` pieces (a method on a unit of images); `fraction` is of the work."""

    done: int
    total: int
    fraction: float
    seconds_left: float | None
    message: str


@dataclass
class Status:
    """Writes status.json, with the steps and every two seconds, until it is closed."""

    run_dir: Path
    state: State = "running"
    progress: Progress = field(default_factory=lambda: Progress(0, 0, 0.0, None, "starting"))
    _written: float = -GAP_SECONDS
    _stop: threading.Event = field(default_factory=threading.Event)
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _beating: threading.Thread = field(init=False)

    def __enter__(self) -> Status:
        self.write()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._beating.join()  # it writes nothing into the folder afterwards
        self.write()

    def step(self, progress: Progress) -> None:
        self.progress = progress
        if time.monotonic() >= self._written + GAP_SECONDS:
            self.write()

    def close(self, state: State, message: str) -> None:
        self.state = state
        last = self.progress
        self.progress = Progress(last.done, last.total, last.fraction, None, message)

    def write(self) -> None:
        content = {
            "state": self.state,
            **asdict(self.progress),
            "pid": os.getpid(),
            "heartbeat": time.time(),
        }
        path = self.run_dir / "status.json"
        # a full disk must not end a run over its progress display
        with self._writing, contextlib.suppress(OSError):
            write_whole(path, json.dumps(content))
            self._written = time.monotonic()

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            self.write()


def load_status(run_dir: str | Path) -> dict[str, Any] | None:
    """The last status of a run; None where it never ran. A killed run reads as "failed"."""
    try:
        status = _checked(read_object(Path(run_dir) / "status.json"))
    except (OSError, ValueError, TypeError):
        return None
    if status.get("state") == "running" and not is_running(run_dir):
        status |= {"state": "failed", "message": "stopped before it was finished", "pid": None}
    return status


def _checked(status: dict[str, Any]) -> dict[str, Any]:
    """What readers rely on, each of its kind; raises ValueError or TypeError for a damaged one."""
    left = status.get("seconds_left")
    return {
        **status,
        "state": get_args(State)[get_args(State).index(status.get("state"))],
        "done": int(status.get("done", 0)),
        "total": int(status.get("total", 0)),
        "fraction": min(max(float(status.get("fraction", 0)), 0.0), 1.0),
        "seconds_left": None if left is None else float(left),
        "message": str(status.get("message", "")),
        "heartbeat": float(status.get("heartbeat", 0)),
    }


def is_running(run_dir: str | Path) -> bool:
    """Whether a process is working in this run folder now."""
    return is_locked(Path(run_dir) / "lock")


def ask_to_stop(run_dir: str | Path) -> None:
    """Ends the run after the piece it is working on; what is finished is kept."""
    (Path(run_dir) / "cancel").touch()


def is_asked_to_stop(run_dir: str | Path) -> bool:
    return (Path(run_dir) / "cancel").exists()


@contextlib.contextmanager
def only_run(run_dir: str | Path) -> Iterator[None]:
    """Holds the run folder's lock; the system frees it when the process ends, however it ends.

    Raises RunFolderError while another process holds it, or where the folder cannot be written.
    """
    root, held = Path(run_dir), contextlib.ExitStack()
    try:
        root.mkdir(parents=True, exist_ok=True)
        held.enter_context(locked(root / "lock", GLANCE_SECONDS))
    except Taken:
        raise RunFolderError(
            f"{run_dir}: another process is evaluating in this folder; wait for it, stop it or "
            "choose another folder"
        ) from None
    except OSError as error:
        raise RunFolderError(
            f"{run_dir}: cannot be written ({error.strerror or error}); choose another run folder"
        ) from None
    with held:
        (root / "cancel").unlink(missing_ok=True)
        yield
