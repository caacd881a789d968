"""Crowding: many visitors at once; every map that one is shown is compared with a calm server's."""

from __future__ import annotations

import hashlib
import random
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.reliability.serving import Served, serving
from tests.reliability.visitor import Visitor, visiting

IMAGES = tuple(f"{fruit}-1-0" for fruit in ("apple", "corn", "kiwi"))
METHODS = "cam grad_cam secam[segments=60] layer_cam"
"""With the central crop none of them is shipped: the worker computes each."""
PAUSE_SECONDS = 0.5
Shown = dict[tuple[str, str], str]
"""(image, what is shown) -> the digest of the JPEG."""


@dataclass
class Crowd:
    """What many visitors saw: maps, those that were wrong, the times of drawing, the memory."""

    visitors: int
    seconds: float
    maps: int = 0
    wrong: int = 0
    exceptions: int = 0
    draws: list[float] = field(default_factory=list)
    pages_mb: float = 0.0
    workers_mb: float = 0.0
    which: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        return float(np.quantile(self.draws, share)) if self.draws else 0.0


def crowd(visitors: int, seconds: float, seed: int = 0) -> Crowd:
    """`visitors` at once for so long, each at images that are drawn by lot."""
    found = Crowd(visitors, seconds)
    with tempfile.TemporaryDirectory() as name:
        right: Shown = {}
        with serving(Path(name) / "calm") as calm:
            for image in IMAGES:
                with visiting(calm.address) as visitor:
                    right |= _shown(visitor, image, found=None)
        with serving(Path(name) / "crowded") as served:
            with visiting(served.address) as first:  # the worker loads its model
                _shown(first, IMAGES[0], found=None)
            _all_at_once(served, found, right, seed)
    return found


def _all_at_once(served: Served, found: Crowd, right: Shown, seed: int) -> None:
    end, change = time.monotonic() + found.seconds, threading.Lock()

    def visit(number: int) -> None:
        drawn = random.Random(seed * 1000 + number)
        try:
            while time.monotonic() < end:
                image = drawn.choice(IMAGES)
                with visiting(served.address) as visitor:  # an address counts where a tab begins
                    shown = _shown(visitor, image, found, end)
                with change:
                    found.maps += len(shown)
                    found.exceptions += visitor.exceptions
                    wrong = [key for key, value in shown.items() if right.get(key) != value]
                    found.wrong += len(wrong)
                    found.which += map(str, wrong)
        except Exception as error:
            found.failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(found.visitors)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        pages, workers = served.memory_mb()
        found.pages_mb = max(found.pages_mb, pages)
        found.workers_mb = max(found.workers_mb, workers)
        time.sleep(1)
    for thread in threads:
        thread.join()


def _shown(visitor: Visitor, image: str, found: Crowd | None, end: float = np.inf) -> Shown:
    """The maps of an image as they are on the page, once all are there or the time is over."""
    wanted = len(METHODS.split()) + 1
    seconds = visitor.open("compare", image=image, framing="center_crop", methods=METHODS)
    while True:
        if found is not None:
            found.draws.append(seconds)
        pictures = visitor.pictures()
        if len(pictures) >= wanted or time.monotonic() > end:
            return {
                (image, title): hashlib.sha256(visitor.read(url)).hexdigest()
                for title, url in pictures
            }
        time.sleep(PAUSE_SECONDS)
        seconds = visitor.draw()
