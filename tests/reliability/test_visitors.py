"""Memory does not grow with the number of visitors and their photos."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VISIT = """
import gc, io, sys
sys.path[:0] = [{root!r}, {root!r} + "/dashboard"]
import numpy as np, psutil, torch
from PIL import Image
torch.set_num_threads(1)
import xai_core.models.loading
from tests.conftest import TinyNetwork, seeded
from xai_core.images.reading import InputFormat
from xai_core.models.classifier import Classifier
tiny = Classifier.of(seeded(TinyNetwork), tuple("abcde"), name="tiny", form=InputFormat(64, 72))
xai_core.models.loading.load_classifier = lambda name, **about: tiny
from compute.desk import Desk
from compute.questions import Maps, Prediction
from runs import drawn_images, keeping
from state import uploads
from state.uploads import Upload
from tests.app.at_once import AtOnce

open_pages = set()
def forget(gone):
    keeping.forget(gone)
    uploads.forget(gone)
desk = Desk(AtOnce(), open_pages.__contains__, forget)
random, sessions = np.random.default_rng(0), {{}}
for visitor in range({visitors}):
    coarse = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((4000, 3000)).save(file, "JPEG", quality=85)
    name = f"visitor {{visitor}}"
    photo = sessions[name] = Upload(file.getvalue(), "mine.jpg")
    open_pages.add(name)
    desk.brought(name, [photo.sha256])
    drawn_images.shown_photo(photo, photo.sha256)
    about = ("tiny", photo.sha256, "whole", photo)
    asked = [Prediction(*about), *(Maps(*about, m, (0, 1)) for m in ("cam", "secam", "sobel"))]
    assert len(desk.ask(name, asked, patience=60)) == 4
    if {closes} and visitor >= 3:
        gone = f"visitor {{visitor - 3}}"
        open_pages.discard(gone)
        del sessions[gone]
    if visitor + 1 in ({few}, {visitors}):
        gc.collect()
        print(psutil.Process().memory_info().rss // 2**20)
import os
os._exit(0)
"""
FEW, VISITORS = 10, 40


@pytest.mark.reliability
@pytest.mark.skipif(sys.platform != "linux", reason="memory is given back in other ways elsewhere")
@pytest.mark.parametrize("closes", [True, False], ids=["who leave", "who all stay"])
def test_visitors_with_photos_of_12_mp_keep_memory_flat(closes: bool) -> None:
    code = VISIT.format(root=str(ROOT), visitors=VISITORS, few=FEW, closes=closes)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    few, many = map(int, done.stdout.split())
    print(f"{few} MB after {FEW} visitors, {many} MB after {VISITORS}")
    assert many - few < 36 * 3  # three photos' pixels, where 30 would be 1,080 MB
