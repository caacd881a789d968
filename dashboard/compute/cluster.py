"""Cluster: a scheduler and one worker of one thread, as a process that ends with the server.

It is no part of the server: multiprocessing would run the server's own page in every worker.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any, TextIO

HOST = "127.0.0.1"
SECURITY = ("tls_ca_file", "tls_client_cert", "tls_client_key")
SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # the server asks once more, and says so
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.nanny.pre-spawn-environ": {},  # torch computes with all cores
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
}
END_SECONDS = 3.0


def main(told: TextIO) -> None:
    """Tell where the scheduler is and what opens it, and stay until the server ends."""
    import dask
    from distributed import Nanny, Scheduler, Security, SpecCluster
    from distributed.system import MEMORY_LIMIT

    dask.config.set(SETTINGS)
    security = Security.temporary()  # another user of this machine must not have code run here
    here: dict[str, Any] = {"host": HOST, "security": security, "protocol": "tls://"}
    here |= {"dashboard": False, "dashboard_address": f"{HOST}:0"}
    nanny = {**here, "nthreads": 1, "memory_limit": MEMORY_LIMIT}
    cluster = SpecCluster(
        workers={0: {"cls": Nanny, "options": nanny}},
        scheduler={"cls": Scheduler, "options": here},
        security=security,
        name="campare",
    )
    opens = {name: getattr(security, name) for name in SECURITY}
    print(json.dumps({"address": cluster.scheduler_address, "security": opens}), file=told)
    told.close()
    sys.stdin.read()  # ends when the server does, however it does
    threading.Timer(END_SECONDS, os._exit, (1,)).start()
    cluster.close()
    os._exit(0)


if __name__ == "__main__":
    line = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a worker prints goes to the log
    main(line)
