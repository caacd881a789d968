"""Where the sticker lies, decided once from the scene as it stands (numpy only)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from xai_core.orchard.geometry import Array, world_points
from xai_core.orchard.scene import Camera, Scene, Sticker, Vector


def camera_frame(camera: Camera) -> tuple[Array, Array, Array]:
    """Unit vectors (3,) of the camera: right, up, forward."""
    forward = np.asarray(camera.target) - np.asarray(camera.position)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right = right / np.linalg.norm(right)
    up = np.cross(right, forward)
    angle = math.radians(camera.roll)
    tilted = math.cos(angle) * right + math.sin(angle) * up
    return tilted, math.cos(angle) * up - math.sin(angle) * right, forward


def placed_sticker(scene: Scene, sticker: Sticker) -> Sticker:
    """The sticker with `anchor` and `size` fixed, on the first fruit or on the floor beside it.

    Fixed, because it must stay where it is when parts or distractors are removed later.
    Raises ValueError for an unknown place or a scene without fruit.
    """
    if sticker.place not in ("on", "beside"):
        raise ValueError(f'Sticker.place must be "on" or "beside", got {sticker.place!r}')
    if not scene.fruits or not scene.fruits[0].parts:
        raise ValueError("Scene.fruits must hold a fruit to put the sticker on, got none")
    fruit = scene.fruits[0]
    right, up, forward = camera_frame(scene.camera)
    body = world_points(replace(fruit, parts=fruit.parts[:1]))
    middle = (body.min(axis=0) + body.max(axis=0)) / 2
    reach = float(np.median(np.linalg.norm(body - middle, axis=1)))
    size = sticker.radius * reach
    across, along = sticker.offset
    if sticker.place == "on":
        away = body - (middle + reach * (across * right + along * up))
        cost = (away @ right) ** 2 + (away @ up) ** 2 + 0.15 * reach * (away @ forward)
        return replace(sticker, anchor=_vector(body[int(cost.argmin())]), size=size)
    # on the floor a disc is seen at a slant, so it is larger there
    size *= 1.4
    outline = world_points(fruit)
    shift = np.array([across * reach, 0.0, -along * reach])
    spots = []
    for side in (-1.0, 1.0):
        edge = float((outline[:, 0] * side).max()) * side
        for ahead in (0.55, 1.0, 0.1):
            spots.append(np.array([edge + side * size * 0.7, 0.0, middle[2] + reach * ahead]))
    best = max(spots, key=lambda spot: _room(scene, spot + shift, size))
    return replace(sticker, anchor=_vector(best + shift), size=size)


def _room(scene: Scene, spot: Array, size: float) -> float:
    """How free a place on the floor is: away from things and not far from the image's middle."""
    free = 0.5
    for thing in (*scene.fruits[1:], *scene.distractors):
        points = world_points(thing)
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        gap = np.hypot(*(spot - middle)[[0, 2]]) - np.ptp(points, axis=0)[[0, 2]].max() / 2 - size
        free = min(free, float(gap))
    right, up, forward = camera_frame(scene.camera)
    away = spot - np.asarray(scene.camera.position)
    half = math.tan(math.radians(scene.camera.field_of_view) / 2) * float(away @ forward)
    margin = 0.9 - max(abs(float(away @ right)), abs(float(away @ up))) / half
    return free + 4 * min(0.0, margin) + 0.1 * margin


def _vector(values: Array) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
