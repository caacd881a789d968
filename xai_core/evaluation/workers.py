"""Workers: processes of a Dask scheduler, here or elsewhere, that compute units of a run.

What they compute comes back to the process that holds the run folder, the only one that writes
there; so the folder need not be shared. A unit whose worker dies is given to another one.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import os
import platform
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import xai_core
from xai_core.evaluation.allocator import keep_blocks
from xai_core.evaluation.cluster import Cluster
from xai_core.evaluation.computing import Computer, Job
from xai_core.evaluation.image_list import Image
from xai_core.evaluation.map_files import KeptMaps, Maps, Note
from xai_core.evaluation.pieces import Finished, Rows, Scored
from xai_core.evaluation.plan import Unit
from xai_core.evaluation.store import Store
from xai_core.methods.base import Method
from xai_core.metrics.base import Metric
from xai_core.models.classifier import Classifier

if TYPE_CHECKING:
    from distributed import Client, Future

Load = Callable[[], Classifier]
CONNECT_SECONDS = 20.0
ENDED = "the scheduler has ended; finished results are kept: run the same command again"
AHEAD = 2
"""Units that are always out for each thread of a worker, so that none is idle."""
ASK_SECONDS = 1.0
"""How often it is asked how many threads there are now."""


class WorkersError(ValueError):
    """Workers that cannot be reached or used; the message is one sentence for people."""


@dataclass
class Tray:
    """What a worker is given of a unit, and what it gives: images to list, finished pieces."""

    done: dict[tuple[str, str], set[str]]
    maps: dict[tuple[str, str, str], Maps]
    images: list[Image] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)
    finished: list[Finished] = field(default_factory=list)

    @classmethod
    def of(cls, store: Store, unit: Unit, methods: Sequence[Method]) -> Tray:
        """With the maps that the store has of some methods."""
        pairs = [(unit.key, method.key()) for method in methods]
        done = {pair: set(store.finished.get(pair, ())) for pair in pairs}
        maps = {
            (*pair, which): found
            for pair in pairs
            for which in ("predicted", "labelled")
            if (found := store.read_maps(*pair, which)) is not None
        }
        return cls(done, maps)

    def close(self) -> None:
        """Make it small enough to be sent: what it was given stays here, scores are one table."""
        self.maps.clear()
        scored = [one for one in self.finished if isinstance(one, Scored)]
        if scored:
            others = (one for one in self.finished if not isinstance(one, Scored))
            self.finished = [*others, Scored.joined(scored)]

    def empty_into(self, store: Store) -> None:
        """Have the store write what the worker gave."""
        store.list_images(self.images, self.bad)
        store.add(*self.finished)

    def is_done(self, unit: str, method_key: str, metric_key: str) -> bool:
        return metric_key in self.done.get((unit, method_key), ())

    def list_images(
        self, images: Iterable[Image] = (), bad: Mapping[str, str] | None = None
    ) -> None:
        self.images += images
        self.bad |= bad or {}

    def write_scores(
        self, unit: str, method_key: str, metric_keys: Sequence[str], rows: Rows, curves: Rows
    ) -> None:
        self.finished.append(Scored.of(unit, method_key, metric_keys, rows, curves))

    def write_maps(
        self, unit: str, method_key: str, which: str, maps: npt.NDArray[np.float16], note: Note
    ) -> None:
        self.finished.append(KeptMaps(unit, method_key, which, maps, note))
        self.maps[unit, method_key, which] = (maps, note)

    def read_maps(self, unit: str, method_key: str, which: str) -> Maps | None:
        return self.maps.get((unit, method_key, which))


@dataclass(frozen=True)
class Task:
    """What is missing of one unit."""

    job: Job
    unit: Unit
    methods: tuple[Method, ...]
    metrics: tuple[Metric, ...]
    tray: Tray


@dataclass(frozen=True)
class Order:
    """A task, and what the worker needs to be sure that it computes what this process would."""

    task: Task
    load: Load
    code: str
    folder: str


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

    def computed(self, tasks: Iterator[Task]) -> Generator[tuple[Task, Tray]]:
        """The tasks with what was computed, as each comes to an end; raises WorkersError."""
        from distributed import as_completed

        client = self._reached()
        waiting: dict[str, tuple[Task, Future]] = {}
        ended = as_completed(loop=client.loop)
        threads, asked = 0, -ASK_SECONDS
        try:
            while True:
                if time.monotonic() > asked + ASK_SECONDS:
                    threads, asked = _threads(client), time.monotonic()
                while len(waiting) <= AHEAD * threads and (some := list(islice(tasks, threads))):
                    for task, future in self._sent(client, some):
                        waiting[future.key] = (task, future)
                        ended.add(future)
                if not waiting:
                    return
                future = next(ended)
                task, _ = waiting.pop(future.key)
                yield task, _given(future)
        finally:
            with suppress(OSError, TimeoutError):
                client.cancel([future for _, future in waiting.values()])

    def _reached(self) -> Client:
        if self._client is None:
            raise WorkersError("workers are used in a `with` block")
        return self._client

    def _sent(self, client: Client, tasks: Sequence[Task]) -> Iterator[tuple[Task, Future]]:
        """Sent together: that costs the scheduler less than one by one."""
        orders = [Order(task, self._load, code(), os.getcwd()) for task in tasks]
        keys = [f"campare-{task.unit.position}-{uuid.uuid4().hex}" for task in tasks]
        return zip(tasks, client.map(compute, orders, key=keys, pure=False), strict=True)


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


def _given(future: Future) -> Tray:
    """A worker's answer; raises WorkersError where there is none and none will come."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        tray: Tray = future.result()
    except ModuleNotFoundError as error:
        raise WorkersError(f"a worker lacks the package {error.name}: install it there") from None
    except (AttributeError, ImportError) as error:
        raise WorkersError(f"a worker has another version of the project: {error}") from error
    except KilledWorker:
        raise WorkersError(
            "the workers that had one unit of images died one after another, perhaps for lack of "
            "memory: use fewer of them on a machine, or a smaller --memory"
        ) from None
    except (CancelledError, CommClosedError):
        raise WorkersError(ENDED) from None
    return tray


