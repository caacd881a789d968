"""What a run costs beside its forward passes as it grows, what workers add, and the prediction.

    python tests/benchmarks/scale.py

A tiny model and a cheap metric: what is measured is the overhead. Sizes take turns, up and down,
and medians are shown; in each turn all sizes compute as many images, small ones in several runs. A
machine's speed drifts by more than what is looked for, so ten times a second the run stops for the
bare computation of one unit: its images read, its maps and scores computed, nothing kept. What a
run takes is told in milliseconds and as a multiple ("of bare") of what that took in the same
seconds. "user" and "system" are this process's own CPU time, "written" is what it handed to the
system for files, "peak" the most memory it held until then and "held" what it held at the end, both
of the first turn. The efficiency is the time of one single-thread worker, the mean of a run before
and a run after, over twice that of two, all warm, the median of three; only those that are measured
are there. Beside it stands what two processes reach that share nothing but the machine. The
prediction is `evaluate --dry-run`'s, three times. Both are of a model whose passes take most of the
time. What a large cluster would do is reckoned from the CPU time of the one process that hands out
work and writes results, in a run whose workers have next to nothing to do.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from xai_core.evaluation.allocator import keep_blocks, share_blocks

keep_blocks()  # before the first tensor
share_blocks()

import numpy as np  # noqa: E402
import psutil  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402

from xai_core.evaluation.computing import Computer, Job  # noqa: E402
from xai_core.evaluation.dataset import Dataset, load_folder  # noqa: E402
from xai_core.evaluation.plan import make_plan, units_of  # noqa: E402
from xai_core.evaluation.run import run_evaluation  # noqa: E402
from xai_core.evaluation.tables import SCHEMA  # noqa: E402
from xai_core.evaluation.tasks import Tray  # noqa: E402
from xai_core.evaluation.workers import Workers  # noqa: E402
from xai_core.images.reading import InputFormat  # noqa: E402
from xai_core.methods import METHODS  # noqa: E402
from xai_core.metrics import METRICS  # noqa: E402
from xai_core.models.classifier import Classifier  # noqa: E402

CATEGORIES = tuple("abcde")
SIDE = 32
TINY, BUSY = 4, 48
"""Channels of the two models."""
Recipes = tuple[list[Any], list[Any]]
REPEATS, TURNS = 3, 6
YARDSTICK_SECONDS = 0.1
UNIT = 8
PAPER_IMAGES, PAPER_METHODS, PAPER_WORKERS, PAPER_SAMPLE = 50_000, 20, 1_000, 4_000


def model(channels: int, side: int) -> Classifier:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, channels, 3, 2, 1), nn.ReLU(), nn.Conv2d(channels, channels, 3, 1, 1)]
    network = nn.Sequential(
        *layers, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 5)
    )
    form = InputFormat(size=side, resize=side)
    return Classifier.of(network, CATEGORIES, name=f"{channels} channels", form=form)


def write_images(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for index in range(count):
        pixels = random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:06d}.png", compress_level=1)
    return folder


def some(dataset: Dataset, count: int) -> Dataset:
    return Dataset(dataset.name, dataset.items[:count], place=dataset.place)


@dataclass(frozen=True)
class Spent:
    """Wall, user and system seconds, and bytes written."""

    wall: float = 0.0
    user: float = 0.0
    system: float = 0.0
    written: float = 0.0

    @classmethod
    def until_now(cls) -> Spent:
        used = resource.getrusage(resource.RUSAGE_SELF)
        written = getattr(psutil.Process().io_counters(), "write_chars", np.nan)
        return cls(time.perf_counter(), used.ru_utime, used.ru_stime, written)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __add__(self, other: Spent) -> Spent:
        return Spent(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __truediv__(self, count: float) -> Spent:
        return Spent(*(value / count for value in astuple(self)))


class Yardstick:
    """The bare computation of a unit, made again and again while a run goes on."""

    def __init__(self, classifier: Classifier, dataset: Dataset, recipes: Recipes) -> None:
        self._classifier, self._recipes = classifier, recipes
        self._unit = next(units_of(some(dataset, UNIT)))
        self._job = Job(
            "whole", "fp32", 32, dict.fromkeys(SCHEMA.names[:3], "") | {"precision": ""}
        )
        self._last = 0.0
        self.begin()

    def begin(self) -> None:
        self.spent, self.images = Spent(), 0

    def __call__(self, _: object) -> None:
        if time.perf_counter() < self._last + YARDSTICK_SECONDS:
            return
        start = Spent.until_now()
        computer = Computer(self._job, self._classifier, Tray({}, {}))
        loaded = computer.load(self._unit)
        for method in self._recipes[0]:
            computer.piece(self._unit, loaded, method, self._recipes[1])
        self.spent += Spent.until_now() - start
        self.images += len(self._unit.items)
        self._last = time.perf_counter()


def report_growth(dataset: Dataset, counts: Sequence[int], folder: Path) -> None:
    classifier, recipes = model(TINY, SIDE), ([METHODS["cam"]()], [METRICS["sparseness"]()])
    run_evaluation(folder / "warm", classifier, some(dataset, 4 * UNIT), *recipes)
    yardstick = Yardstick(classifier, dataset, recipes)
    found: dict[int, list[tuple[Spent, float]]] = {count: [] for count in counts}
    memory: dict[int, tuple[float, float]] = {}
    for turn in range(TURNS):
        for count in sorted(counts, reverse=turn % 2 == 1):
            runs = max(1, round(max(counts) / count))
            yardstick.begin()
            start = Spent.until_now()
            for number in range(runs):
                place = folder / f"{count}-{turn}-{number}"
                run_evaluation(
                    place, classifier, some(dataset, count), *recipes, progress=yardstick
                )
            each = (Spent.until_now() - start - yardstick.spent) / (runs * count)
            bare = yardstick.spent.wall / yardstick.images
            found[count].append((each, each.wall / bare))
            memory.setdefault(count, memory_now())
            shutil.rmtree(folder)
    print(
        f"{'images':>8}{'ms/image':>10}{'of bare':>9}{'user':>7}{'system':>8}{'written B':>11}"
        f"{'peak MB':>9}{'held MB':>9}"
    )
    for count, turns in found.items():
        columns = zip(*(astuple(one) for one, _ in turns), strict=True)
        each = Spent(*map(statistics.median, columns))
        of_bare = statistics.median(ratio for _, ratio in turns)
        times = (
            f"{each.wall * 1e3:10.2f}{of_bare:9.2f}{each.user * 1e3:7.2f}{each.system * 1e3:8.2f}"
        )
        peak, held = memory[count]
        print(f"{count:8}{times}{each.written:11.0f}{peak:9.0f}{held:9.0f}", flush=True)


def memory_now() -> tuple[float, float]:
    """Megabytes: the most that were held since the process began, and what is held now."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return peak, psutil.Process().memory_info().rss / 2**20


