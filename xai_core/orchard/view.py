"""The rays of one view, and the flat world (floor and wall) that they meet last."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from xai_core.orchard.placement import camera_frame, placed_sticker
from xai_core.orchard.scene import Scene
from xai_core.orchard.surroundings import flat_colour


class View:
    """Unit rays (3,N) of size x size pixels, row by row, with floor and wall behind everything.

    `limit` (N,) is the depth of floor or wall, `pixel` the angle of one pixel in radians.
    """

    def __init__(self, scene: Scene, size: int) -> None:
        self.scene = scene
        self.right, self.up, forward = camera_frame(scene.camera)
        half = math.tan(math.radians(scene.camera.field_of_view) / 2)
        self.pixel = 2 * half / size
        self.origin = torch.tensor(scene.camera.position)[:, None]
        steps = ((torch.arange(size) + 0.5) / size * 2 - 1) * half
        axes = torch.tensor(np.stack([self.right, self.up, forward]), dtype=torch.float32)
        v, u = torch.meshgrid(-steps, steps, indexing="ij")
        flat = torch.stack([u.reshape(-1), v.reshape(-1), torch.ones(size * size)])
        self.rays = torch.nn.functional.normalize(axes.T @ flat, dim=0)
        down = self.rays[1] < -1e-4
        to_floor = torch.where(down, -self.origin[1] / self.rays[1].clamp(max=-1e-4), torch.inf)
        back = self.rays[2].clamp(max=-1e-3)
        to_wall = (-scene.backdrop.distance - self.origin[2]) / back
        self.is_floor = to_floor < to_wall
        self.limit = torch.minimum(to_floor, to_wall)

    def flat_normals(self) -> Tensor:
        """(3,N) up on the floor, towards the viewer on the wall."""
        floor = self.is_floor.float()
        return torch.stack([torch.zeros_like(floor), floor, 1 - floor])

    def flat_albedo(self) -> Tensor:
        """(3,N) sRGB colours of floor and wall."""
        points = self.origin + self.rays * self.limit
        colours = torch.zeros_like(points)
        floor, wall = self.is_floor.nonzero()[:, 0], (~self.is_floor).nonzero()[:, 0]
        slant = (-self.rays[1, floor]).clamp(min=0.05).sqrt()
        x, y, z = points
        footprint = self.pixel * self.limit[floor] / slant
        colours[:, floor] = flat_colour(self.scene.floor, x[floor], z[floor], footprint)
        colours[:, wall] = flat_colour(
            self.scene.backdrop, x[wall], y[wall], 1.5 * self.pixel * self.limit[wall]
        )
        return colours

    def sticker_disc(self, points: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Indices of the rays that see the sticker, and their (right, up) on it in -1..1."""
        sticker = self.scene.sticker
        if sticker is None:
            raise ValueError("Scene.sticker must be set, got None")
        if sticker.anchor is None:
            sticker = placed_sticker(self.scene, sticker)
        radius = sticker.size
        away = points - torch.tensor(sticker.anchor)[:, None]
        if sticker.place == "on":
            u = torch.tensor(self.right, dtype=torch.float32) @ away / radius
            v = torch.tensor(self.up, dtype=torch.float32) @ away / radius
            pieces = len(self.scene.fruits[0].parts) if self.scene.fruits else 0
            host = (ids >= 1) & (ids <= pieces) & (away.norm(dim=0) < 1.7 * radius)
        else:
            u, v = away[0] / radius, -away[2] / radius
            host = (ids == 0) & self.is_floor
        disc = (host & (u * u + v * v < 1)).nonzero()[:, 0]
        return disc, u[disc], v[disc]
