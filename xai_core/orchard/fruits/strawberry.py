"""Strawberry: a glossy cone dotted with seeds under a green calyx."""

from __future__ import annotations

import math

import numpy as np

from xai_core.orchard.fruits._growth import (
    Rng,
    leaf_material,
    pick,
    radial,
    ring_of_blades,
    seed_of,
    stem,
    vary,
)
from xai_core.orchard.geometry import profile_at
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_PROFILE = (0.70, 0.80, 0.91, 0.98, 0.98, 0.93, 0.88, 0.86, 0.87, 0.93, 1.04, 1.17, 1.22)
_USUAL: tuple[Colour, ...] = ((0.80, 0.08, 0.08), (0.68, 0.05, 0.07), (0.86, 0.16, 0.10))
_ODD: tuple[Colour, ...] = ((0.90, 0.62, 0.46), (0.48, 0.03, 0.07), (0.84, 0.80, 0.56))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Body, seeds, calyx and stem; lying on its side or standing on its tip."""
    colour = pick(rng, _USUAL, _ODD, 0.05 + 0.5 * oddness)
    pale = vary(rng, (min(1, colour[0] + 0.06), min(1, colour[1] + 0.16), colour[2] + 0.08))
    skin = Material(
        "skin",
        (pale, colour, colour, pale),
        gloss=float(rng.uniform(0.35, 0.7)),
        shininess=float(rng.uniform(40, 90)),
        bump=0.006,
        scale=6,
        traits=(0.8, float(rng.uniform(0, 360)), 0.0, 0.1, 0.9),
        seed=seed_of(rng),
    )
    stretch = float(rng.uniform(0.92, 1.15))
    body = radial(_PROFILE, (0.96, stretch, 0.96), (2, float(rng.uniform(0, 0.05))))
    gold = pick(rng, [(0.90, 0.76, 0.34), (0.84, 0.66, 0.28)], [(0.42, 0.30, 0.12)], oddness)
    golden = (gold, vary(rng, gold, 0.08))
    seed_material = Material("seeds", golden, 0.25, 30, 0, 4, (), seed_of(rng))
    top = 0.70 * stretch
    leaves = ring_of_blades(
        rng,
        (0, top + 0.02, 0),
        int(rng.integers(7, 10)),
        (0.72, 0.17, 0.35, 0.15, 0),
        (-6, 30),
        0.03,
    )
    calyx = Primitive("blades", (0.5, 0.9, 0.016, 0.0), items=leaves)
    parts = (
        Part("body", (body,), skin),
        Part("seeds", (_seeds(rng, stretch, body.sizes[4]),), seed_material, casts_shadow=False),
        Part("calyx", (calyx,), leaf_material(rng, 0.6, (0.34, 0.56, 0.18))),
        stem(rng, (0, top, 0), float(rng.uniform(0.35, 0.6)), 0.045, 0.6, (0.42, 0.58, 0.22)),
    )
    if rng.random() < 0.6:
        side = float(rng.choice([-1, 1]))
        return parts, (float(rng.uniform(-10, 15)), 0.0, side * float(rng.uniform(62, 100)))
    return parts, (float(rng.uniform(5, 35)), 0.0, float(rng.uniform(-15, 15)))


def _seeds(rng: Rng, stretch: float, lobe: float) -> Primitive:
    """Drops in a golden spiral over the body, flat against its surface."""
    items = []
    count = int(rng.integers(64, 84))
    for index in range(count):
        cosine = 0.78 - 1.72 * (index + 0.5) / count
        polar, azimuth = math.acos(cosine), 2.399963 * index
        radius = float(profile_at(_PROFILE, np.array([polar / math.pi]))[0])
        radius *= 1 + lobe * math.sin(polar) ** 2 * math.cos(2 * azimuth)
        ring = radius * math.sin(polar) * 0.96
        x, z = ring * math.sin(azimuth), ring * math.cos(azimuth)
        y = radius * math.cos(polar) * stretch
        # the outward normal's elevation, from the slope of the profile
        near = polar + 0.05
        other = float(profile_at(_PROFILE, np.array([near / math.pi]))[0])
        rise = (other * math.cos(near) - radius * math.cos(polar)) * stretch
        out = (other * math.sin(near) - radius * math.sin(polar)) * 0.96
        elevation = math.degrees(math.atan2(out, -rise))
        items.append((x, y, z, 0.042, 0.074, 0.03, -elevation, math.degrees(azimuth), 0.0))
    return Primitive("ellipsoids", items=tuple(items))
