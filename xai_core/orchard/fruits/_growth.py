"""What several fruits have in common: colours with variation, stems, leaves and skins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from xai_core.orchard.scene import Colour, Material, Numbers, Part, Primitive, Vector

Rng = np.random.Generator

STEM_BROWN: Colour = (0.36, 0.25, 0.14)
STEM_GREEN: Colour = (0.38, 0.50, 0.18)
LEAF_GREENS: tuple[Colour, ...] = ((0.20, 0.47, 0.14), (0.30, 0.55, 0.16), (0.15, 0.40, 0.16))


def vary(rng: Rng, colour: Colour, spread: float = 0.035) -> Colour:
    """A colour near the given one, in 0..1."""
    red, green, blue = np.clip(np.asarray(colour) + rng.uniform(-spread, spread, 3), 0.01, 1)
    return float(red), float(green), float(blue)


def pick(
    rng: Rng, usual: Sequence[Colour], odd: Sequence[Colour], oddness: float, spread: float = 0.035
) -> Colour:
    """A usual colour of the fruit, or with probability `oddness` an unusual one."""
    palette = odd if odd and rng.random() < oddness else usual
    return vary(rng, palette[int(rng.integers(len(palette)))], spread)


def radial(
    profile: Numbers,
    stretch: Vector = (1.0, 1.0, 1.0),
    lobes: tuple[float, float] = (0, 0),
    bumps: tuple[float, float, float, float] = (0, 0, 0, 0),
    centre: Vector = (0.0, 0.0, 0.0),
    turn: Vector = (0.0, 0.0, 0.0),
) -> Primitive:
    """A body of revolution: lobes are (number, height), bumps (kind, height, columns, rows)."""
    return Primitive("radial", (*stretch, *lobes, *bumps), centre, turn, profile=profile)


def stem(
    rng: Rng,
    start: Vector,
    length: float,
    radius: float,
    lean: float = 0.3,
    colour: Colour = STEM_BROWN,
    name: str = "stem",
) -> Part:
    """A stem that rises from `start`, bends sideways by `lean` of its length and thickens."""
    angle = rng.uniform(0, 2 * math.pi)
    x, y, z = start
    items = []
    for share, width in ((0.0, 1.0), (0.4, 0.75), (0.8, 0.8), (1.0, 1.35)):
        side = lean * length * share**2
        items.append(
            (
                x + side * math.cos(angle),
                y + length * share,
                z + side * math.sin(angle),
                radius * width,
            )
        )
    dark = vary(rng, (colour[0] * 0.7, colour[1] * 0.7, colour[2] * 0.7))
    material = Material("bark", (vary(rng, colour), dark), 0.08, 15, 0.012, 14, (), seed_of(rng))
    return Part(name, (Primitive("tube", items=tuple(items)),), material)


def leaf(
    rng: Rng,
    base: Vector,
    length: float,
    width: float,
    yaw: float | None = None,
    rise: float | None = None,
    name: str = "leaf",
) -> Part:
    """One veined leaf from `base`; `yaw` turns it, `rise` lifts its tip, both in degrees."""
    yaw = float(rng.uniform(0, 360)) if yaw is None else yaw
    rise = float(rng.uniform(5, 35)) if rise is None else rise
    bend, fold = float(rng.uniform(0.15, 0.55)), float(rng.uniform(0.1, 0.4))
    roll = float(rng.uniform(-25, 25))
    item = (*base, roll, yaw, rise, length, width, bend, fold, 0.0)
    return Part(
        name,
        (Primitive("blades", (0.6, 0.75, 0.012, 0.0), items=(item,)),),
        leaf_material(rng, length),
    )


def leaf_material(rng: Rng, length: float, green: Colour | None = None) -> Material:
    """Green blade, lighter veins about ten along the length, a yellowing tip."""
    base = vary(rng, LEAF_GREENS[int(rng.integers(3))]) if green is None else vary(rng, green)
    veins = (min(1, base[0] + 0.22), min(1, base[1] + 0.2), min(1, base[2] + 0.14))
    return Material(
        "leaf",
        (base, veins, (0.62, 0.58, 0.2)),
        0.16,
        25,
        0.006,
        12 / length,
        (float(rng.uniform(0, 0.5)),),
        seed_of(rng),
    )


def ring_of_blades(
    rng: Rng,
    base: Vector,
    count: int,
    shape: Numbers,
    rise: tuple[float, float],
    spread: float = 0.0,
    yaw_start: float = 0.0,
) -> tuple[Numbers, ...]:
    """Blades round the y axis: `shape` = length, half width, bend, fold, curl; rise in degrees."""
    items = []
    for index in range(count):
        yaw = yaw_start + 360 * index / count + float(rng.uniform(-0.3, 0.3)) * 360 / count
        angle = math.radians(yaw)
        x, z = base[0] + spread * math.cos(angle), base[2] - spread * math.sin(angle)
        size = float(rng.uniform(0.85, 1.15))
        lift = float(rng.uniform(*rise))
        items.append((x, base[1], z, 0.0, yaw, lift, shape[0] * size, shape[1] * size, *shape[2:]))
    return tuple(items)


def seed_of(rng: Rng) -> int:
    """A seed for a procedural texture."""
    return int(rng.integers(1000))
