"""Numpy geometry of the primitives: rotations, profiles and sampled surfaces, without torch.

PRIMITIVES, and what each reads (lengths in scene units, an apple's radius being about 1):

* ellipsoid   sizes = radii x, y, z
* ellipsoids  items = (centre x, y, z, radii x, y, z, pitch, yaw, roll) each
* radial      sizes = stretch x, y, z, lobes, lobe height, bump kind (0 none, 1 kernels,
              2 diamonds), bump height, columns, rows per unit; profile = radius from the top pole
              to the bottom pole, at equal angles
* arc         sizes = ring radius, half angle in degrees, ridge height; profile = radius along it
* tube        items = (x, y, z, radius) along a polyline
* blades      sizes = outline powers at base and tip, thickness, lobe depth; items = (base x, y, z,
              pitch, yaw, roll, length, half width, bend, fold, curl) each; x runs along a blade,
              y is its normal
* cylinder    sizes = radius, half height, rounding (axis y)
* box         sizes = half sizes x, y, z, rounding
* torus       sizes = ring radius, tube radius (axis y)
* halfspace   sizes = unit normal x, y, z, offset; inside is normal . p <= offset
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from xai_core.orchard.scene import Numbers, Part, Primitive, Thing, Vector

PRIMITIVES = (
    "ellipsoid",
    "ellipsoids",
    "radial",
    "arc",
    "tube",
    "blades",
    "cylinder",
    "box",
    "torus",
    "halfspace",
)
Array = NDArray[np.float64]


def rotation(turn: Vector) -> Array:
    """(3,3) matrix of (pitch, yaw, roll) in degrees: roll about z, then pitch about x, yaw y."""
    pitch, yaw, roll = (math.radians(angle) for angle in turn)
    about_x = np.array(
        [
            [1, 0, 0],
            [0, math.cos(pitch), -math.sin(pitch)],
            [0, math.sin(pitch), math.cos(pitch)],
        ]
    )
    about_y = np.array(
        [[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]]
    )
    about_z = np.array(
        [[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
    )
    return np.asarray(about_y @ about_x @ about_z, dtype=np.float64)


def profile_at(profile: Numbers, where: Array) -> Array:
    """Catmull-Rom through equally spaced values; `where` in 0..1, ends mirrored (flat poles)."""
    values = np.asarray(profile, dtype=np.float64)
    padded = np.concatenate([values[1:2], values, values[-2:-1]])
    steps = np.clip(where, 0.0, 1.0) * (len(values) - 1)
    index = np.minimum(steps.astype(int), len(values) - 2)
    f = steps - index
    before, start, end, after = (padded[index + shift] for shift in range(4))
    slope_start, slope_end = (end - before) / 2, (after - start) / 2
    return np.asarray(
        start
        + f * slope_start
        + f * f * (3 * (end - start) - 2 * slope_start - slope_end)
        + f * f * f * (2 * (start - end) + slope_start + slope_end)
    )


def surface_points(part: Part) -> Array:
    """(P,3) points on or just outside the part's surface, in its thing's coordinates."""
    points: Array = np.zeros((0, 3))
    for primitive in part.primitives:
        if primitive.op == "union":
            points = np.concatenate([points, _points(primitive)])
        elif primitive.op == "cut" and primitive.kind == "halfspace":
            normal, offset = np.asarray(primitive.sizes[:3]), primitive.sizes[3]
            excess = np.maximum(points @ normal - offset, 0.0)
            points = points - excess[:, None] * normal
    return points


def bounding_sphere(part: Part) -> tuple[Array, float]:
    """Centre (3,) and radius of a sphere around the part, in its thing's coordinates."""
    points = surface_points(part)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    return centre, float(np.linalg.norm(points - centre, axis=1).max()) * 1.04 + 0.01


def world_points(thing: Thing) -> Array:
    """(P,3) surface points of all parts of a thing, in world coordinates."""
    points = np.concatenate([surface_points(part) for part in thing.parts])
    turned = points @ rotation(thing.turn).T * thing.scale
    return np.asarray(turned + np.asarray(thing.position))


