"""The page's superpixels are SeCAM's own, and the worked example is SLIC."""

import numpy as np
import torch
import worked_example
from superpixels import Look, on_its_grid, region_means, regions, secam_steps, slic_steps, sweep

from xai_core import heatmap
from xai_core.batch import Batch
from xai_core.classifier import Classifier
from xai_core.images import Photo, framed
from xai_core.methods import METHODS
from xai_core.superpixels import Slic, slic_labels


def test_steps_end_in_secam(tiny_classifier: Classifier, photos: list[Photo]) -> None:
    batch = Batch.of(tiny_classifier, [photos[0]])
    cam = METHODS["cam"]().attribute(batch, batch.predicted[:, None])[0, 0].numpy()
    secam = METHODS["secam"](segments=20).attribute(batch, batch.predicted[:, None])
    labels = regions(framed(photos[0].rgb, tiny_classifier.form), 20, 10.0)
    np.testing.assert_array_equal(labels, slic_labels(batch.rgb[0], Slic(20, 10.0)))
    ours = torch.from_numpy(region_means(cam, labels))
    torch.testing.assert_close(ours, secam[0, 0], atol=1e-5, rtol=1e-5)


def test_every_step_has_the_photos_own_shape(
    tiny_classifier: Classifier, photos: list[Photo]
) -> None:
    seen = framed(photos[0].rgb, tiny_classifier.form, "center_crop")
    look = Look(photos[0].rgb, seen, tiny_classifier.form, "center_crop", 0.6, 0.8)
    cam = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    steps = [*secam_steps(look, cam, 20, 10.0), *slic_steps(look, 20, 10.0)]
    assert len(steps) == 10
    assert {step.picture.shape for step in steps} == {photos[0].rgb.shape}
    rows = sweep(look, cam, (10, 20), (0.5, 0.9), 10.0)
    assert [len(row) for row in rows] == [2, 2]


def test_cams_own_grid_is_found() -> None:
    grid = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32)
    blocks = on_its_grid(heatmap.enlarged(grid, 224, 224))
    np.testing.assert_allclose(blocks[16::32, 16::32], grid, atol=1e-4)


def test_worked_example_settles_on_the_two_greys() -> None:
    rounds = worked_example.passes()
    np.testing.assert_array_equal(rounds[-1].labels, worked_example.GREYS > 50)
    assert worked_example.distance((1, 1), rounds[0].centres[0]) == 0
    by_hand = np.sqrt((60 - 24) ** 2 + (2 / np.sqrt(12.5)) ** 2 * 100)
    assert np.isclose(worked_example.distance((3, 1), rounds[0].centres[0]), by_hand)
