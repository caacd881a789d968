"""Corn: a cob of kernels in rows, with peeled husk leaves and silk."""

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

_USUAL: tuple[Colour, ...] = ((0.93, 0.76, 0.20), (0.95, 0.82, 0.36), (0.90, 0.66, 0.14))
_ODD: tuple[Colour, ...] = ((0.94, 0.88, 0.68), (0.55, 0.16, 0.14), (0.80, 0.45, 0.14))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Kernels, husk, mostly silk and a stalk; lying, or leaning towards the viewer."""
    length = float(rng.uniform(1.35, 1.65))
    thick = float(rng.uniform(0.44, 0.52))
    columns = int(rng.integers(6, 8)) * 2
    # a long ellipse in polar form, blunt at the lower end
    profile = tuple(
        1.0 / math.sqrt((math.cos(a) / length) ** 2 + (math.sin(a) / thick) ** 2)
        for a in (math.pi * i / 40 for i in range(41))
    )
    cob = radial(profile, bumps=(1, 0.045, columns, float(rng.uniform(4.6, 5.6))))
    first = pick(rng, _USUAL, _ODD, oddness)
    second = pick(rng, [first, (0.96, 0.90, 0.70)], _ODD, oddness)
    gap = (first[0] * 0.62, first[1] * 0.5, first[2] * 0.4)
    kernels = Material(
        "cells", (first, second, gap), 0.35, 40, 0, 4, (float(rng.uniform(0, 0.5)),), seed_of(rng)
    )
    green = pick(rng, [(0.50, 0.62, 0.24), (0.42, 0.58, 0.20)], [(0.72, 0.66, 0.38)], oddness)
    hugging = ring_of_blades(
        rng, (0, -length, 0), 4, (length * 0.95, 0.42, -0.08, 0.0, -0.75), (74, 80), 0.2
    )
    peeled = ring_of_blades(
        rng,
        (0, -length, 0),
        int(rng.integers(2, 4)),
        (length * 1.15, 0.34, float(rng.uniform(0.05, 0.3)), 0.05, -0.5),
        (58, 72),
        0.2,
        40.0,
    )
    husk = Primitive("blades", (0.35, 0.55, 0.022, 0.0), items=hugging + peeled)
    husk_material = leaf_material(rng, 1.3, green)
    parts = [Part("kernels", (cob,), kernels), Part("husk", (husk,), husk_material)]
    if rng.random() < 0.7:
        parts.append(_silk(rng, length))
    stalk = ((0, -length - 0.35, 0, 0.14), (0, -length + 0.1, 0, 0.17))
    stalk_material = Material("bark", (green, vary(rng, green)))
    parts.append(Part("stalk", (Primitive("tube", items=stalk),), stalk_material))
    lying = rng.random() < 0.7
    roll = float(rng.uniform(74, 96)) if lying else float(rng.uniform(15, 50))
    return tuple(parts), (float(rng.uniform(-5, 15)), 0.0, -roll if rng.random() < 0.5 else roll)


def _silk(rng: Rng, length: float) -> Part:
    """Fine threads that hang from the tip."""
    threads = []
    for _ in range(9):
        angle, reach = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.1, 0.3))
        items = tuple(
            (
                reach * share**1.5 * math.cos(angle + share),
                length - 0.08 + 0.5 * share - 0.15 * share**3,
                reach * share**1.5 * math.sin(angle + share),
                0.018,
            )
            for share in (0.0, 0.4, 0.75, 1.0)
        )
        threads.append(Primitive("tube", items=items))
    silk = Material("bark", ((0.80, 0.64, 0.34), (0.56, 0.34, 0.16)), 0.2)
    return Part("silk", tuple(threads), silk, casts_shadow=False)
