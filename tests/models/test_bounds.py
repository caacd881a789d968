"""Files that claim more than they hold are refused in a sentence, quickly and in little memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from xai_core.models.torchvision_networks import build_network

SECONDS, MEGABYTES = 2.0, 500
MEASURED = """
import resource, sys, time
from xai_core.models.loading import BadClassifier, load_classifier
load_classifier("orchard")  # imports, and what any model needs
top = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, started = top(), time.process_time()
try:
    load_classifier(sys.argv[1])
except BadClassifier as error:
    print(error)
    print(time.process_time() - started, top() - before)
"""


def claiming(folder: Path) -> str:
    """1.5 MB, of which the head claims 1,000,000 classes."""
    weights = build_network("shufflenet_v2_x0_5", 2).state_dict()
    weights["fc.weight"] = torch.zeros(1).expand(10**6, 1024)
    weights["fc.bias"] = torch.zeros(1).expand(10**6)
    torch.save(weights, folder / "claims.pth")
    return f"shufflenet_v2_x0_5@{folder / 'claims.pth'}"


def holding(folder: Path) -> str:
    """A head that holds 1,000,000 rows of one value each."""
    weights = build_network("shufflenet_v2_x0_5", 2).state_dict()
    weights["fc.weight"], weights["fc.bias"] = torch.zeros(10**6, 1), torch.zeros(10**6)
    torch.save(weights, folder / "holds.pth")
    return f"shufflenet_v2_x0_5@{folder / 'holds.pth'}"


def card(folder: Path) -> str:
    """A model card of a few MB with 1,000,000 names; its resnet50 would need 8 GB."""
    form = {"size": 224, "resize": 224, "mean": [0.5] * 3, "std": [0.2] * 3}
    names = [str(index) for index in range(10**6)]
    content = {"name": "x", "architecture": "resnet50", "categories": names, "form": form}
    (folder / "x.json").write_text(json.dumps({**content, "weights": "x.safetensors"}))
    return str(folder / "x.json")


def header(folder: Path) -> str:
    """A safetensors file whose header claims 4 GB."""
    told = {"fc.weight": {"dtype": "F32", "shape": [10**6, 1024], "data_offsets": [0, 4 * 10**9]}}
    text = json.dumps(told).encode()
    (folder / "x.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 64)
    return f"resnet18@{folder / 'x.safetensors'}"


def torn(folder: Path) -> str:
    torch.save(build_network("resnet18", 5).state_dict(), folder / "torn.pth")
    content = (folder / "torn.pth").read_bytes()
    (folder / "torn.pth").write_bytes(content[: len(content) // 2] + b"\0" * 100)
    return f"resnet18@{folder / 'torn.pth'}"


REFUSED: dict[str, tuple[Callable[[Path], str], str]] = {
    "claims": (claiming, "claims 1,000,000"),
    "holds": (holding, "has 1,000,000 classes; at most 100,000"),
    "card": (card, "has 1,000,000 classes; at most 100,000"),
    "header": (header, "damaged, incomplete or not a checkpoint"),
    "torn": (torn, "damaged, incomplete or not a checkpoint"),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read by getrusage")
@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_within_bounds(
    tmp_path: Path, kind: str, record_property: Callable[[str, object], None]
) -> None:
    make, sentence = REFUSED[kind]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, make(tmp_path)], capture_output=True, text=True, check=True
    )
    told, measured = done.stdout.splitlines()
    seconds, megabytes = map(float, measured.split())
    assert sentence in told
    assert seconds < SECONDS  # of this process: others on the machine do not count
    assert megabytes < MEGABYTES
    record_property("measured", f"{kind}: refused in {seconds:.2f} s and {megabytes:.0f} MB")
