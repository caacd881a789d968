"""What a camera sees without drawing: where points and outlines of things lie in the image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, QhullError

from xai_core.orchard.geometry import Array, world_points
from xai_core.orchard.placement import camera_frame
from xai_core.orchard.scene import Camera, Thing

Outline = NDArray[np.bool_]
_GRID = 96


@dataclass(frozen=True)
class Frame:
    """A camera as its position (3,), its axes (3, 3) and the tangent of half its field."""

    camera: Camera
    origin: Array
    axes: Array
    half: float

    @classmethod
    def of(cls, camera: Camera) -> Frame:
        axes = np.stack(camera_frame(camera))
        half = math.tan(math.radians(camera.field_of_view) / 2)
        return cls(camera, np.asarray(camera.position), axes, half)

    def seen(self, points: Array) -> Array:
        """(P, 3) world points -> (P, 2) places, -1..1 to the right and up."""
        along = (points - self.origin) @ self.axes.T
        return np.asarray(along[:, :2] / along[:, 2:] / self.half)

    def on_floor(self, spot: Array, height: float) -> Array:
        """(3,) the point of the plane y = height that is seen at `spot` (2,)."""
        ray = self.axes.T @ np.array([spot[0] * self.half, spot[1] * self.half, 1.0])
        return np.asarray(self.origin + ray * (height - self.origin[1]) / ray[1])

    def outline(self, thing: Thing) -> Outline:
        """(G, G) where the thing is seen, about: the hulls of its parts, on a coarse grid."""
        grid = Image.new("1", (_GRID, _GRID))
        pen = ImageDraw.Draw(grid)
        for part in thing.parts:
            seen = self.seen(world_points(replace(thing, parts=(part,))))
            try:
                corners = seen[ConvexHull(seen).vertices]
            except QhullError:  # a part that is seen edge-on is a line
                continue
            pixels = (corners * (1, -1) + 1) / 2 * _GRID - 0.5
            pen.polygon([(float(x), float(y)) for x, y in pixels], fill=1)
        return np.array(grid, dtype=np.bool_)


def wider(outline: Outline) -> Outline:
    """The outline and one cell around it."""
    wide = outline.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        wide |= np.roll(outline, step, axis)
    return wide
