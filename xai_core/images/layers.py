"""Layers: a map over its photo in three images for a viewer that mixes them by itself."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from xai_core.images import heatmap
from xai_core.images.reading import RGB, Floats

STEPS = 127
"""Steps of the square root of a value's strength, to either side of zero."""
UNSEEN = 255
"""The index of what the model does not see."""
Palette = npt.NDArray[np.uint8]


def _palettes() -> tuple[Palette, Palette]:
    """Index -> colour and opacity (256, 4) of `full` and `veil`."""
    roots = np.arange(-STEPS, STEPS + 1, dtype=np.float32) / STEPS
    colours = heatmap.colours((roots * np.abs(roots)).astype(np.float32)[None])[0]
    full, veil = np.zeros((2, 256, 4), np.uint8)
    full[: len(roots), :3] = veil[: len(roots), :3] = colours
    full[: len(roots), 3] = 255
    veil[: len(roots), 3] = np.rint(255 * np.abs(roots))
    return full, veil


FULL, VEIL = _palettes()


class Layers(NamedTuple):
    """A photo (H, W, 3) and `indices` (H, W) into the palettes FULL and VEIL.

    Over the photo, faded to grey, lie `full` at opacity^2 and `veil` at opacity / (1 + opacity):
    together they are `heatmap.overlay` at every opacity.
    """

    photo: RGB
    indices: npt.NDArray[np.uint8]

    @property
    def full(self) -> bytes:
        """The map alone as a PNG, transparent where the model does not see."""
        return _png(self.indices, FULL)

    @property
    def veil(self) -> bytes:
        """The map as a PNG, the more opaque the stronger it is."""
        return _png(self.indices, VEIL)


def layers(rgb: RGB, values: Floats, limit: float | None = None) -> Layers:
    """The images that mix to `heatmap.overlay`.

    `rgb` (H, W, 3), `values` (H, W), NaN where the model does not see; `limit` is the value in
    full colour. Raises ValueError where photo and map differ in size.
    """
    heatmap.check_sizes(rgb, values)
    strengths = heatmap.scaled(values, limit)
    unseen = np.isnan(strengths)
    roots = np.sign(strengths) * np.sqrt(np.abs(strengths))
    indices = np.where(unseen, UNSEEN, np.rint(np.nan_to_num(roots) * STEPS) + STEPS)
    photo = np.where(unseen[:, :, None], np.rint(heatmap.dimmed(rgb))[:, :, None], rgb)
    return Layers(photo.astype(np.uint8), indices.astype(np.uint8))


def _png(indices: npt.NDArray[np.uint8], palette: Palette) -> bytes:
    height, width = indices.shape
    image = Image.frombytes("P", (width, height), indices.tobytes())
    image.putpalette(palette[:, :3].tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", transparency=palette[:, 3].tobytes(), compress_level=1)
    return file.getvalue()
