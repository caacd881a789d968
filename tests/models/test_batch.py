"""A batch computes once what all methods share, and nothing depends on its other images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from xai_core.images.reading import FRAMINGS, Framing, Photo, framed
from xai_core.images.superpixels import Slic, slic_labels
from xai_core.models.batch import Batch, image_seed
from xai_core.models.classifier import Classifier

MakeBatch = Callable[[Classifier], Batch]


@pytest.fixture
def passes(tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of images in each pass through the tiny model, in whatever way it is run."""
    seen: list[int] = []
    both, alone = Classifier.stage_and_logits, Classifier.logits

    def stage_and_logits(self: Classifier, images: torch.Tensor, stage: str = "") -> object:
        seen.append(len(images))
        return both(self, images, stage)

    def logits(self: Classifier, images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return alone(self, images)

    monkeypatch.setattr(Classifier, "stage_and_logits", stage_and_logits)
    monkeypatch.setattr(Classifier, "logits", logits)
    return seen


def test_everything_about_the_last_stage_comes_from_one_pass(
    tiny_classifier: Classifier, tiny_batch: MakeBatch, passes: list[int]
) -> None:
    batch = tiny_batch(tiny_classifier)
    assert passes == []
    for _ in range(2):
        assert batch.logits.shape == (4, 5)
        assert batch.activations.shape == (4, 16, 8, 8)
        assert batch.stage_activations() is batch.activations
        assert batch.stage_activations(tiny_classifier.stage) is batch.activations
        assert batch.probabilities.shape == (4, 5)
        assert batch.predicted.shape == (4,)
        assert batch.top(2).shape == (4, 2)
    assert passes == [4]


def test_another_stage_costs_one_more_pass_once(
    tiny_resnet_classifier: Classifier, tiny_batch: MakeBatch, passes: list[int]
) -> None:
    batch = tiny_batch(tiny_resnet_classifier)
    first = batch.stage_activations("layer2")
    assert batch.stage_activations("layer2") is first
    assert passes == [4]
    expected = tiny_resnet_classifier.stage_and_logits(batch.images, "layer2")[0]
    torch.testing.assert_close(first, expected)


def test_logits_are_the_networks_and_the_rest_follows_from_them(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    torch.testing.assert_close(batch.logits, tiny_classifier.network(batch.images))
    exponentials = batch.logits.double().exp()
    torch.testing.assert_close(
        batch.probabilities.double(), exponentials / exponentials.sum(dim=1, keepdim=True)
    )
    order = batch.logits.sort(dim=1, descending=True).indices
    assert torch.equal(batch.predicted, order[:, 0])
    assert torch.equal(batch.top(3), order[:, :3])
    assert torch.equal(batch.top(99), order)
    assert not batch.logits.requires_grad


@pytest.mark.parametrize("framing", FRAMINGS)
def test_rgb_gives_back_the_framed_picture_exactly(
    tiny_classifier: Classifier, photos: list[Photo], framing: Framing
) -> None:
    batch = Batch.of(tiny_classifier, photos, framing)
    for shown, photo in zip(batch.rgb, photos, strict=True):
        assert np.array_equal(shown, framed(photo.rgb, tiny_classifier.form, framing))


def test_rgb_gives_back_every_grey_level(tiny_classifier: Classifier) -> None:
    levels = np.arange(64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
    images = tiny_classifier.prepare(levels)[None]
    assert np.array_equal(Batch(tiny_classifier, images, ["0"]).rgb[0], levels)


def test_segments_are_those_of_the_picture_shown_and_kept(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    segments = batch.segments(Slic(20))
    assert batch.segments(Slic(20)) is segments
    assert batch.segments(Slic(30)) is not segments
    for labels, rgb in zip(segments, batch.rgb, strict=True):
        assert np.array_equal(labels.numpy(), slic_labels(rgb, Slic(20)))


def test_random_numbers_of_an_image_do_not_depend_on_its_batch(
    tiny_classifier: Classifier, photos: list[Photo]
) -> None:
    def draw(batch: Batch, seed: int, index: int) -> list[float]:
        return torch.rand(4, generator=batch.generator(seed, index)).tolist()

    whole, turned = Batch.of(tiny_classifier, photos), Batch.of(tiny_classifier, photos[::-1])
    draws = [draw(whole, 7, index) for index in range(4)]
    assert draws == [draw(turned, 7, 3 - index) for index in range(4)]
    assert draws == [draw(whole.part(index), 7, 0) for index in range(4)]
    assert len({tuple(row) for row in draws}) == 4
    assert draw(whole, 8, 0) != draws[0]


def test_the_seed_of_an_image_is_the_documented_digest() -> None:
    # the first 8 bytes of sha256("3/abc"), big-endian, without the last bit
    assert image_seed(3, "abc") == 0x3BF6166EEBAE3860 >> 1
    assert image_seed(3, "abc") != image_seed(4, "abc")
    assert 0 <= image_seed(0, "") < 2**63


def test_what_is_kept_under_a_key_is_computed_once(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    made: list[torch.Tensor] = []

    def compute() -> torch.Tensor:
        made.append(torch.ones(1))
        return made[-1]

    assert batch.once("a", compute) is batch.once("a", compute)
    assert batch.once("b", compute) is made[1]
    assert len(made) == 2


@pytest.mark.parametrize(
    ("shape", "names"), [((3, 64, 64), 1), ((2, 1, 64, 64), 2), ((2, 3, 64, 64), 1)]
)
def test_images_of_another_shape_are_refused(
    tiny_classifier: Classifier, shape: tuple[int, ...], names: int
) -> None:
    with pytest.raises(ValueError, match=r"images must be \(N, 3, H, W\) with one sha256 each"):
        Batch(tiny_classifier, torch.zeros(shape), ["0"] * names)
