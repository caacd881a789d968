"""How long a page's thread stands still while a model is loaded and explains.

    python tests/benchmarks/stalls.py
    python tests/benchmarks/stalls.py --model my_model.pt2 --image photo.jpg

A thread looks at the clock again and again, as a page's thread would go on drawing, while the
process asks about a model that nobody has asked about yet: a worker, as the dashboard does, and
then, in a process of its own, the same code in a thread. Both have answered for another model
before. Printed are the longest times between two looks and the ratio of their medians; with nothing
at work it is what the system takes away by itself.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dashboard"))

from compute.desk import Desk  # noqa: E402
from compute.questions import Maps, Prediction, Question  # noqa: E402
from compute.workers import Workers  # noqa: E402
from compute.workplace import Workplace  # noqa: E402
from state.uploads import Upload  # noqa: E402

from xai_core.images.reading import Framing  # noqa: E402

METHODS = ("cam", "secam", "grad_cam", "integrated_gradients")
REPEATS = 3
REST_SECONDS = 2.0
PATIENCE_SECONDS = 600.0


def longest_stall(work: Callable[[], object]) -> float:
    """Milliseconds between two looks at the clock at most, while `work` is done elsewhere."""
    other = threading.Thread(target=work)
    longest, last = 0.0, time.perf_counter()
    other.start()
    while other.is_alive():
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        time.sleep(0.001)
    return longest * 1000


def noise(folder: Path) -> Path:
    """The file of a photo of 12 megapixels."""
    coarse = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((4000, 3000)).save(folder / "noise.jpg", quality=85)
    return folder / "noise.jpg"


def questions(model: str, image: Path) -> list[Question]:
    """All that a page asks about an image."""
    photo = Upload(image.read_bytes(), image.name)
    framing: Framing = "whole"
    about = (model, photo.sha256, framing, photo)
    return [Prediction(*about), *(Maps(*about, method, (0,)) for method in METHODS)]


def with_nothing(before: list[Question], asked: list[Question]) -> float:
    return longest_stall(lambda: time.sleep(REST_SECONDS))


def in_a_worker(before: list[Question], asked: list[Question]) -> float:
    workers = Workers()
    desk = Desk(workers)
    try:
        desk.ask("benchmark ", before, PATIENCE_SECONDS)
        return longest_stall(lambda: desk.ask("benchmark ", asked, PATIENCE_SECONDS))
    finally:
        workers.close()


def in_a_thread(before: list[Question], asked: list[Question]) -> float:
    place = Workplace()

    def answer(questions: list[Question]) -> None:
        for question in questions:
            place.answer_from(question, {})

    answer(before)
    return longest_stall(lambda: answer(asked))


WAYS = {"nothing": with_nothing, "worker": in_a_worker, "thread": in_a_thread}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="orchard_shortcut")
    parser.add_argument("--image", type=Path, help="without it 12 megapixels of noise")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.way:
        asked = (questions(model, chosen.image) for model in ("orchard", chosen.model))
        print(WAYS[chosen.way](*asked))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(chosen.model, chosen.image or noise(Path(folder)))


def compare(model: str, image: Path) -> None:
    found: dict[str, float] = {}
    for way in WAYS:  # each in a process that has loaded nothing
        command = [sys.executable, __file__, "--way", way, "--model", model, "--image", str(image)]
        times = [float(subprocess.check_output(command, text=True)) for _ in range(REPEATS)]
        found[way] = statistics.median(times)
        print(f"{way:8} longest stalls {', '.join(f'{each:.0f}' for each in times)} ms", flush=True)
    print(f"thread over worker: {found['thread'] / found['worker']:.1f}")


if __name__ == "__main__":
    main()
