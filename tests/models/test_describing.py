"""What a model is recognised as before it is used: known sentences and numbers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from tests.conftest import TinyNetwork
from xai_core.models.loading import BadClassifier, load_classifier
from xai_core.models.model_description import Description
from xai_core.models.recognised import knows
from xai_core.models.sources import describe
from xai_core.models.torchvision_networks import build_network


def test_the_embedded_model_knows_drawn_fruits() -> None:
    told = describe("orchard")
    assert told.knows == ("knows 21 drawn fruits, for example apple, banana, cherry, corn, grape")
    assert (told.source, told.architecture, told.size) == ("embedded", "resnet50", (224, 224))
    assert told.has_cam_head
    assert told.stages[-1] == "layer4"
    assert json.loads(json.dumps(dataclasses.asdict(told)))["outputs"] == "softmax"


def test_weights_that_are_not_here_are_told_with_their_size_and_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    told = describe("resnet50:IMAGENET1K_V1")
    assert told.download_mb == pytest.approx(97.8, abs=0.1)
    assert (told.count, told.resize, told.stages) == (1000, 256, ())
    assert told.knows == (
        "knows 1,000 classes of ImageNet (animals, plants, things of daily life), for example "
        "tench, goldfish, great white shark, tiger shark, hammerhead"
    )
    assert not [*tmp_path.iterdir()]


def test_a_checkpoint_is_told_with_what_was_assumed(tmp_path: Path) -> None:
    network = build_network("resnet18", 3)
    network.conv1 = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    told = describe(
        tmp_path / "w.pth", architecture="resnet18", categories=["cat", "dog", "owl"],
        description=Description(size=(96, 128), mean=(0.5,), std=(0.2,), outputs="sigmoid"),
    )  # fmt: skip
    assert (told.source, told.architecture) == ("checkpoint", "resnet18")
    assert (told.size, told.mean, told.std) == ((96, 128), (0.5,), (0.2,))
    assert told.meaning == "each label by itself (sigmoid)"
    assert told.knows == "knows 3 labels: cat, dog, owl"
    assert told.notes == ("1 input channels",)
    assert load_classifier(told.text).source == told.text


def test_what_cannot_be_loaded_is_told_in_its_sentence() -> None:
    with pytest.raises(BadClassifier, match="unknown model 'resnet51'"):
        describe("resnet51")


def test_sentences_follow_number_names_and_outputs() -> None:
    assert knows(("not ripe", "ripe"), "sigmoid") == "knows 2 labels: not ripe, ripe"
    assert knows(("age",), "none") == "gives 1 value: age"
    assert knows(("class 0", "class 1"), "softmax") == ("knows 2 classes, whose names are not told")
    many = tuple(f"bird {index}" for index in range(200))
    assert knows(many, "softmax") == (
        "knows 200 classes, for example bird 0, bird 1, bird 2, bird 3, bird 4"
    )


def test_a_black_box_or_a_python_file_is_named_by_its_class(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("from tests.conftest import TinyNetwork\nmake = TinyNetwork\n")
    told = describe(f"{tmp_path / 'own.py'}:make", description=Description(size=(64,)))
    assert (told.source, told.architecture) == ("python", TinyNetwork.__name__)
    assert told.way.startswith("traced")
