"""The identities of the methods, and common sense, on a real model and real photos."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam

from tests.real.conftest import BOXES, BULL_MASTIFF, peaks_inside
from xai_core.images.reading import FRAMINGS, Framing, Photo
from xai_core.images.superpixels import Slic
from xai_core.methods import METHODS
from xai_core.methods._cam import feature_cam
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


@pytest.mark.parametrize("framing", FRAMINGS)
def test_most_photos_are_recognised(
    mobilenet: Classifier, labelled: list[tuple[Photo, int, str]], framing: Framing
) -> None:
    right = 0
    for start in range(0, len(labelled), 10):
        part = labelled[start : start + 10]
        batch = Batch.of(mobilenet, [photo for photo, _, _ in part], framing)
        with torch.inference_mode():
            predicted = mobilenet.logits(batch.images).argmax(dim=1).tolist()
        right += sum(p == label for p, (_, label, _) in zip(predicted, part, strict=True))
    print(f"{framing}: top-1 {right} of {len(labelled)}")
    assert right >= 0.75 * len(labelled)


def test_labels_are_in_the_order_of_the_categories(
    mobilenet: Classifier, labelled: list[tuple[Photo, int, str]]
) -> None:
    for _, index, name in labelled:
        assert mobilenet.categories[index].lower() == name.lower()


def test_the_mean_of_the_cam_plus_the_bias_is_the_logit(few: Batch) -> None:
    classifier, targets = few.classifier, few.top(3)
    assert classifier.head is not None
    maps = feature_cam(few, targets)
    assert maps.shape[-2:] == (7, 7)
    logits = few.logits.gather(1, targets)
    at_features = maps.mean(dim=(2, 3)) + classifier.head.bias[targets]
    enlarged = METHODS["cam"]().attribute(few, targets)
    on_image = enlarged.mean(dim=(2, 3)) + classifier.head.bias[targets]
    print(f"largest error {float((at_features - logits).abs().max()):.1e} at 7 x 7, "
          f"{float((on_image - logits).abs().max()):.1e} at 224 x 224")  # fmt: skip
    torch.testing.assert_close(at_features, logits, atol=1e-4, rtol=0)
    torch.testing.assert_close(on_image, logits, atol=1e-4, rtol=0)


def test_cam_is_captums_grad_cam_before_its_relu(few: Batch) -> None:
    classifier, targets = few.classifier, few.predicted
    network = classifier.private_copy()
    captum = LayerGradCam(network, classifier.module_of(network))
    theirs = captum.attribute(few.images, targets, relu_attributions=False).detach()
    theirs = theirs.sum(dim=1)
    ours = feature_cam(few, targets[:, None])[:, 0]
    for one, other in zip(ours, theirs, strict=True):
        correlation = np.corrcoef(one.flatten(), other.flatten())[0, 1]
        assert correlation > 0.9999


def test_secam_is_the_mean_of_the_cam_over_each_superpixel(few: Batch) -> None:
    targets = few.top(2)
    cams = METHODS["cam"]().attribute(few, targets)
    maps = METHODS["secam"]().attribute(few, targets)
    segments = few.segments(Slic(50, 10.0))
    for index in range(len(few)):
        for label in segments[index].unique():
            region = segments[index] == label
            inside = maps[index][:, region]
            assert torch.equal(inside.amin(dim=1), inside.amax(dim=1))
            torch.testing.assert_close(
                inside[:, 0], cams[index][:, region].double().mean(dim=1).float(),
                atol=1e-4, rtol=1e-4,
            )  # fmt: skip


@pytest.mark.parametrize("method", ["cam", "secam", "grad_cam"])
def test_each_animals_map_peaks_on_that_animal(dog_and_cat: Batch, method: str) -> None:
    targets = torch.tensor([list(BOXES)])
    maps = METHODS[method]().attribute(dog_and_cat, targets)[0].numpy()
    for values, target in zip(maps, BOXES, strict=True):
        name = dog_and_cat.classifier.categories[target]
        assert peaks_inside(values, target), f"{method} of {name} peaks elsewhere"


def test_lime_with_a_seed_repeats_exactly(dog_and_cat: Batch) -> None:
    targets = torch.tensor([[BULL_MASTIFF]])

    def explained(seed: int) -> torch.Tensor:
        lime = METHODS["lime"](samples=20, segments=20, seed=seed)  # type: ignore[call-arg]
        return lime.attribute(dog_and_cat, targets)

    first = explained(3)
    torch.rand(5)
    np.random.random(5)
    assert torch.equal(explained(3), first)
    assert not torch.equal(explained(4), first)


def test_integrated_gradients_add_up_to_the_change_of_the_logit(few: Batch) -> None:
    two = Batch(few.classifier, few.images[:2], few.sha256s[:2])
    method = METHODS["integrated_gradients"](steps=25)  # type: ignore[call-arg]
    diagnostics: dict[str, torch.Tensor] = {}
    targets = two.predicted[:, None]
    maps = method.attribute(two, targets, diagnostics)
    form = two.classifier.form
    black = -torch.tensor(form.mean) / torch.tensor(form.std)
    with torch.no_grad():
        start = two.classifier.logits(black[None, :, None, None].expand(1, 3, 224, 224))
    change = (two.logits - start).gather(1, targets)
    errors = (maps.double().sum(dim=(2, 3)) - change).abs()
    for sha, error, total in zip(two.sha256s, errors[:, 0], change[:, 0], strict=True):
        print(f"{sha[:8]}: logit changes by {total:.3f}, completeness error {error:.3f}")
    torch.testing.assert_close(
        diagnostics["completeness_error"].double(), errors, atol=1e-3, rtol=1e-3
    )
    assert float((errors / change.abs()).max()) < 0.1
