"""Cluster: a scheduler and its workers on this machine, as a process that ends with ours.

It is a process of its own: multiprocessing would run the caller's program in every worker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Security

LOGGING = {
    "distributed": "warning",
    "distributed.worker": "critical",
    "distributed.comm": "critical",
}
"""What fails in a worker comes to the caller as an error; connections are cut where it ends."""


class Cluster:
    """`count` workers that compute with one core each; with 0 a single one, with all cores."""

    def __init__(self, count: int = 0) -> None:
        self._count = count
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> tuple[str, Security]:
        """The scheduler's address and what opens it; raises OSError or ValueError."""
        from distributed import Security

        self.close()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "xai_core.evaluation.scheduler", str(self._count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "DASK_LOGGING": repr(LOGGING),
                "PYTHONWARNINGS": "ignore:resource_tracker",  # it ends at once, by purpose
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
            start_new_session=True,  # Ctrl-C is for the caller
        )
        told = json.loads(self._process.stdout.readline() if self._process.stdout else "")
        return told["address"], Security(require_encryption=True, **told["security"])

    def has_ended(self) -> bool:
        """Whether it was started and is no more."""
        return self._process is not None and self._process.poll() is not None

    def close(self) -> None:
        if self._process is not None and self._process.stdin and self._process.stdout:
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait()
        self._process = None
