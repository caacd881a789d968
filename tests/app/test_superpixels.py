"""The page's superpixels are SeCAM's own, and the worked example is SLIC."""

import numpy as np
import torch
from frame import worked_example
from runs.steps_to_secam import Look, on_its_grid, secam_steps, slic_steps, sweep
from skimage.color import rgb2lab

from xai_core import DATA
from xai_core.images import heatmap
from xai_core.images.reading import InputFormat, Photo, framed, open_image
from xai_core.images.superpixels import Slic, averaged, grid_labels, slic_labels
from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


def test_steps_end_in_secam(tiny_classifier: Classifier, photos: list[Photo]) -> None:
    batch = Batch.of(tiny_classifier, [photos[0]])
    cam = METHODS["cam"]().attribute(batch, batch.predicted[:, None])[0, 0].numpy()
    secam = METHODS["secam"](segments=20).attribute(batch, batch.predicted[:, None])
    labels = slic_labels(framed(photos[0].rgb, tiny_classifier.form), Slic(20, 10.0))
    ours = torch.from_numpy(averaged(cam, labels))
    torch.testing.assert_close(ours, secam[0, 0], atol=1e-5, rtol=1e-5)


def test_every_step_has_the_photos_own_shape(
    tiny_classifier: Classifier, photos: list[Photo]
) -> None:
    seen = framed(photos[0].rgb, tiny_classifier.form, "center_crop")
    look = Look(photos[0].rgb, seen, tiny_classifier.form, "center_crop", 0.6, 0.8)
    cam = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    steps = [*secam_steps(look, cam, 20, 10.0), *slic_steps(look, 20, 10.0)]
    assert len(steps) == 10
    assert {step.image.shape for step in steps} == {photos[0].rgb.shape}
    rows = sweep(look, cam, (10, 20), (0.5, 0.9), 10.0)
    assert [len(row) for row in rows] == [2, 2]


def test_assignment_goes_by_colour_and_place() -> None:
    """By hand: the nearest centre in CIELAB and place, centres as the squares' means."""
    photo, spacing, compactness = open_image(DATA / "orchard" / "images" / "apple-1-0.jpg"), 32, 10
    rgb = photo.rgb
    look = Look(rgb, rgb, InputFormat(size=224, resize=224), "whole", 0.6, 0.8)
    squares = grid_labels(224, 224, 49)
    colours = rgb2lab(rgb / 255).reshape(-1, 3)
    places = np.stack(np.mgrid[0:224, 0:224], axis=-1).reshape(-1, 2).astype(float)
    distances = []
    for cell in range(49):
        inside = squares.ravel() == cell
        colour, place = colours[inside].mean(axis=0), places[inside].mean(axis=0)
        distance = ((colours - colour) ** 2).sum(axis=1) / compactness**2
        distance += ((places - place) ** 2).sum(axis=1) / spacing**2
        is_near = np.abs(places - place).max(axis=1) <= 2 * spacing
        distances.append(np.where(is_near, distance, np.inf))
    by_hand = np.argmin(distances, axis=0).reshape(224, 224)
    shown = slic_steps(look, 50, compactness)[1]
    outlines = (shown.image != rgb).any(axis=2)
    expected = (look.outlined(by_hand) != rgb).any(axis=2)
    assert (outlines == expected).mean() > 0.97
    assert (outlines == (look.outlined(squares) != rgb).any(axis=2)).mean() < 0.9


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
