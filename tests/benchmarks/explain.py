"""Time of every method per image, in units of one forward pass of the same model.

    python tests/benchmarks/explain.py --classifier orchard --methods cam lime --images 8

The unit is measured in the same run: the fastest forward pass per image in a batch of that many
images, in channels_last under inference_mode; one image alone is printed beside it. `passes` is
what the method's definition needs (a backward pass counts 2). `--classifier random:resnet50` needs
no weights; `--cheap` lowers samples and steps, for a quick look; `--processor-time --threads 1` is
less disturbed by other programs. Compare ratios, not seconds.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torchvision import models

from xai_core.catalog import configure
from xai_core.evaluation.allocator import keep_blocks
from xai_core.images.reading import Photo
from xai_core.methods import METHODS, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier

CHEAP = {"samples": 50, "steps": 10, "draws": 1, "channels": 50}


def pictures(count: int) -> list[Photo]:
    """Seeded images of discs on gradients, so that nothing has to be there."""
    photos = []
    for seed in range(count):
        random = np.random.default_rng(seed)
        rows, columns = np.mgrid[0:256, 0:256] / 256
        rgb = np.stack([rows, columns, 0.5 + 0 * rows], axis=-1) + random.normal(
            0, 0.02, (256, 256, 3)
        )
        for _ in range(6):
            centre, radius = random.uniform(0, 1, 2), random.uniform(0.05, 0.25)
            disc = np.hypot(rows - centre[0], columns - centre[1]) < radius
            rgb[disc] = random.uniform(0, 1, 3)
        pixels = (rgb.clip(0, 1) * 255).astype(np.uint8)
        photos.append(Photo(f"{seed}.png", pixels, f"{seed:064x}"))
    return photos


def network(name: str) -> Classifier:
    """A classifier by name; `random:resnet50` is the architecture with random weights."""
    if not name.startswith("random:"):
        return load_classifier(name)
    torch.manual_seed(0)
    made = models.get_model(name.removeprefix("random:"), weights=None)
    return Classifier.of(made, tuple(str(index) for index in range(1000)), name=name)


CLOCKS = {False: time.perf_counter, True: time.process_time}
clock = CLOCKS[False]


def seconds(run: Callable[[], object], repeats: int) -> float:
    """The median time of some runs, after one to warm up (only one run where `repeats` is 1)."""
    times = []
    for _ in range(repeats + (repeats > 1)):
        start = clock()
        run()
        times.append(clock() - start)
    return statistics.median(times[1:] or times)


def forward_seconds(batch: Batch, repeats: int) -> float:
    """The fastest forward pass of the batch, per image."""
    with torch.inference_mode():
        network_, images = batch.classifier.network, batch.images
        return min(seconds(lambda: network_(images), 1) for _ in range(repeats + 1)) / len(images)


def cheaper(method: Method) -> Method:
    declared = method.declared()
    changes = {
        name: min(value, getattr(method, name)) or value
        for name, value in CHEAP.items()
        if name in declared
    }
    return dataclasses.replace(method, **changes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--classifier", default="orchard", help="a name, or random:ARCHITECTURE")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--threads", type=int, default=0, help="0: as torch chooses")
    parser.add_argument("--repeats", type=int, default=3, help="for methods of under 100 passes")
    parser.add_argument("--cheap", action="store_true", help="few samples and steps")
    parser.add_argument("--processor-time", action="store_true", help="instead of wall time")
    arguments = parser.parse_args()
    global clock
    clock = CLOCKS[arguments.processor_time]
    keep_blocks()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    classifier = network(arguments.classifier)
    photos = pictures(arguments.images)
    batch = Batch.of(classifier, photos)
    unit = forward_seconds(batch, 5)
    single = forward_seconds(batch.part(0), 5)
    print(
        f"{classifier.name}, {classifier.form.size} px, {torch.get_num_threads()} threads; one "
        f"forward pass per image: {unit * 1000:.1f} ms in a batch of {len(batch)} (the unit), "
        f"{single * 1000:.1f} ms alone"
    )
    print(f"{'method':24} {'passes':>8} {'units':>9} {'units/pass':>10} {'ms/image':>10}")
    for method in configure(arguments.methods, METHODS):
        method = cheaper(method) if arguments.cheap else method
        if reason := method.unfit(classifier):
            print(f"{method.name:24} does not fit: {reason}")
            continue
        passes = method.passes(classifier)

        def explain(method: Method = method) -> None:
            fresh = Batch.of(classifier, photos)  # its own forward pass, its own superpixels
            method.attribute(fresh, torch.zeros(len(fresh), 1, dtype=torch.int64))

        repeats = arguments.repeats if passes < 100 else 1
        taken = seconds(explain, repeats) / len(batch)
        per_pass = f"{taken / unit / passes:10.2f}" if passes else f"{'-':>10}"
        print(
            f"{method.name:24} {passes:8.0f} {taken / unit:9.2f} {per_pass} {taken * 1000:10.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