def compute(order: Order) -> Tray:
    """In a worker: what is missing of a unit. Raises WorkersError where it would differ."""
    if (own := code()) != order.code:
        raise WorkersError(
            f"a worker has version {own} of the project, this process {order.code}: they must be "
            "equal"
        )
    task = order.task
    classifier = _loaded(order, task.job.fixed["classifier_fingerprint"])
    _check_images(task.unit)
    computer = Computer(task.job, classifier, task.tray)
    loaded = computer.load(task.unit)
    for method in task.methods:
        computer.piece(task.unit, loaded, method, task.metrics)
    task.tray.close()
    return task.tray


def _check_images(unit: Unit) -> None:
    for item, sha256 in zip(unit.items, unit.sha256s, strict=True):
        if sha256 and item.sha256() != sha256:
            raise WorkersError(
                f"a worker on {platform.node()} does not find {item.path} as it is here: the "
                "folder of images must lie at the same place on all machines"
            )


_MODELS: dict[str, Classifier] = {}
_LOADING = Lock()


def _loaded(order: Order, fingerprint: str) -> Classifier:
    """The model, loaded once in this process."""
    with _LOADING:
        if fingerprint not in _MODELS:
            found = _load(order)
            if found.fingerprint != fingerprint:
                raise WorkersError(
                    f"a worker finds another model under the name {found.name}: "
                    f"{found.fingerprint} instead of {fingerprint}"
                )
            _MODELS.clear()
            _MODELS[fingerprint] = found
        return _MODELS[fingerprint]


def _load(order: Order) -> Classifier:
    keep_blocks()
    with suppress(OSError):
        os.chdir(order.folder)  # paths are meant from there
    try:
        with redirect_stderr(io.StringIO()):  # the notes on it have been told
            return order.load()
    except (OSError, ValueError) as error:
        raise WorkersError(f"a worker cannot load the model: {error}") from None


@cache
def code() -> str:
    """The project's version and what tells its code from another state of it."""
    folder, found = Path(xai_core.__file__).parent, hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        found.update(file.relative_to(folder).as_posix().encode() + b"\n" + file.read_bytes())
    return f"{version('campare')} ({found.hexdigest()[:8]})"
