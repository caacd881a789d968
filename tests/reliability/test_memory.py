"""A run's memory does not grow with the number of images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("resource", reason="Windows does not tell a process its peak memory")
ROOT = Path(__file__).resolve().parents[2]
EVALUATE = """
import resource, sys
sys.path.insert(0, {root!r})
from xai_core.evaluation.allocator import keep_blocks, share_blocks
keep_blocks()
share_blocks()
import torch
torch.set_num_threads(1)
from tests.conftest import TinyNetwork, seeded
from xai_core.models.classifier import Classifier
from xai_core.evaluation.dataset import load_folder
from xai_core.evaluation.run import run_evaluation
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
classifier = Classifier.of(
    seeded(TinyNetwork), tuple("abcde"), name="tiny", form=InputFormat(size=64, resize=72)
)
report = run_evaluation(
    {run!r}, classifier, load_folder({pictures!r}, classifier.categories),
    [METHODS["cam"](), METHODS["random"]()],
    [METRICS["deletion"](steps=4), METRICS["sparseness"]()], limit={count},
)
assert report.images == {count}, report.describe()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kb(pictures: Path, run: Path, count: int) -> int:
    code = EVALUATE.format(root=str(ROOT), run=str(run), pictures=str(pictures), count=count)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout.split()[-1])


@pytest.mark.slow
def test_peak_memory_of_2000_images_is_that_of_50(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for index in range(2000):
        folder = tmp_path / "pictures" / "abcde"[index % 5]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:04}.png", compress_level=1)
    few = peak_kb(tmp_path / "pictures", tmp_path / "few", 50)
    many = peak_kb(tmp_path / "pictures", tmp_path / "many", 2000)
    print(f"peak memory: {few / 1024:.0f} MB for 50 images, {many / 1024:.0f} MB for 2,000")
    assert many <= 1.1 * few


OPEN = """
import re, sys
sys.path.insert(0, {root!r})
from xai_core.images.reading import open_image
def peak():  # of this program alone; getrusage tells the parent's where that was larger
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
start = peak()
rgb = open_image({file!r}).rgb
print(peak() - start)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("kind", ["16-bit grey", "float", "transparent"])
def test_a_legal_but_large_picture_takes_its_pixels_twice_and_little_more(
    tmp_path: Path, kind: str
) -> None:
    side = 7000
    made = {
        "16-bit grey": (np.full((side, side), 3000, np.uint16), "a.png", 2),
        "float": (np.full((side, side), 30.5, np.float32), "a.tif", 4),
        "transparent": (np.full((side, side, 4), 130, np.uint8), "a.png", 4),
    }
    pixels, name, decoded_bytes = made[kind]
    options = {"compression": "tiff_deflate"} if name.endswith(".tif") else {}
    Image.fromarray(pixels).save(tmp_path / name, **options)
    assert (tmp_path / name).stat().st_size < 2**20
    code = OPEN.format(root=str(ROOT), file=str(tmp_path / name))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    needed = side * side * (decoded_bytes + 3) / 2**20
    peak = int(done.stdout) / 1024
    print(f"{kind}: {peak:.0f} MB above the start; file and photo together are {needed:.0f} MB")
    assert 0.9 * needed < peak < needed + 100