def busy_recipes() -> Recipes:
    return [METHODS["cam"](), METHODS["random"]()], [METRICS["deletion"](steps=56)]


def report_workers(dataset: Dataset, count: int, folder: Path) -> None:
    load = partial(model, BUSY, 2 * SIDE)
    rest = (load(), some(dataset, count), *busy_recipes())
    warm = (rest[0], Dataset("warm", dataset.items[-8 * UNIT :]), *busy_recipes())
    times: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(2 * REPEATS + 1):
        number = 1 + turn % 2
        with Workers(load, number) as workers:
            for place, work in (("warm", warm), ("timed", rest)):
                where = folder / f"{turn}-{place}"
                took = seconds_of(partial(run_evaluation, where, *work, workers=workers))
        times[number].append(took)
    around = [statistics.mean(pair) for pair in pairwise(times[1])]
    ratios = [one / (2 * two) for one, two in zip(around, times[2], strict=True)]
    shown = "; ".join(
        f"{name} {', '.join(f'{seconds:.1f}' for seconds in times[number])} s"
        for number, name in ((1, "one"), (2, "two"))
    )
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"workers, {count} images in turn: {shown}; efficiency {statistics.median(ratios):.3f} "
        f"({each})",
        flush=True,
    )


def report_machine(images: Path, count: int) -> None:
    """How much of a core's speed each of two processes keeps that share nothing."""
    command = [sys.executable, __file__, "--alone", str(images), "--busy-images", str(count)]

    def at_once(processes: int) -> float:
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
        ]
        return statistics.mean(float(one.communicate()[0]) for one in running)

    pairs = [(at_once(1), at_once(2)) for _ in range(REPEATS)]
    shown = ", ".join(f"{alone:.1f} and {both:.1f} s" for alone, both in pairs)
    share = statistics.median(alone / both for alone, both in pairs)
    print(f"the same work in one process alone and in two at once: {shown}; each keeps {share:.3f}")


