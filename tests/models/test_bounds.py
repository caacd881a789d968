"""Files that claim more than they hold are refused in a sentence, quickly and in little memory."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from xai_core.models.torchvision_networks import build_network

pytestmark = pytest.mark.xdist_group("bounds")  # measured in one process
SECONDS, MEGABYTES = 2.0, 500
MEASURED = """
import json, os, resource, sys, time
from xai_core.models.loading import BadClassifier, load_classifier
load_classifier("orchard")  # imports, and what any model needs
top = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
for place in sys.argv[1:]:
    if not (child := os.fork()):  # time and peak memory begin anew in each
        before, started = top(), time.process_time()
        try:
            load_classifier(place)
        except BadClassifier as error:
            told = [str(error), time.process_time() - started, top() - before]
            print(json.dumps(told), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
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


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, float]]:
    """Kind -> the sentence, seconds of the process alone (others do not count) and MB."""
    places = [make(tmp_path_factory.mktemp(kind)) for kind, (make, _) in REFUSED.items()]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *places], capture_output=True, text=True, check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # threads do not outlive a fork
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(REFUSED, lines, strict=True))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory in KB, and fork beside torch")
@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_within_bounds(
    kind: str,
    measured: dict[str, tuple[str, float, float]],
    record_property: Callable[[str, object], None],
) -> None:
    told, seconds, megabytes = measured[kind]
    assert REFUSED[kind][1] in told
    assert seconds < SECONDS
    assert megabytes < MEGABYTES
    record_property("measured", f"{kind}: refused in {seconds:.2f} s and {megabytes:.0f} MB")
