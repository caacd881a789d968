"""ImageNet's ResNet-50 from its download to maps, scores and fine-tuning, with random weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import ResNet50_Weights, resnet50

from tests.conftest import picture, write_colours
from xai_core.__main__ import main
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.tables import load_scores
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.loading import BadClassifier, load_classifier
from xai_core.models.torchvision_networks import imagenet_categories

NAME = "resnet50:IMAGENET1K_V2"
URL = "https://download.pytorch.org/models/"


def test_the_weights_are_where_torchvision_puts_them() -> None:
    assert ResNet50_Weights.IMAGENET1K_V2.url == f"{URL}resnet50-11ad3fa6.pth"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A hub cache that a download has filled, and no way to the internet; the file in it.

    Its content is random, so its digest is not the published one: what torchvision expects is
    changed to it, in the place where torchvision says it, and everything else is as it is.
    """

    def no_way(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    home = tmp_path_factory.mktemp("torch")
    with torch.random.fork_rng(), pytest.MonkeyPatch.context() as patch:
        torch.manual_seed(0)
        network = resnet50(weights=None)
        for name, value in network.named_parameters():
            if name.endswith("bn3.weight"):  # else a random model's signal grows in each block
                value.data.fill_(0.3)
        file = home / "hub" / "checkpoints" / "unfinished"
        file.parent.mkdir(parents=True)
        torch.save(network.state_dict(), file)
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        file = file.rename(file.with_name(f"resnet50-{digest[:8]}.pth"))
        patch.setenv("TORCH_HOME", str(home))
        patch.setattr(torch.hub, "_hub_dir", None)
        patch.setattr(torch.hub, "urlopen", no_way)
        patch.setattr(torch.cuda, "is_available", lambda: False)
        patch.setattr(ResNet50_Weights.IMAGENET1K_V2.value, "url", f"{URL}{file.name}")
        yield file


@pytest.fixture(scope="module")
def classifier(hub: Path) -> Classifier:
    return load_classifier(NAME)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos in folders that name classes of ImageNet."""
    root = tmp_path_factory.mktemp("photos")
    for seed, name in enumerate(("tench", "Bull_mastiff")):
        (root / name).mkdir()
        Image.fromarray(picture(seed).rgb).save(root / name / f"{seed}.png")
    return root


def test_it_loads_with_its_weights_classes_and_preprocessing(
    hub: Path, classifier: Classifier
) -> None:
    assert classifier.categories == imagenet_categories()
    assert classifier.form == InputFormat(size=224, resize=232)
    assert classifier.stage == "layer4"
    stored = torch.load(hub, weights_only=True)
    own = classifier.network.state_dict()
    assert list(own) == list(stored)
    assert all(torch.equal(own[key], stored[key]) for key in stored)


def test_its_map_adds_up_to_the_logit(classifier: Classifier) -> None:
    batch = Batch.of(classifier, [picture(0)])
    targets = batch.top(2)
    assert classifier.head is not None
    maps = METHODS["cam"]().attribute(batch, targets)
    logits = maps.mean(dim=(2, 3)) + classifier.head.bias[targets]
    torch.testing.assert_close(logits, batch.logits.gather(1, targets), atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_the_command_line_explains_and_evaluates_with_it(
    hub: Path, classifier: Classifier, photos: Path, tmp_path: Path
) -> None:
    photo = photos / "tench" / "0.png"
    methods = ["--methods", "cam", "grad_cam"]
    arguments = ["explain", str(photo), "--classifier", NAME, "--out", str(tmp_path / "maps")]
    assert main([*arguments, *methods, "--top-k", "1"]) == 0
    record = json.loads((tmp_path / "maps" / "explain.json").read_text())
    (told,) = json.loads((tmp_path / "maps" / "images.jsonl").read_text())["classes"]
    assert record["classifier_fingerprint"] == classifier.fingerprint
    assert told["category"] == imagenet_categories()[told["index"]]
    with np.load(tmp_path / "maps" / "maps" / "00000.npz") as maps:
        cam, grad_cam = (maps[f"0/{method}/{told['index']}"] for method in ("cam", "grad_cam"))
    assert np.corrcoef(cam.ravel(), grad_cam.ravel())[0, 1] > 0.9999

    run = tmp_path / "run"
    arguments = ["evaluate", "--dataset", str(photos), "--classifier", NAME, "--run-dir", str(run)]
    assert main([*arguments, *methods, "--metrics", "average_drop", "sparseness"]) == 0
    manifest, scores = load_manifest(run), load_scores(run)
    assert manifest["classifier"]["fingerprint"] == classifier.fingerprint
    assert manifest["source"] == NAME
    assert {image["image"]: image["label"] for image in manifest["images"]} == {
        "tench/0.png": 0,
        "Bull_mastiff/1.png": 243,
    }
    assert len(scores) == 2 * 2 * 2
    assert scores["score"].notna().all()


def test_it_is_fine_tuned_from_layer4_on(hub: Path, classifier: Classifier, tmp_path: Path) -> None:
    colours = {"sweet corn": (220, 200, 40), "onion": (150, 90, 60)}
    write_colours(tmp_path / "fruit", colours, 3)
    out = tmp_path / "out"
    arguments = [
        "train", "--data", str(tmp_path / "fruit"), "--architecture", "resnet50",
        "--weights", "IMAGENET1K_V2", "--freeze-until", "layer4", "--epochs", "1", "--size", "64",
        "--out", str(out), "--set", "learning_rate=0.01",
    ]  # fmt: skip
    assert main(arguments) == 0
    tuned = load_classifier(out)
    assert tuned.categories == ("onion", "sweet corn")
    assert tuned.form == InputFormat(size=64, resize=64)
    before, after = classifier.network.state_dict(), tuned.network.state_dict()
    frozen = [key for key in before if not key.startswith(("layer4", "fc"))]
    assert all(torch.equal(before[key].half().float(), after[key].float()) for key in frozen)
    assert not torch.equal(before["layer4.2.conv3.weight"].half(), after["layer4.2.conv3.weight"])
    batch = Batch.of(tuned, [picture(0)])
    assert METHODS["secam"]().attribute(batch, batch.predicted[:, None]).isfinite().all()


def refusal() -> str:
    with pytest.raises(BadClassifier) as caught:
        load_classifier(NAME)
    return str(caught.value)


def test_a_damaged_download_and_none_at_all_are_told_in_one_sentence(
    hub: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "hub" / "checkpoints" / hub.name
    other.parent.mkdir(parents=True)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    told = hub.stem.removeprefix("resnet50-")
    missing = (
        f"the weights of {NAME} could not be downloaded (<urlopen error no route to host>): get "
        f"{URL}{hub.name} on a connected machine and put it at {other}, or use the embedded "
        'model "orchard"'
    )
    assert refusal() == missing
    assert main(["explain", str(photos / "tench" / "0.png"), "--classifier", NAME]) == 2
    assert capsys.readouterr().err == f"error: {missing}\n"
    with hub.open("rb") as whole, other.open("wb") as half:
        half.write(whole.read(1_000_000))
    found = refusal()
    assert found.startswith(f"{other}: is damaged (its sha256 begins with ")
    assert found.endswith(f", not with {told}); delete it and load {NAME} again")
    assert other.is_file()  # nothing of the user's is deleted
