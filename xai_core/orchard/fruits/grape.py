"""Grape: a bunch of translucent berries on a stem, green, red or blue."""

from __future__ import annotations

import math

from xai_core.orchard.fruits._growth import Rng, leaf_material, pick, seed_of, vary
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_USUAL: tuple[Colour, ...] = ((0.60, 0.70, 0.28), (0.28, 0.12, 0.34), (0.50, 0.10, 0.16))
_ODD: tuple[Colour, ...] = ((0.14, 0.14, 0.28), (0.82, 0.72, 0.32), (0.74, 0.36, 0.30))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Berries, stem and mostly a lobed leaf; lying, the wide end away from the viewer."""
    size = float(rng.uniform(0.25, 0.31))
    long = float(rng.uniform(1.0, 1.25))
    centres: list[tuple[float, float, float]] = []
    for layer in range(6):
        height = 0.75 - layer * size * 1.35
        ring = (0.62, 0.72, 0.64, 0.50, 0.33, 0.0)[layer]
        count = max(1, round(2 * math.pi * ring / (2.0 * size)))
        shift = float(rng.uniform(0, 6.28))
        for index in range(count):
            angle = shift + 2 * math.pi * index / count
            jitter = rng.uniform(-0.06, 0.06, 3)
            centres.append(
                (
                    ring * math.cos(angle) + jitter[0],
                    height + jitter[1],
                    0.85 * ring * math.sin(angle) + jitter[2],
                )
            )
    items = []
    for centre in centres:
        radius = size * float(rng.uniform(0.9, 1.08))
        items.append((*centre, radius, radius * long, radius, 0.0, 0.0, 0.0))
    colour = pick(rng, _USUAL, _ODD, oddness)
    other = vary(rng, colour, 0.09)
    bloom = tuple(0.6 * value + 0.25 for value in colour)
    skin = Material(
        "berries",
        (colour, other, (bloom[0], bloom[1], min(1.0, bloom[2] + 0.06))),
        gloss=float(rng.uniform(0.3, 0.8)),
        shininess=float(rng.uniform(40, 110)),
        traits=(float(rng.uniform(0.1, 0.5)),),
        seed=seed_of(rng),
    )
    wood = Material("bark", (vary(rng, (0.42, 0.42, 0.18)), (0.36, 0.27, 0.13)), 0.1, 20, 0, 6)
    trunk = ((0, 0.3, 0, 0.05), (0.03, 0.95, 0, 0.055), (0.1, 1.35, 0.03, 0.06))
    arm = ((-0.22, 1.36, 0, 0.06), (0.1, 1.33, 0.03, 0.055), (0.4, 1.4, 0.05, 0.06))
    stems = (Primitive("tube", items=trunk), Primitive("tube", items=arm))
    parts = [
        Part("berries", (Primitive("ellipsoids", items=tuple(items)),), skin),
        Part("stem", stems, wood),
    ]
    if rng.random() < 0.6:
        side = 1 if rng.random() < 0.5 else -1
        leaves = tuple(
            (0.1, 1.2, 0.12, 0.0, 0.0, 90 - side * angle, reach, 0.34, 0.12, 0.15, 0.0)
            for angle, reach in ((20, 0.75), (65, 0.95), (110, 0.75))
        )
        # the blades spread in the x-y plane, so tip them out of it by a quarter turn
        blades = Primitive("blades", (0.5, 0.6, 0.014, 0.1), items=leaves)
        parts.append(Part("leaf", (blades,), leaf_material(rng, 0.9)))
    pitch = float(rng.uniform(-75, -35)) if rng.random() < 0.7 else float(rng.uniform(-15, 5))
    return tuple(parts), (pitch, 0.0, float(rng.uniform(-25, 25)))
