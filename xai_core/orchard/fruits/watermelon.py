"""Watermelon: a half-moon, a wedge or a thick cut, with striped rind and dark seeds."""

from __future__ import annotations

import math

from xai_core.orchard.fruits._growth import Rng, pick, seed_of, vary
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_FLESH: tuple[Colour, ...] = ((0.86, 0.18, 0.18), (0.90, 0.28, 0.26), (0.78, 0.12, 0.16))
_ODD: tuple[Colour, ...] = ((0.93, 0.76, 0.24), (0.92, 0.52, 0.24), (0.92, 0.56, 0.52))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Flesh, pith, rind and seeds; standing on its rind or lying on a cut face."""
    half = float(rng.uniform(0.16, 0.42))
    angle = float(rng.choice([90.0, 90.0, 62.0, 40.0]))
    radius = 1.3
    # cut planes z = +-half, and two through the axis that leave a sector about -y
    slab = [((0.0, 0.0, 1.0), half), ((0.0, 0.0, -1.0), half)]
    lean = math.radians(angle)
    for side in (1, -1):
        slab.append(((side * math.cos(lean), math.sin(lean), 0.0), 0.0))
    cuts = tuple(Primitive("halfspace", (*normal, offset), op="cut") for normal, offset in slab)
    green = pick(rng, [(0.20, 0.42, 0.14), (0.14, 0.34, 0.12)], [(0.42, 0.52, 0.20)], oddness)
    pale = vary(rng, (min(1, green[0] + 0.38), min(1, green[1] + 0.30), green[2] + 0.22))
    flesh = pick(rng, _FLESH, _ODD, 0.05 + 0.5 * oddness)
    light = vary(rng, (min(1, flesh[0] + 0.06), min(1, flesh[1] + 0.14), flesh[2] + 0.12))
    meat = Material(
        "melon_flesh",
        (flesh, light, (0.93, 0.74, 0.62)),
        0.25,
        30,
        0.014,
        9,
        (radius - 0.16,),
        seed_of(rng),
    )
    white = Material("plain", (vary(rng, (0.88, 0.92, 0.72)),), 0.2, 30, 0.004, 6)
    rind = Material(
        "melon_rind", (green, pale), 0.3, 45, 0, 4, (float(rng.integers(9, 14)),), seed_of(rng)
    )
    dark = Material(
        "seeds", ((0.06, 0.04, 0.03), (0.20, 0.11, 0.05)), 0.6, 70, 0, 4, (), seed_of(rng)
    )
    parts = (
        Part("flesh", (_ball(radius - 0.16), *cuts), meat),
        Part("pith", (_ball(radius - 0.07), *cuts, _ball(radius - 0.16, "carve")), white),
        Part("rind", (_ball(radius), *cuts, _ball(radius - 0.07, "carve")), rind),
        Part("seeds", (_seeds(rng, half, angle, radius),), dark, casts_shadow=False),
    )
    if rng.random() < 0.3:
        return parts, (float(rng.uniform(-88, -60)), 0.0, float(rng.uniform(-20, 20)))
    tip = rng.random() < 0.3
    roll = 180.0 if tip and angle == 90.0 else float(rng.uniform(-14, 14))
    return parts, (float(rng.uniform(-22, 8)), 0.0, roll)


def _ball(radius: float, op: str = "union") -> Primitive:
    return Primitive("ellipsoid", (radius, radius, radius), op=op)


def _seeds(rng: Rng, half: float, angle: float, radius: float) -> Primitive:
    """Drops on both cut faces, in an arc, pointing to the middle."""
    items = []
    for face in (-1, 1):
        for ring, count in ((0.5, 5), (0.72, 8)):
            number = max(2, round(count * angle / 90))
            for index in range(number):
                spread = (index + 0.5 + float(rng.uniform(-0.25, 0.25))) / number * 2 - 1
                at = math.radians(spread * angle * 0.92)
                reach = radius * (ring + float(rng.uniform(-0.06, 0.06)))
                x, y = reach * math.sin(at), -reach * math.cos(at)
                items.append((x, y, face * half, 0.045, 0.085, 0.03, 0.0, 0.0, math.degrees(at)))
    return Primitive("ellipsoids", items=tuple(items))