def directions(count: int) -> Array:
    """(count,3) unit vectors spread evenly over the sphere (a Fibonacci spiral)."""
    index = np.arange(count) + 0.5
    height = 1 - 2 * index / count
    angle = math.pi * (1 + math.sqrt(5)) * index
    ring = np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(angle), height, ring * np.sin(angle)], axis=1)


def _points(primitive: Primitive) -> Array:
    local = _local_points(primitive)
    return np.asarray(local @ rotation(primitive.turn).T + np.asarray(primitive.centre))


def _local_points(primitive: Primitive) -> Array:
    sizes, items = primitive.sizes, primitive.items
    if primitive.kind == "ellipsoid":
        return np.asarray(directions(160) * np.asarray(sizes))
    if primitive.kind == "ellipsoids":
        around = directions(26 if len(items) > 8 else 100)
        return np.concatenate([_ellipsoid_points(around, item) for item in items])
    if primitive.kind == "radial":
        polar, azimuth = np.meshgrid(np.linspace(0, math.pi, 25), np.arange(16) * math.pi / 8)
        radius = profile_at(primitive.profile, polar / math.pi)
        radius = radius * (1 + sizes[4] * np.sin(polar) ** 2) + sizes[6]
        ring = radius * np.sin(polar)
        grid = (ring * np.sin(azimuth), radius * np.cos(polar), ring * np.cos(azimuth))
        return np.asarray(np.stack([axis.ravel() for axis in grid], axis=1) * np.asarray(sizes[:3]))
    if primitive.kind == "arc":
        bow, half = sizes[0], math.radians(sizes[1])
        along, around = np.meshgrid(np.linspace(0, 1, 17), np.arange(10) * math.pi / 5)
        radius = profile_at(primitive.profile, along) * (1 + sizes[2])
        angle = (2 * along - 1) * half
        reach = bow + radius * np.cos(around)
        grid = (reach * np.sin(angle), -reach * np.cos(angle), radius * np.sin(around))
        return np.stack([axis.ravel() for axis in grid], axis=1)
    if primitive.kind == "tube":
        sphere = directions(14)
        return np.concatenate([np.asarray(item[:3]) + sphere * item[3] for item in items])
    if primitive.kind == "blades":
        return np.concatenate([_blade_points(primitive.sizes, item) for item in items])
    if primitive.kind == "cylinder":
        lift = np.array([0.0, sizes[1], 0.0])
        angle = np.arange(24) * math.pi / 12
        circle = np.stack([np.cos(angle) * sizes[0], 0 * angle, np.sin(angle) * sizes[0]], axis=1)
        return np.concatenate([circle + lift, circle - lift])
    if primitive.kind == "box":
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        return np.asarray(signs * np.asarray(sizes[:3]))
    if primitive.kind == "torus":
        angle = np.arange(24) * math.pi / 12
        circle = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], axis=1)
        lift = np.array([0.0, sizes[1], 0.0])
        outer = circle * (sizes[0] + sizes[1])
        inner = circle * sizes[0]
        return np.concatenate([outer, inner + lift, inner - lift])
    known = ", ".join(PRIMITIVES)
    raise ValueError(f"Primitive.kind must be one of {known}, got {primitive.kind!r}")


def _ellipsoid_points(around: Array, item: Numbers) -> Array:
    turn = rotation((item[6], item[7], item[8]))
    return np.asarray((around * np.asarray(item[3:6])) @ turn.T + np.asarray(item[:3]))


def _blade_points(sizes: Numbers, item: Numbers) -> Array:
    length, width, bend, fold, curl = item[6:11]
    u, v = np.meshgrid(np.linspace(0, 1, 7), np.linspace(-1, 1, 5))
    across = v * width * (1 + sizes[3]) * blade_outline(sizes, u)
    height = -bend * length * u * u + fold * np.abs(across) + curl * across**2
    grid = np.stack([axis.ravel() for axis in (u * length, height, across)], axis=1)
    return np.asarray(grid @ rotation((item[3], item[4], item[5])).T + np.asarray(item[:3]))


def blade_outline(sizes: Numbers, u: Array) -> Array:
    """Half width along a blade as a fraction of its largest, from the outline's two powers."""
    base, tip = sizes[0], sizes[1]
    peak = base / (base + tip)
    return np.asarray(u**base * (1 - u) ** tip / (peak**base * (1 - peak) ** tip))
