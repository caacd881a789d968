"""Cluster: a scheduler and its workers on this machine, as a process that ends with ours.

It is a process of its own: multiprocessing would run the caller's program in every worker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from distributed import Security, SpecCluster

HOST = "127.0.0.1"
SECURITY = ("tls_ca_file", "tls_client_cert", "tls_client_key")
SETTINGS = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # Dask watches itself up to a hundred times a second, for a page of its own that is not served;
    # every look stops the computing
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "500ms",
    # its nanny starts a killed worker anew; the cluster would give up one that takes 15 s for that
    "distributed.deploy.lost-worker-timeout": "10000 days",
}
LOGGING = {
    "distributed": "warning",
    "distributed.worker": "critical",
    "distributed.comm": "critical",
}
"""What fails in a worker comes to the caller as an error; connections are cut where it ends."""
ALONE = {
    "distributed.scheduler.allowed-failures": 0,  # the caller asks once more, and says so
    "distributed.nanny.pre-spawn-environ": {},  # torch computes with all cores
}
"""Of a single worker for whoever waits at a page."""
END_SECONDS = 3.0
LOOK_SECONDS = 1.0
LOST_SECONDS = 15.0
"""No worker, not even one that is loading, for so long: none will come."""


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
            [sys.executable, "-P", "-m", "xai_core.evaluation.cluster", str(self._count)],
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


def main(told: TextIO, count: int) -> None:
    """Tell where the scheduler is and what opens it, and stay until the caller ends."""
    import dask
    from distributed import Nanny, Scheduler, Security, SpecCluster
    from distributed.system import MEMORY_LIMIT

    dask.config.set(SETTINGS | ({} if count else ALONE))
    security = Security.temporary()  # another user of this machine must not have code run here
    here: dict[str, Any] = {"host": HOST, "security": security, "protocol": "tls://"}
    here |= {"dashboard": False, "dashboard_address": f"{HOST}:0"}
    nanny = {**here, "nthreads": 1, "memory_limit": MEMORY_LIMIT // max(1, count)}
    cluster = SpecCluster(
        workers={number: {"cls": Nanny, "options": nanny} for number in range(max(1, count))},
        scheduler={"cls": Scheduler, "options": here},
        security=security,
        name="campare",
    )
    opens = {name: getattr(security, name) for name in SECURITY}
    print(json.dumps({"address": cluster.scheduler_address, "security": opens}), file=told)
    told.close()
    threading.Thread(target=_end_without_workers, args=(cluster,), daemon=True).start()
    sys.stdin.read()  # ends when the caller does, however it does
    threading.Timer(END_SECONDS, os._exit, (1,)).start()
    cluster.close()
    os._exit(0)


def _end_without_workers(cluster: SpecCluster) -> None:
    """End this process once all workers are lost, so that the caller knows and starts another.

    A nanny does not start a worker anew that is killed while it loads.
    """
    seen = time.monotonic()
    while time.monotonic() < seen + LOST_SECONDS:
        time.sleep(LOOK_SECONDS)
        if any(nanny.is_alive() for nanny in list(cluster.workers.values())):
            seen = time.monotonic()
    os._exit(1)


if __name__ == "__main__":
    line = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a worker prints goes to the log
    main(line, int(sys.argv[1]))
