"""Serving: the real server on a free port of this machine, for as long as it is needed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Served:
    """A server at work."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def pages(self) -> psutil.Process:
        """The page server: the command that people type waits for it."""
        return psutil.Process(self.process.pid).children()[0]

    def memory_mb(self) -> tuple[float, float]:
        """Resident memory of the page server, and of the workers below it."""
        page = self.pages()
        below = sum(child.memory_info().rss for child in page.children(recursive=True))
        return page.memory_info().rss / 2**20, below / 2**20


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(folder: Path, *options: str, port: int = 0, **environment: str) -> Iterator[Served]:
    """The dashboard as the README starts it; its log and its runs lie in `folder`."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    told = {"CAMPARE_RUNS": str(folder / "runs"), "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "xai_core", "dashboard", "--", f"--server.port={port}"]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [*command, *options],
            cwd=folder, env={**os.environ, **told}, stdout=log, stderr=log,
        )  # fmt: skip
    served = Served(f"http://127.0.0.1:{port}", process, folder / "log.txt")
    below = psutil.Process(process.pid)
    try:
        _wait_for(served)
        yield served
    finally:
        _end(below)
        process.wait(30)


def _end(process: psutil.Process) -> None:
    """The server and what it started, by their numbers."""
    every = [process, *process.children(recursive=True)] if process.is_running() else []
    for one in every:
        if one.is_running():
            one.terminate()
    _, alive = psutil.wait_procs(every, timeout=15)
    for one in alive:
        one.kill()


def _wait_for(served: Served) -> None:
    for _ in range(3000):  # a loaded machine may take minutes
        if served.process.poll() is not None:
            raise RuntimeError(f"the server ended: {served.log.read_text()[-500:]}")
        try:
            urllib.request.urlopen(f"{served.address}/_stcore/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{served.address} does not answer")
