"""Layers that a browser mixes are the overlay that figures have, at every opacity."""

import numpy as np
import pytest

from xai_core.images import heatmap
from xai_core.images.reading import Floats

ROUNDED = 2.0
"""Grey levels: the strength is kept in 255 steps, the colours and the sum are rounded."""


def mixed(layers: heatmap.Layers, opacity: float) -> Floats:
    """What a browser paints: a grey photo, then `full` and `veil` at the opacities of the page."""
    seen = layers.photo.astype(np.float32)
    for layer, share in ((layers.full, opacity**2), (layers.veil, opacity / (1 + opacity))):
        alpha = layer[:, :, 3:].astype(np.float32) / 255 * share
        seen = seen * (1 - alpha) + layer[:, :, :3] * alpha
    return seen


@pytest.mark.parametrize("opacity", [0.0, 0.05, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("limit", [None, 1.0])
def test_layers_mix_to_the_overlay(opacity: float, limit: float | None) -> None:
    random = np.random.default_rng(0)
    grey = random.integers(0, 256, (20, 30, 1), dtype=np.uint8)
    photo = np.repeat(grey, 3, axis=2)  # fading to grey leaves it as it is
    values = random.normal(size=(20, 30)).astype(np.float32)
    values[:, :4] = np.nan
    found = mixed(heatmap.layers(photo, values, limit), opacity)
    expected = heatmap.overlay(photo, values, opacity, limit).astype(np.float32)
    assert np.abs(found - expected).max() <= ROUNDED


def test_what_the_model_does_not_see_is_never_painted() -> None:
    values = np.full((4, 6), np.nan, dtype=np.float32)
    values[:, 3:] = 1
    layers = heatmap.layers(np.full((4, 6, 3), 200, np.uint8), values)
    assert (layers.full[:, :3, 3] == 0).all()
    assert (layers.veil[:, :3, 3] == 0).all()
    assert (layers.photo[:, :3] == 200).all()  # 0.45 * 200 + 110
    assert (layers.full[:, 3:, 3] == 255).all()


def test_a_picture_with_alpha_keeps_it() -> None:
    import cv2

    rgba = np.dstack([np.full((8, 8, 3), 90, np.uint8), np.full((8, 8), 40, np.uint8)])
    read = cv2.imdecode(
        np.frombuffer(heatmap.encoded(rgba, ".webp"), np.uint8), cv2.IMREAD_UNCHANGED
    )
    assert read is not None
    assert (read[:, :, 3] == 40).all()
