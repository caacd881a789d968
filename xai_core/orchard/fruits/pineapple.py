"""Pineapple: a barrel of diamonds under a crown of pointed leaves."""

from __future__ import annotations

import math

from xai_core.orchard.fruits._growth import (
    Rng,
    leaf_material,
    pick,
    radial,
    ring_of_blades,
    seed_of,
    vary,
)
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_USUAL: tuple[Colour, ...] = ((0.86, 0.58, 0.16), (0.80, 0.62, 0.22), (0.74, 0.46, 0.14))
_ODD: tuple[Colour, ...] = ((0.44, 0.50, 0.18), (0.62, 0.30, 0.14), (0.90, 0.74, 0.26))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Body, crown and the stump below; standing, when odd lying."""
    tall, thick = float(rng.uniform(1.1, 1.35)), float(rng.uniform(0.78, 0.9))
    profile = tuple(
        (abs(math.cos(a) / tall) ** 2.6 + abs(math.sin(a) / thick) ** 2.6) ** (-1 / 2.6)
        for a in (math.pi * i / 32 for i in range(33))
    )
    columns = int(rng.integers(8, 11))
    body = radial(profile, bumps=(2, 0.055, columns, columns / (2 * math.pi * thick) * 0.92))
    colour = pick(rng, _USUAL, _ODD, 0.1 + 0.5 * oddness)
    other = vary(rng, (colour[0] * 0.8, min(1, colour[1] * 1.05), colour[2]))
    gap = vary(rng, (0.36, 0.26, 0.12))
    eye = vary(rng, (0.42, 0.26, 0.10))
    base = vary(rng, (0.42, 0.48, 0.18))
    diamonds = Material(
        "cells",
        (colour, other, gap, eye, base),
        0.2,
        22,
        0.01,
        9,
        (float(rng.uniform(0.2, 0.6)), float(rng.uniform(0, 0.55))),
        seed_of(rng),
    )
    top = tall - 0.06
    length = float(rng.uniform(0.95, 1.3))
    blades = (
        ring_of_blades(rng, (0, top, 0), 7, (length * 0.75, 0.13, 0.35, 0.35, 0), (28, 48), 0.16)
        + ring_of_blades(rng, (0, top, 0), 6, (length, 0.13, 0.22, 0.35, 0), (52, 68), 0.1, 20)
        + ring_of_blades(rng, (0, top, 0), 4, (length * 1.1, 0.12, 0.1, 0.3, 0), (74, 86), 0.04, 50)
    )
    green = pick(rng, [(0.30, 0.46, 0.20), (0.36, 0.50, 0.28)], [(0.52, 0.50, 0.24)], oddness)
    crown = Primitive("blades", (0.22, 0.85, 0.016, 0.0), items=blades)
    stump = Primitive("tube", items=((0, -tall - 0.14, 0, 0.2), (0, -tall + 0.1, 0, 0.24)))
    parts = (
        Part("body", (body,), diamonds),
        Part("crown", (crown,), leaf_material(rng, 1.0, green)),
        Part("stump", (stump,), Material("bark", ((0.52, 0.46, 0.24), (0.40, 0.32, 0.16)))),
    )
    if rng.random() < 0.2 + 0.3 * oddness:
        return parts, (float(rng.uniform(-5, 10)), 0.0, float(rng.choice([-82.0, 82.0])))
    return parts, (float(rng.uniform(-4, 8)), 0.0, float(rng.uniform(-6, 6)))
