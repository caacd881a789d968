"""Lasting: many explanations in one process and many views of pages; what grows with them."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for place in (ROOT, ROOT / "dashboard"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

METHODS = ("cam", "grad_cam", "secam", "saliency", "guided_backprop", "lrp", "deep_lift", "sobel")
PAGES = ("compare", "cam_vs_secam", "mistakes", "leaderboard", "curves", "ground_truth", "guide")


@dataclass
class Lasted:
    """Memory in MB after two fifths of the work, when what is kept is full, and after all of it."""

    explanations: int = 0
    early_mb: float = 0.0
    late_mb: float = 0.0
    hooks_before: int = 0
    hooks_after: int = 0
    views: int = 0
    pages_early_mb: float = 0.0
    pages_late_mb: float = 0.0


def last(explanations: int, views: int) -> Lasted:
    """Both, the explanations in a process of their own."""
    command = [sys.executable, __file__, str(explanations)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-1500:])
    found = Lasted(**json.loads(done.stdout.splitlines()[-1]))
    _view(found, views)
    return found


def _view(found: Lasted, views: int) -> None:
    from tests.reliability.serving import serving
    from tests.reliability.visitor import visiting

    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as served:
        while found.views < views:
            with visiting(served.address) as visitor:  # a tab that is closed again
                for page in PAGES:
                    visitor.open(page)
                    found.views += 1
                    if found.views == max(len(PAGES), 2 * views // 5):
                        found.pages_early_mb = served.memory_mb()[0]
        found.pages_late_mb = served.memory_mb()[0]


def _explain(count: int) -> Lasted:
    """As the worker does, whose workplace this is, each time an image that is new to it."""
    import numpy as np
    import psutil
    import torch
    from compute.questions import Maps
    from compute.workplace import Workplace

    from xai_core.images.reading import Photo

    torch.set_num_threads(1)
    workplace, random, found = Workplace(), np.random.default_rng(0), Lasted(count)
    network = workplace.classifier("orchard").network
    found.hooks_before = _hooks(network)
    for number in range(count):
        pixels = random.integers(0, 256, (96, 128, 3), dtype=np.uint8)
        about = ("orchard", f"image {number}", "whole", Photo("image", pixels, f"image {number}"))
        answer = workplace.answer_from(Maps(*about, METHODS[number % len(METHODS)], (0,)), {})
        if answer.error:
            raise RuntimeError(answer.error)
        if number + 1 in (max(len(METHODS), 2 * count // 5), count):
            gc.collect()
            found.early_mb = found.late_mb or psutil.Process().memory_info().rss / 2**20
            found.late_mb = psutil.Process().memory_info().rss / 2**20
    found.hooks_after = _hooks(network)
    return found


def _hooks(network: object) -> int:
    """Hooks of all modules of a model."""
    return sum(
        len(held)
        for module in network.modules()  # type: ignore[attr-defined]
        for name, held in vars(module).items()
        if name.endswith("_hooks") and held
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_explain(int(sys.argv[1])))))
