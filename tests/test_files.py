"""Files are whole whatever happens, and what is damaged in them is told in one sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from xai_core import files
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.status import load_status
from xai_core.files import is_file, is_folder, is_there, read_object, write_whole
from xai_core.models.loading import load_classifier
from xai_core.models.torchvision_networks import BadClassifier, build_network
from xai_core.training.trainer import save_network

SMALL = "shufflenet_v2_x0_5"


def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("file", "old")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x80{}", "damaged or not JSON"),
        (b'{"a":', "damaged or not JSON"),
        (b"[" * 100_000, "damaged or not JSON"),
        (b"[1]", "must hold a JSON object"),
        (b"{" + b" " * 200, "more than such a file may have"),
    ],
)
def test_what_is_no_object_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_object(tmp_path / "x.json", limit=100 if b"  " in content else 10**6)


CLASSIFIER = {"name": "n", "fingerprint": "f", "categories": ["a"]}
RUN: dict[str, Any] = {
    "dataset": "d", "classifier": CLASSIFIER, "framing": "whole", "precision": "fp32",
}  # fmt: skip


def test_a_manifest_keeps_what_it_does_not_know() -> None:
    raw = {**RUN, "methods": {}, "metrics": {}, "images": [], "added later": [1, {"x": 2}]}
    found = Manifest.of(raw)
    assert found.others == {"added later": [1, {"x": 2}]}
    assert {**RUN, "added later": [1, {"x": 2}]}.items() <= found.as_dict().items()
    assert found["dataset"] == found.dataset == "d"
    assert Manifest.of(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": 3}, "damaged: images must be a list"),
        ({"images": [3]}, "damaged: images must hold objects"),
        ({"images": [{"image": "a", "path": "b"}]}, "an entry of images has no usable sha256"),
        ({"methods": {"k": {"spec": "cam"}}}, "an entry of methods has no usable name"),
        ({"classifier": {}}, "the classifier needs a name, a fingerprint and categories"),
        ({"dataset": None}, "damaged: dataset must be text"),
    ],
)
def test_a_damaged_manifest_says_where(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Manifest.of({**RUN, **change})


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"state":"asleep"}', '{"state":"done","done":[]}']
)
def test_a_damaged_status_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    assert load_status(tmp_path) is None


def test_weights_that_are_not_their_cards_are_refused(tmp_path: Path) -> None:
    told = {
        "architecture": SMALL, "arguments": {}, "categories": ["a", "b"],
        "form": {"size": 64, "resize": 72, "mean": [0.5] * 3, "std": [0.2] * 3},
    }  # fmt: skip
    network: nn.Module = build_network(SMALL, 2).eval()
    path = save_network(network, told, tmp_path / "mine", "fruit")
    with torch.no_grad():
        next(network.parameters()).add_(1)
    os.replace(save_network(network, told, tmp_path / "other", "fruit"), path)
    with pytest.raises(BadClassifier, match="is not the file of its card"):
        load_classifier(tmp_path / "mine")


@pytest.mark.parametrize("name", ["9" * 5000, "a\0b", "", "nowhere/at/all"])
def test_a_name_that_no_system_takes_is_no_file(name: str) -> None:
    assert not is_there(name)
    assert not is_file(name)
    assert not is_folder(name)
