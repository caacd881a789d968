"""`explain FOLDER` over growing folders: seconds per image and peak memory, and both must be flat.

    python tests/benchmarks/explain_folder.py --images 100 400 1600

Each count runs in a process of its own, on small images made on the spot (64 px), with a small
model of random weights (`--classifier` names another). Printed per count: wall seconds without
the start of the process, milliseconds per image, peak resident memory. Exit code 1 where time
per image or memory of the largest folder lies more than 10 % above those of the smallest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1.1
EXPLAIN = """
import resource, sys, time
sys.path.insert(0, {root!r})
import torch
from xai_core.__main__ import main
from xai_core.command_line import explain
from xai_core.models.loading import load_classifier
from xai_core.models.torchvision_networks import build_network
from xai_core.models.classifier import Classifier
from xai_core.images.reading import InputFormat
torch.manual_seed(0)
torch.set_num_threads(1)
if {classifier!r} == "random":
    made = Classifier.of(
        build_network("shufflenet_v2_x0_5", 5), tuple("abcde"), name="random",
        form=InputFormat(size=64, resize=72),
    )
else:
    made = load_classifier({classifier!r})
explain.classifier_of = lambda options: made
clock = {clock}
start = clock()
code = main(["explain", {pictures!r}, "--out", {out!r}, "--methods", *{methods!r}])
seconds = clock() - start
print(code, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measured(
    pictures: Path, out: Path, classifier: str, methods: list[str], clock: str
) -> tuple[float, float]:
    """Seconds and megabytes of one `explain` over a folder."""
    code = EXPLAIN.format(
        root=str(ROOT), classifier=classifier, pictures=str(pictures), out=str(out),
        methods=methods, clock=clock,
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, seconds, megabytes = done.stdout.split()[-3:]
    if status != "0":
        raise RuntimeError(done.stderr[-2000:])
    return float(seconds), float(megabytes)


def write_pictures(folder: Path, count: int, side: int) -> Path:
    """Noise, so that no two files are equal."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for index in range(count):
        pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:05}.png", compress_level=1)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", nargs="+", type=int, default=[100, 400, 1600])
    parser.add_argument("--side", type=int, default=64, help="of the images, in pixels")
    parser.add_argument("--classifier", default="random")
    parser.add_argument("--methods", nargs="+", default=["cam", "grad_cam", "secam"])
    parser.add_argument("--processor-time", action="store_true", help="instead of wall time")
    options = parser.parse_args()
    clock = "time.process_time" if options.processor_time else "time.perf_counter"
    figures = []
    with tempfile.TemporaryDirectory() as place:
        for count in options.images:
            pictures = write_pictures(Path(place, f"pictures{count}"), count, options.side)
            out = Path(place, f"out{count}")
            seconds, megabytes = measured(pictures, out, options.classifier, options.methods, clock)
            figures.append((1000 * seconds / count, megabytes))
            print(
                f"{count:6} images: {seconds:7.1f} s, {figures[-1][0]:6.1f} ms an image, "
                f"{megabytes:6.0f} MB at most",
                flush=True,
            )
    flat = all(figures[-1][i] <= TOLERANCE * figures[0][i] for i in (0, 1))
    print("flat within 10 %" if flat else "not flat")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
