"""Scheduler: the process of a scheduler and its workers; it ends with whoever started it.

    python -m xai_core.evaluation.scheduler COUNT

Dask looks after itself many times a second, some of it for pages that are not served here. Each
time stops the computing for about a millisecond, so it does so no oftener than is of use.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any, TextIO

import dask
from distributed import Nanny, Scheduler, Security, SpecCluster
from distributed.system import MEMORY_LIMIT

HOST = "127.0.0.1"
SECURITY = ("tls_ca_file", "tls_client_cert", "tls_client_key")
HEARTBEAT_SECONDS = 5.0
SETTINGS = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.memory.monitor-interval": "500ms",
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.active-memory-manager.start": False,  # results are fetched at once
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "2s",
    "distributed.admin.tick.cycle": "10s",
    "distributed.admin.tick.limit": "5s",
    # its nanny starts a killed worker anew; the cluster would give up one that takes 15 s for that
    "distributed.deploy.lost-worker-timeout": "10000 days",
}
ALONE = {
    "distributed.scheduler.allowed-failures": 0,  # the caller asks once more, and says so
    "distributed.nanny.pre-spawn-environ": {},  # torch computes with all cores
}
"""Of a single worker for whoever waits at a page."""
END_SECONDS = 3.0
LOOK_SECONDS = 1.0
LOST_SECONDS = 15.0
"""No worker, not even one that is loading, for so long: none will come."""


class CalmScheduler(Scheduler):  # type: ignore[misc]  # Dask tells no types
    """Has each worker tell of itself every HEARTBEAT_SECONDS, where Dask's would twice a second.

    A worker that ends is known by its connection, at once.
    """

    def heartbeat_worker(self, **told: Any) -> dict[str, Any]:
        answer: dict[str, Any] = super().heartbeat_worker(**told)
        return answer | {"heartbeat-interval": HEARTBEAT_SECONDS}


def main(told: TextIO, count: int) -> None:
    """Tell where the scheduler is and what opens it, and stay until the caller ends."""
    dask.config.set(SETTINGS | ({} if count else ALONE))
    security = Security.temporary()  # another user of this machine must not have code run here
    here: dict[str, Any] = {"host": HOST, "security": security, "protocol": "tls://"}
    here |= {"dashboard": False, "dashboard_address": f"{HOST}:0"}
    nanny = {**here, "nthreads": 1, "memory_limit": MEMORY_LIMIT // max(1, count)}
    cluster = SpecCluster(
        workers={number: {"cls": Nanny, "options": nanny} for number in range(max(1, count))},
        scheduler={"cls": CalmScheduler, "options": here},
        security=security,
        name="campare",
        scheduler_sync_interval="1h",  # to tell the scheduler this name again
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