def compute_alone(images: Path, count: int) -> None:
    """The work of one worker in this process; prints its seconds."""
    dataset, rest = load_folder(images, CATEGORIES), (model(BUSY, 2 * SIDE),)
    with tempfile.TemporaryDirectory() as folder:
        for name, number in (("warm", 8 * UNIT), ("timed", count)):
            work = (Path(folder) / name, *rest, some(dataset, number), *busy_recipes())
            seconds = seconds_of(partial(run_evaluation, *work))
    print(seconds)


def report_on_paper(dataset: Dataset, count: int, folder: Path) -> None:
    """From this process's CPU time where workers have next to nothing to do, what a cluster can."""
    load, methods = partial(model, TINY, SIDE), busy_recipes()[0]
    rest = (load(), some(dataset, count), methods, [METRICS["sparseness"]()])
    with Workers(load, 2) as workers:
        run_evaluation(folder / "warm", *rest, workers=workers)
        start = time.process_time()
        run_evaluation(folder / "timed", *rest, workers=workers)
        each = (time.process_time() - start) / (count * len(methods))
    total = PAPER_IMAGES * PAPER_METHODS * each
    print(
        f"this process takes {each * 1e3:.2f} ms per image and method. On paper, {PAPER_IMAGES:,} "
        f"images x {PAPER_METHODS} methods on {PAPER_WORKERS:,} workers: {total / 60:.0f} min in "
        f"it, so it is the first bottleneck where a worker takes less than "
        f"{each * PAPER_WORKERS:.1f} s per image and method; shards have a process each"
    )


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report_prediction(dataset: Dataset, count: int, folder: Path) -> None:
    rest = (model(BUSY, 2 * SIDE), some(dataset, count), *busy_recipes())
    shares = []
    for repeat in range(REPEATS):
        place = folder / str(repeat)
        told = make_plan(place, *rest)
        seconds = seconds_of(partial(run_evaluation, place, *rest))
        disk = sum(path.stat().st_size for path in files_of(place)) / 1e6
        shares.append((told.seconds / seconds, told.megabytes / disk))
        print(
            f"predicted {told.seconds:.1f} s and {told.megabytes:.1f} MB, took {seconds:.1f} s and "
            f"{disk:.1f} MB: {shares[-1][0]:.2f} and {shares[-1][1]:.2f} of it"
        )
    time_share, disk_share = map(statistics.median, zip(*shares, strict=True))
    print(f"the medians: {time_share:.2f} and {disk_share:.2f} of it")


def files_of(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, nargs="+", default=[500, 2000, 8000, 20000])
    parser.add_argument(
        "--busy-images", type=int, default=1024, help="for workers and prediction; 0: neither"
    )
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        return compute_alone(chosen.alone, chosen.busy_images)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        most = max(*chosen.images, chosen.busy_images + 8 * UNIT)
        dataset = load_folder(write_images(folder / "images", most), CATEGORIES)
        print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        report_growth(dataset, chosen.images, folder / "growth")
        if chosen.busy_images:
            report_prediction(dataset, chosen.busy_images, folder / "plan")
            report_workers(dataset, chosen.busy_images, folder / "workers")
            report_machine(folder / "images", chosen.busy_images)
            report_on_paper(dataset, min(most, PAPER_SAMPLE), folder / "paper")
        print(f"load of the machine {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
