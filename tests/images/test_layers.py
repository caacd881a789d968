"""Layers that a browser mixes are the overlay that figures have, at every opacity."""

import io

import numpy as np
import pytest
from PIL import Image

from xai_core.images import heatmap
from xai_core.images.layers import FULL, STEPS, Layers, layers
from xai_core.images.reading import Floats

COLOUR_STEP = float(np.abs(np.diff(FULL[: 2 * STEPS + 1, :3].astype(int), axis=0)).max())
"""Grey levels between neighbours of the palette."""
ROUNDED = COLOUR_STEP / 2 + 0.4 + 1 + 0.5
"""Grey levels: half a step of the colour, and of the opacity (200 levels by 0.5 / 127 of at most
a half); half a step of the overlay's own table, of 511 colours; the sum is rounded."""


def decoded(png: bytes) -> Floats:
    """(H, W, 4), as a browser reads it."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), np.float32)


def mixed(found: Layers, opacity: float) -> Floats:
    """What a browser paints: a grey photo, then `full` and `veil` at the opacities of the page."""
    seen = found.photo.astype(np.float32)
    for png, share in ((found.full, opacity**2), (found.veil, opacity / (1 + opacity))):
        layer = decoded(png)
        alpha = layer[:, :, 3:] / 255 * share
        seen = seen * (1 - alpha) + layer[:, :, :3] * alpha
    return seen


@pytest.mark.parametrize("opacity", [0.0, 0.05, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("limit", [None, 1.0])
def test_layers_mix_to_the_overlay(opacity: float, limit: float | None) -> None:
    random = np.random.default_rng(0)
    grey = random.integers(0, 256, (60, 90, 1), dtype=np.uint8)
    photo = np.repeat(grey, 3, axis=2)  # fading to grey leaves it as it is
    values = random.normal(size=(60, 90)).astype(np.float32)
    values[:, :4] = np.nan
    found = mixed(layers(photo, values, limit), opacity)
    expected = heatmap.overlay(photo, values, opacity, limit).astype(np.float32)
    assert np.abs(found - expected).max() <= ROUNDED


def test_a_weak_map_is_as_weak_as_in_the_overlay() -> None:
    photo = np.zeros((1, 2001, 3), np.uint8)  # pale colours on black show every step
    values = np.linspace(-0.02, 0.02, 2001, dtype=np.float32)[None]
    found = mixed(layers(photo, values, limit=1.0), 0.3)
    expected = heatmap.overlay(photo, values, 0.3, 1.0).astype(np.float32)
    assert np.abs(found - expected).max() <= ROUNDED


def test_zero_has_the_colour_of_no_evidence_and_no_veil() -> None:
    found = layers(np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3), np.float32))
    assert (decoded(found.full) == [*heatmap.colours(np.zeros((1, 1)))[0, 0], 255]).all()
    assert (decoded(found.veil)[:, :, 3] == 0).all()


def test_what_the_model_does_not_see_is_never_painted() -> None:
    values = np.full((4, 6), np.nan, dtype=np.float32)
    values[:, 3:] = 1
    found = layers(np.full((4, 6, 3), 200, np.uint8), values)
    full, veil = decoded(found.full), decoded(found.veil)
    assert (full[:, :3, 3] == 0).all()
    assert (veil[:, :3, 3] == 0).all()
    assert (found.photo[:, :3] == 200).all()  # 0.45 * 200 + 110
    assert (full[:, 3:] == [*heatmap.colours(np.ones((1, 1)))[0, 0], 255]).all()
    assert (veil[:, 3:, 3] == 255).all()
