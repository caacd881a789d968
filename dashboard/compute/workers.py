"""Workers: where questions go, and how their answers come back; their processes come and go.

Without `CAMPARE_SCHEDULER` it is a process of our own on this machine. With it, it is the Dask
scheduler at that address, whose workers must have this code and its requirements.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from compute import workplace
from compute.questions import Answer, Question
from xai_core.evaluation.cluster import Cluster

if TYPE_CHECKING:
    from distributed import Client, Future

SCHEDULER = "CAMPARE_SCHEDULER"
CONNECT_SECONDS = 20.0
MOST_TOLD = 64


class DiedError(Exception):
    """The process that was computing has ended."""


class UnreachableError(Exception):
    """There is nobody to compute; the message says why."""


class Task(Protocol):
    """Questions at work."""

    def is_done(self) -> bool: ...

    def passes(self) -> int:
        """Of one at work: how many passes of single images have begun, as far as it is told."""

    def answers(self) -> list[Answer] | None:
        """Of one that is done: answers of the first questions, None where the photo is needed.

        Raises DiedError.
        """

    def end(self) -> None:
        """Nobody wants it any more: it ends at its next forward pass."""


class DaskTask:
    """Questions at work in a worker of Dask."""

    def __init__(
        self, future: Future, has_ended: Callable[[], bool], told: Mapping[str, int]
    ) -> None:
        self._future = future
        self._told = told
        self._has_ended = has_ended

    def is_done(self) -> bool:
        return bool(self._future.done()) or self._has_ended()

    def passes(self) -> int:
        return self._told.get(str(self._future.key), 0)

    def answers(self) -> list[Answer] | None:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        if not self._future.done():
            raise DiedError
        try:
            found: list[Answer] | None = self._future.result()
        except (KilledWorker, CancelledError, CommClosedError, OSError) as error:
            raise DiedError from error
        return found

    def end(self) -> None:
        self._future.cancel()


class Workers:
    """The client of a Dask scheduler; may be used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._cluster = Cluster()
        self._count = 0
        self._told: dict[str, int] = {}

    def start(self) -> int:
        """Reach the workers and let them load; the number of their threads, 1 at least.

        Raises UnreachableError.
        """
        client = self._reached()
        self._submit(workplace.make_ready)
        try:
            return max(1, sum(map(int, client.nthreads().values())))
        except OSError as error:  # it has ended since it was reached
            raise UnreachableError("the scheduler has just ended") from error

    def begin(
        self,
        questions: Sequence[Question],
        given: Mapping[Question, Answer],
        wake: Callable[[], None],
    ) -> DaskTask:
        """Have them answered in turn; `wake` is called when that is done. Raises UnreachableError.

        The first has the photo of all, where the worker does not have it yet.
        """
        future = self._submit(workplace.answered, list(questions), dict(given))
        future.add_done_callback(lambda _: wake())
        return DaskTask(future, self._has_ended, self._told)

    def forget(self, sha256s: frozenset[str]) -> None:
        """Have the workers drop what they keep of these images, where there are any."""
        with self._lock:
            client = self._client
        if client is not None and not self._has_ended() and client.status == "running":
            with contextlib.suppress(OSError, TimeoutError):
                client.run(workplace.forget, sha256s, on_error="ignore")

    def close(self) -> None:
        """End our own process, and leave one that is not ours as it is."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._cluster.close()
            self._client = None

    def _submit(self, work: Callable[..., Any], *about: Any) -> Future:
        self._count += 1
        key = f"{work.__name__}-{os.getpid()}-{self._count}"  # one that ended may be asked again
        return self._reached().submit(work, *about, key=key, pure=False)

    def _reached(self) -> Client:
        with self._lock:
            if self._client is None or self._has_ended() or self._client.status != "running":
                self._client = self._connected()
                self._client.subscribe_topic(workplace.PROGRESS, self._hear)
            return self._client

    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """A worker tells how far it is; only what is at work is asked for."""
        _, told = event
        while len(self._told) > MOST_TOLD:
            del self._told[next(iter(self._told))]
        self._told[str(told["key"])] = int(told["passes"])

    def _has_ended(self) -> bool:
        """Whether our own process has ended, scheduler and all."""
        return self._cluster.has_ended()

    def _connected(self) -> Client:
        import dask
        from distributed import Client

        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})  # photos
        address, security = os.environ.get(SCHEDULER, ""), None
        where = f"{SCHEDULER}={address}" if address else "the process that computes"
        try:
            if not address:
                address, security = self._cluster.start()
            return Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            logging.getLogger(__name__).exception("no worker")
            raise UnreachableError(f"{where} does not answer; the log tells why") from error
