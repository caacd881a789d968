"""Workers: processes of a Dask scheduler, here or elsewhere, that compute units of a run.

What they compute comes back to the process that holds the run folder, the only one that writes
there; so the folder need not be shared. A unit whose worker dies is given to another one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from xai_core.evaluation.cluster import Cluster
from xai_core.evaluation.orders import (
    AHEAD,
    Answer,
    Load,
    Order,
    Queue,
    WorkersError,
    code,
    compute,
)
from xai_core.evaluation.tasks import Task, Tray

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 20.0
ENDED = "the scheduler has ended; finished results are kept: run the same command again"
ASK_SECONDS = 1.0
"""How often it is asked how many threads there are now."""


class Workers:
    """The workers of a scheduler; `load` gives the model, once in each of their processes.

    With `count` they are that many processes of one thread each on this machine, which end with
    the `with` block; else those of the scheduler at `address`. Raises WorkersError.
    """

    def __init__(self, load: Load, count: int = 0, address: str = "") -> None:
        self._load, self._address = load, address
        self._cluster = Cluster(count) if count else None
        self._client: Client | None = None

    def __enter__(self) -> Workers:
        from distributed import Client

        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # told in a sentence
        address, security = self._address, None
        if self._cluster:
            address, security = self._cluster.start()
        else:
            _check_scheduler(address)
        self._client = Client(  # results pass by the scheduler: a dead worker keeps nobody waiting
            address, security=security, timeout=CONNECT_SECONDS, set_as_default=False
        )
        return self

    def __exit__(self, *_: object) -> None:
        for held in (self._client, self._cluster):
            if held is not None:
                held.close()

    def computed(
        self, tasks: Iterator[Task], pieces: int, unit: int
    ) -> Generator[tuple[Sequence[Task], Tray]]:
        """The tasks with what was computed, some together and long ones in parts, as they end.

        `pieces` is how many there are in all, `unit` how many of them are of one unit. Raises
        WorkersError.
        """
        from distributed import as_completed

        client, queue = self._reached(), Queue(tasks, pieces, unit)
        waiting: dict[str, tuple[Order, Future]] = {}
        ended = as_completed(loop=client.loop)
        threads, asked = 0, -ASK_SECONDS
        try:
            while True:
                if time.monotonic() > asked + ASK_SECONDS:
                    threads, asked = _threads(client), time.monotonic()
                while len(waiting) < AHEAD * threads:
                    lists = (queue.next(threads) for _ in range(threads))
                    orders = [self._order(some) for some in lists if some]
                    if not orders:
                        break
                    for order, future in zip(orders, self._sent(client, orders), strict=True):
                        waiting[future.key] = (order, future)
                        ended.add(future)
                if not waiting:
                    return
                future = next(ended)
                order, _ = waiting.pop(future.key)
                answer = _given(future)
                yield queue.answered(order, answer), answer.tray
        finally:
            with suppress(OSError, TimeoutError):
                client.cancel([future for _, future in waiting.values()])

    def _reached(self) -> Client:
        if self._client is None:
            raise WorkersError("workers are used in a `with` block")
        return self._client

    def _order(self, tasks: Sequence[Task]) -> Order:
        return Order(tuple(tasks), self._load, code(), os.getcwd())

    def _sent(self, client: Client, orders: Sequence[Order]) -> list[Future]:
        """Sent together: that costs the scheduler less than one by one."""
        keys = [f"campare-{order.tasks[0].unit.position}-{uuid.uuid4().hex}" for order in orders]
        futures: list[Future] = client.map(compute, orders, key=keys, pure=False)
        return futures


def _check_scheduler(address: str) -> None:
    """Raises WorkersError where no scheduler answers, or it has no workers."""
    from distributed import rpc

    async def known() -> dict[str, Any]:
        async with rpc(address, timeout=CONNECT_SECONDS) as scheduler:
            found: dict[str, Any] = await asyncio.wait_for(scheduler.identity(), CONNECT_SECONDS)
            return found

    try:
        with ThreadPoolExecutor(1) as aside:  # a notebook has a loop of its own
            workers = aside.submit(lambda: asyncio.run(known())).result()["workers"]
    except Exception as error:  # whatever else may listen there
        raise WorkersError(
            f"no scheduler answers at {address}: start one with `dask scheduler`, and workers with "
            "`dask worker`, or leave --scheduler out"
        ) from error
    if not workers:
        raise WorkersError(
            f"the scheduler at {address} has no workers: start some with `dask worker {address}`"
        )


def _threads(client: Client) -> int:
    """Of all workers, 1 while there are none; raises WorkersError where the scheduler has ended."""
    try:
        return max(1, sum(map(int, client.nthreads().values())))
    except OSError:
        raise WorkersError(ENDED) from None


def _given(future: Future) -> Answer:
    """A worker's answer; raises WorkersError where there is none and none will come."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        answer: Answer = future.result()
    except ModuleNotFoundError as error:
        raise WorkersError(f"a worker lacks the package {error.name}: install it there") from None
    except (AttributeError, ImportError) as error:
        raise WorkersError(f"a worker has another version of the project: {error}") from error
    except KilledWorker:
        raise WorkersError(
            "the workers that had the same images died one after another, perhaps for lack of "
            "memory: use fewer of them on a machine, or a smaller --memory"
        ) from None
    except (CancelledError, CommClosedError):
        raise WorkersError(ENDED) from None
    return answer
