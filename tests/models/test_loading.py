"""Classifiers come from cards, checkpoints and torchvision; what does not fit is said plainly."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import get_model_weights

from xai_core.images.reading import InputFormat
from xai_core.models.checkpoints import read_weights
from xai_core.models.loading import BadClassifier, load_classifier
from xai_core.models.model_description import Description
from xai_core.models.sources import embedded
from xai_core.models.sources.checkpoint import classes_in
from xai_core.models.sources.embedded import MODELS, embedded_names
from xai_core.models.starting_weights import starting_weights
from xai_core.models.torchvision_networks import build_network, imagenet_categories
from xai_core.training.trainer import save_network

SMALL = "shufflenet_v2_x0_5"
FORM = {"size": 64, "resize": 72, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}


def network_of(classes: int = 3, architecture: str = SMALL) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_network(architecture, classes).eval()


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    return {key: value.contiguous() for key, value in network.state_dict().items()}


def card_of(classes: int = 3) -> dict[str, Any]:
    names = [f"kind {index}" for index in range(classes)]
    return {"architecture": SMALL, "arguments": {}, "categories": names, "form": FORM}


def refusal(*arguments: Any, **options: Any) -> str:
    with pytest.raises(BadClassifier) as caught:
        load_classifier(*arguments, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


Save = Callable[[Path, dict[str, Any]], None]
SAVERS: dict[str, Save] = {
    ".pth": lambda path, tensors: torch.save(tensors, path),
    ".safetensors": lambda path, tensors: save_file(tensors, path),
}


@pytest.mark.parametrize("suffix", SAVERS)
def test_a_state_dict_loads_with_its_architecture_and_keeps_its_weights(
    tmp_path: Path, suffix: str
) -> None:
    network, path = network_of(), tmp_path / f"mine{suffix}"
    SAVERS[suffix](path, tensors_of(network))
    classifier = load_classifier(path, architecture=SMALL, categories=["a", "b", "c"])
    assert classifier.name == "mine"
    assert classifier.categories == ("a", "b", "c")
    assert classifier.form == InputFormat(224, 256)
    for key, value in network.state_dict().items():
        assert torch.equal(classifier.network.state_dict()[key], value)
    named = load_classifier(f"{SMALL}@{path}")
    assert named.source == f"{SMALL}@{path}"
    assert named.categories == ("class 0", "class 1", "class 2")
    assert named.fingerprint == classifier.fingerprint


@pytest.mark.parametrize("suffix", SAVERS)
@pytest.mark.parametrize(
    "architecture",
    ["resnet18", "mobilenet_v3_small", "squeezenet1_1", "mnasnet0_5", "regnet_y_400mf"],
)
def test_the_number_of_classes_is_read_from_the_last_layer(
    tmp_path: Path, architecture: str, suffix: str
) -> None:
    path = tmp_path / f"w{suffix}"
    SAVERS[suffix](path, tensors_of(network_of(7, architecture)))
    assert classes_in(read_weights(path), architecture) == 7


def test_a_thousand_classes_without_names_are_imagenets(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(tensors_of(network_of(1000)), path)
    names = load_classifier(path, architecture=SMALL).categories
    assert names == imagenet_categories()
    assert (names[0], names[243], names[999]) == ("tench", "bull mastiff", "toilet tissue")


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model"])
def test_wrapped_and_data_parallel_checkpoints_are_unwrapped(tmp_path: Path, wrapper: str) -> None:
    tensors = {f"module.{key}": value for key, value in tensors_of(network_of()).items()}
    path = tmp_path / "w.pth"
    torch.save({wrapper: tensors, "epoch": 3}, path)
    assert list(read_weights(path)) == list(network_of().state_dict())


def test_half_precision_is_cast_to_single(tmp_path: Path) -> None:
    tensors = {
        k: v.half() if v.is_floating_point() else v for k, v in tensors_of(network_of()).items()
    }
    path = tmp_path / "w.safetensors"
    save_file(tensors, path)
    network = load_classifier(path, architecture=SMALL).network
    for key, value in network.state_dict().items():
        assert value.dtype == (torch.float32 if value.is_floating_point() else torch.int64)
        assert torch.equal(value, tensors[key].to(value.dtype))


def test_a_hidden_layer_of_another_width_keeps_the_architectures_own_activation(
    tmp_path: Path,
) -> None:
    network = network_of(3, "mobilenet_v3_small")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network.classifier[0], network.classifier[3] = nn.Linear(576, 40), nn.Linear(40, 3)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    told = Description(size=(64,))
    classifier = load_classifier(
        tmp_path / "w.pth", architecture="mobilenet_v3_small", description=told
    )
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(images)
    torch.testing.assert_close(classifier.logits(images), expected, rtol=0, atol=1e-5)
    assert not any("assumed" in note for note in classifier.notes)


def test_layers_with_nothing_between_them_are_not_guessed(tmp_path: Path) -> None:
    network = build_network("resnet18", 3)
    network.fc = nn.Sequential(nn.Linear(512, 8), nn.Linear(8, 3))
    torch.save(network.state_dict(), tmp_path / "w.pth")
    with pytest.raises(BadClassifier, match=r"the head differs: it has fc\.0\.bias \(8,\)"):
        load_classifier(tmp_path / "w.pth", architecture="resnet18")


def test_a_folder_written_by_save_network_loads_with_everything_on_its_card(
    tmp_path: Path,
) -> None:
    network = network_of()
    written = save_network(network, card_of(), tmp_path, "fruit")
    card = json.loads((tmp_path / "fruit.json").read_text())
    assert card["sha256"] == hashlib.sha256(written.read_bytes()).hexdigest()
    assert card["bytes"] == written.stat().st_size
    loaded = [
        load_classifier(tmp_path),
        load_classifier(tmp_path / "fruit.json"),
        load_classifier(written, architecture=SMALL),
    ]
    for classifier in loaded:
        assert classifier.name == "fruit"
        assert len(classifier.categories) == 3
        assert classifier.fingerprint == loaded[0].fingerprint
    assert loaded[0].categories == ("kind 0", "kind 1", "kind 2")
    assert loaded[0].form == InputFormat(64, 72, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
    for key, value in network.state_dict().items():
        kept = value.half().float() if value.is_floating_point() else value
        assert torch.equal(loaded[0].network.state_dict()[key], kept)


def test_embedded_networks_load_by_name_the_default_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("berry", "orchard", "apple"):
        save_network(network_of(), card_of(), tmp_path, name)
    monkeypatch.setattr(embedded, "MODELS", tmp_path)
    assert embedded_names() == ("orchard", "apple", "berry")
    assert load_classifier("berry").name == "berry"


def test_the_shipped_networks_are_those_of_their_cards() -> None:
    assert "orchard" in embedded_names()
    for name in embedded_names():
        card = json.loads((MODELS / f"{name}.json").read_text())
        content = (MODELS / card["weights"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == card["sha256"], name
        assert load_classifier(name).categories == tuple(card["categories"])


def test_another_architecture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(tensors_of(network_of()), path)
    sentence = refusal(path, architecture="resnet18", categories=["a", "b", "c"])
    assert sentence.startswith(f"{path}: does not fit resnet18: it lacks 'bn1.bias' (")
    assert sentence.endswith("names differ in all); is this the right architecture?")
    wider = refusal(path, architecture="shufflenet_v2_x1_0", categories=["a", "b", "c"])
    assert "does not fit shufflenet_v2_x1_0: " in wider
    assert "is this the right architecture?" in wider


def test_missing_and_unknown_names_are_named(tmp_path: Path) -> None:
    tensors, path = tensors_of(network_of()), tmp_path / "w.pth"
    torch.save({k: v for k, v in tensors.items() if k != "conv5.0.weight"}, path)
    assert refusal(path, architecture=SMALL) == (
        f"{path}: does not fit {SMALL}: it lacks 'conv5.0.weight' (1 names differ in all); "
        "is this the right architecture?"
    )
    torch.save({**tensors, "extra.weight": torch.ones(1)}, path)
    assert "it has 'extra.weight' (1 names" in refusal(path, architecture=SMALL)
    torch.save({k: v for k, v in tensors.items() if not k.startswith("fc.")}, path)
    assert "it lacks 'fc.bias' (2 names" in refusal(path, architecture=SMALL)


def test_counters_of_batch_norm_may_be_missing(tmp_path: Path) -> None:
    tensors, path = tensors_of(network_of()), tmp_path / "w.pth"
    torch.save({k: v for k, v in tensors.items() if "num_batches" not in k}, path)
    assert len(load_classifier(path, architecture=SMALL).categories) == 3


def test_another_number_of_classes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(tensors_of(network_of()), path)
    assert refusal(path, architecture=SMALL, categories=["a", "b"]) == (
        f"{path}: has 3 classes, but 2 category names were given"
    )


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("write", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
def test_code_in_a_pickle_is_not_run(tmp_path: Path, write: Callable[[Any, Path], Any]) -> None:
    path, sprung = tmp_path / "w.pth", tmp_path / "sprung"
    write({"fc.weight": Trap(sprung)}, path)
    sentence = refusal(path, architecture=SMALL)
    assert not sprung.exists()
    assert sentence == (
        f"{path}: holds Python objects besides weights, not loaded because they could run code; "
        "save model.state_dict() instead"
    )
    torch.load(path, weights_only=False) if write is torch.save else pickle.loads(path.read_bytes())
    assert sprung.exists()  # the trap works where it is not defused


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(nn.Sequential(nn.Linear(2, 2)), path)
    assert "save model.state_dict() instead" in refusal(path, architecture=SMALL)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("damage", ["empty", "text", "half"])
def test_damaged_files_are_refused(tmp_path: Path, name: str, damage: str) -> None:
    path = tmp_path / name
    SAVERS[path.suffix](path, tensors_of(network_of()))
    content = path.read_bytes()
    path.write_bytes({"empty": b"", "text": b"hello", "half": content[: len(content) // 2]}[damage])
    assert refusal(path, architecture=SMALL) == (f"{path}: damaged, incomplete or not a checkpoint")


def test_other_content_missing_files_and_names_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save([torch.ones(1)], path)
    assert refusal(path, architecture=SMALL) == f"{path}: not a state dict (names to tensors)"
    assert "name the torchvision architecture" in refusal(path)
    assert "unknown architecture 'resnet51'" in refusal(path, architecture="resnet51")
    assert refusal(tmp_path / "x.pth") == f"{tmp_path / 'x.pth'}: no such file"
    sentence = refusal("resnet51")
    assert sentence.startswith("unknown model 'resnet51': name an embedded model (")
    sentence = refusal("resnet50:BEST")
    assert sentence == "resnet50 has no weights 'BEST'; it has: IMAGENET1K_V1, IMAGENET1K_V2"
    assert refusal("orchard", device="tpu9").startswith("the device 'tpu9' cannot be used here (")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": None}, "unknown architecture None"),
        ({"categories": 3}, "not a model card"),
        ({"form": {"size": 64}}, "not a model card: it lacks 'resize'"),
        ({"architecture": "resnet51"}, "unknown architecture 'resnet51'"),
        ({"arguments": {"nonsense": 1}}, "not a model card ("),
        ({"weights": "gone.safetensors"}, "gone.safetensors: no such file"),
    ],
)
def test_a_card_that_cannot_be_used_is_named(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    save_network(network_of(), card_of(), tmp_path, "fruit")
    card = json.loads((tmp_path / "fruit.json").read_text())
    (tmp_path / "fruit.json").write_text(json.dumps({**card, **change}))
    sentence = refusal(tmp_path)
    assert message in sentence
    assert str(tmp_path) in sentence


def test_a_folder_needs_one_card(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    assert "needs one model card (.json) written by train, has 0" in refusal(tmp_path)
    for name in ("a", "b"):
        save_network(network_of(), card_of(), tmp_path, name)
    assert "has 2" in refusal(tmp_path)
    (tmp_path / "a.json").write_bytes(b'{"architecture": \xff')
    assert refusal(tmp_path / "a.json").startswith(f"{tmp_path / 'a.json'}: not a model card (")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch's hub cache, empty, with no way to the internet; the path of SMALL's weights."""

    def no_way(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", no_way)
    return tmp_path / "checkpoints" / "shufflenetv2_x0.5-f707e7126e.pth"


def put_weights(hub: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights in the cache as a download leaves them: their sha256 begins as the name tells."""
    hub.parent.mkdir(exist_ok=True)
    torch.save(network.state_dict(), hub)
    digest = hashlib.sha256(hub.read_bytes()).hexdigest()[:10]
    file = hub.rename(hub.with_name(f"shufflenetv2_x0.5-{digest}.pth"))
    entry = get_model_weights(SMALL).IMAGENET1K_V1.value
    monkeypatch.setattr(entry, "url", f"https://download.pytorch.org/models/{file.name}")
    return file


def test_without_internet_the_file_its_place_and_the_alternative_are_named(hub: Path) -> None:
    assert refusal(SMALL) == (
        f"the weights of {SMALL} could not be downloaded (<urlopen error no route to host>): get "
        f"https://download.pytorch.org/models/{hub.name} on a connected machine and put it at "
        f'{hub}, or use the embedded model "orchard"'
    )


@pytest.mark.parametrize("name", [SMALL, f"{SMALL}:IMAGENET1K_V1"])
def test_weights_in_the_hub_cache_are_used_without_internet(
    hub: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    network = network_of(1000)
    put_weights(hub, network, monkeypatch)
    classifier = load_classifier(name)
    assert classifier.name == name
    assert classifier.categories == imagenet_categories()
    assert torch.equal(classifier.network.fc.weight, network.fc.weight)
    assert classifier.form == InputFormat(224, 256)


@pytest.mark.parametrize("content", [b"", b"<html>captive portal</html>"])
def test_a_damaged_file_in_the_hub_cache_is_named(hub: Path, content: bytes) -> None:
    hub.parent.mkdir()
    hub.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()[:10]
    assert refusal(SMALL) == (
        f"{hub}: is damaged (its sha256 begins with {digest}, not with f707e7126e); delete it and "
        f"load {SMALL} again"
    )


def test_a_file_in_the_hub_cache_with_other_names_in_it_is_named(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put_weights(hub, nn.Linear(2, 2), monkeypatch)
    assert refusal(SMALL) == f"{file}: is damaged; delete it and load {SMALL} again"


def test_a_download_with_another_digest_is_not_kept(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "served.pth"
    served.write_bytes(b"something else")

    def serve(*_: object, **__: object) -> Any:
        return urllib.request.urlopen(served.as_uri())

    monkeypatch.setattr(torch.hub, "urlopen", serve)
    sentence = refusal(SMALL)
    assert not hub.exists()
    assert sentence.startswith(f"the weights of {SMALL} arrived damaged (invalid hash value ")
    assert sentence.endswith(f"on another machine and put it at {hub}")


def test_training_starts_from_a_card_a_checkpoint_or_torchvision(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = network_of()
    folder = tmp_path / "trained"
    path = save_network(network, {**card_of(), "arguments": {"dropout": 0.5}}, folder, "fruit")
    weights, arguments = starting_weights(str(folder), SMALL)
    assert arguments == {"dropout": 0.5}
    assert list(weights) == list(read_weights(path))
    assert starting_weights(str(path), SMALL)[1] == {}
    put_weights(hub, network_of(1000), monkeypatch)
    assert starting_weights("IMAGENET1K_V1", SMALL)[0]["fc.weight"].shape[0] == 1000
    with pytest.raises(BadClassifier, match=f"is a {SMALL}, not a resnet18"):
        starting_weights(str(folder), "resnet18")
