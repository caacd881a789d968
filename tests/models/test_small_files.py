"""Small files that claim much are refused before memory is taken for it."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from xai_core.models.loading import BadClassifier, load_classifier
from xai_core.models.torchvision_networks import build_network
from xai_core.training.trainer import save_network

ROOT = Path(__file__).resolve().parents[2]
SMALL = "shufflenet_v2_x0_5"
LOAD = """
import re, sys
sys.path.insert(0, {root!r})
from xai_core.models.loading import load_classifier
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
before = peak()
try:
    load_classifier({name!r}, architecture={architecture!r})
except ValueError as error:
    print(peak() - before, error)
"""


def refused(name: Path, architecture: str = "") -> tuple[int, str]:
    """By how many MB memory grew, and the sentence."""
    code = LOAD.format(root=str(ROOT), name=str(name), architecture=architecture)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-1000:]
    grown, _, said = done.stdout.partition(" ")
    return int(grown), said.strip()


def card(folder: Path, **changes: Any) -> Path:
    form = {"size": 64, "resize": 72, "mean": [0.5] * 3, "std": [0.2] * 3}
    told = {"architecture": SMALL, "arguments": {}, "categories": ["a", "b"], "form": form}
    save_network(build_network(SMALL, 2).eval(), told, folder, "made")
    path = folder / "made.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


def claimed(path: Path) -> Path:
    """1.5 MB that claim a billion classes: one value, which is looked at a billion times."""
    weights = build_network(SMALL, 2).state_dict()
    weights["fc.weight"] = torch.zeros(1).expand(10**9, 1024)
    weights["fc.bias"] = torch.zeros(1).expand(10**9)
    torch.save(weights, path)
    assert path.stat().st_size < 2 * 2**20
    return path


def deflated(path: Path) -> Path:
    """A checkpoint whose pickle is 2 GB of one byte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("made/data.pkl", "w", force_zip64=True) as file:
            for _ in range(128):
                file.write(b"N" * 2**24)
        archive.writestr("made/version", "3\n")
    assert path.stat().st_size < 16 * 2**20
    return path


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("claimed", "fc.weight claims 1,000,000,000 x 1,024 values, but the file holds 1 of them"),
        ("deflated", "MB that unpack to 2,048 MB are no checkpoint"),
        ("width", "parameters, but made.safetensors has"),
        ("timm", "parameters, but made.safetensors has"),
        ("classes", "has 3,000,000 classes; at most 100,000"),
        ("size", "size and resize must be whole numbers from 1 to 1024"),
    ],
)
def test_what_claims_much_is_refused_before_it_takes_memory(
    kind: str, says: str, tmp_path: Path
) -> None:
    if kind == "timm":
        pytest.importorskip("timm", reason="the extra timm is absent")
    if kind in ("claimed", "deflated"):
        file = {"claimed": claimed, "deflated": deflated}[kind](tmp_path / "w.pth")
        grown, said = refused(file, SMALL)
    else:
        changes: dict[str, Any] = {
            "width": {"architecture": "resnet50", "arguments": {"width_per_group": 60_000}},
            "timm": {"architecture": "timm:vit_giant_patch14_224"},
            "classes": {"categories": ["x"] * 3_000_000},
            "size": {"form": {"size": 10**6, "resize": 72, "mean": [0.5], "std": [0.5]}},
        }[kind]
        grown, said = refused(card(tmp_path, **changes))
    print(f"{kind}: {grown} MB")
    assert says in said
    assert grown < 400


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": "timm:test_resnet", "arguments": {"checkpoint_path": "other.pth"}},
        {"architecture": "timm:local-dir:/elsewhere"},
    ],
)
def test_a_card_of_a_timm_model_reads_no_other_file(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(BadClassifier, match="is named by timm's own name, without files"):
        load_classifier(card(tmp_path, **changes))


def test_a_card_of_its_file_is_taken(tmp_path: Path) -> None:
    assert load_classifier(card(tmp_path)).categories == ("a", "b")


def test_an_archive_that_claims_several_disks_is_called_damaged(tmp_path: Path) -> None:
    """Python's `is_zipfile` raises on one where a no is expected."""
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 2)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    file = tmp_path / "disks.pth"
    file.write_bytes(b"PK\x03\x04" + bytes(60) + locator + end)
    with pytest.raises(BadClassifier, match="damaged, incomplete or not a checkpoint"):
        load_classifier(str(file), architecture=SMALL)
