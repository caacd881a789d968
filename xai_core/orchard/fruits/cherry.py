"""Cherry: one or two glossy berries on long stems, dark red to yellow."""

from __future__ import annotations

import math

from xai_core.orchard.fruits._growth import Rng, leaf, pick, radial, seed_of, vary
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_PROFILE = (0.78, 0.90, 0.98, 1.0, 1.0, 1.0, 1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.94)
_USUAL: tuple[Colour, ...] = ((0.48, 0.02, 0.05), (0.66, 0.04, 0.06), (0.30, 0.01, 0.06))
_ODD: tuple[Colour, ...] = ((0.85, 0.55, 0.16), (0.86, 0.30, 0.14), (0.80, 0.66, 0.24))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Left and mostly right berry, stem, sometimes a leaf at its knot."""
    colour = pick(rng, _USUAL, _ODD, 0.1 + 0.5 * oddness)
    blush = vary(rng, (min(1, colour[0] * 1.15), colour[1] * 0.5, colour[2] * 0.7))
    pair = rng.random() < 0.72
    knot = (float(rng.uniform(-0.15, 0.15)), float(rng.uniform(1.9, 2.5)), -0.25)
    gap = float(rng.uniform(0.6, 0.85))
    size = float(rng.uniform(0.56, 0.64))
    parts, stems = [], []
    for index, side in enumerate((-1, 1) if pair else (-0.3,)):
        radius = size * float(rng.uniform(0.93, 1.05))
        x, z = side * gap, float(rng.uniform(-0.15, 0.3))
        tilt = -side * 14.0
        skin = Material(
            "skin",
            (colour, blush, (0.9, 0.7, 0.5), (0.25, 0.08, 0.05)),
            gloss=float(rng.uniform(0.5, 0.95)),
            shininess=float(rng.uniform(60, 180)),
            scale=9,
            traits=(0.45, float(rng.uniform(0, 360)), 0.15, 0.2, 0.5),
            seed=seed_of(rng),
        )
        body = radial(
            _PROFILE, (radius, radius * 0.96, radius), centre=(x, radius, z), turn=(0.0, 0.0, tilt)
        )
        parts.append(Part(("left_berry", "right_berry")[index], (body,), skin))
        lean = math.radians(tilt)
        foot = (x - 0.74 * radius * math.sin(lean), radius + 0.72 * radius * math.cos(lean), z)
        stems.append(_stem(foot, knot))
    knob = Primitive("ellipsoid", (0.07, 0.06, 0.07), knot)
    green = pick(rng, [(0.42, 0.55, 0.18), (0.35, 0.48, 0.14)], [(0.45, 0.32, 0.16)], oddness)
    wood = Material("bark", (green, vary(rng, (0.36, 0.32, 0.14))), 0.15, 20, 0.0, 3)
    parts.append(Part("stem", (*stems, knob), wood, blend=0.03))
    if rng.random() < 0.4:
        parts.append(leaf(rng, knot, float(rng.uniform(0.9, 1.2)), 0.3, rise=-5.0))
    return tuple(parts), (0.0, 0.0, 0.0)


def _stem(foot: Vector, knot: Vector) -> Primitive:
    """A slender stem that leaves the berry upright and curves to the knot."""
    items = []
    for step in range(6):
        share = step / 5
        bow = 0.5 * share * (1 - share)
        x = foot[0] + (knot[0] - foot[0]) * share + bow * math.copysign(0.6, foot[0])
        y = foot[1] + (knot[1] - foot[1]) * share
        z = foot[2] + (knot[2] - foot[2]) * share
        items.append((x, y, z, 0.035 if step < 5 else 0.05))
    return Primitive("tube", items=tuple(items))
