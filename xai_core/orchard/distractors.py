"""Things that are no fruit: stones, fallen leaves, cups, balls, blocks and rings."""

from __future__ import annotations

import numpy as np

from xai_core.orchard.fruits._growth import Rng, leaf_material, radial, seed_of, vary
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

KINDS = ("stone", "leaf", "cup", "ball", "block", "ring")
# as colourful as the fruits, so that a patch of colour does not tell the class
PAINTS: tuple[Colour, ...] = (
    (0.80, 0.10, 0.10),
    (0.93, 0.78, 0.18),
    (0.35, 0.58, 0.18),
    (0.92, 0.48, 0.10),
    (0.45, 0.12, 0.35),
    (0.20, 0.40, 0.72),
    (0.15, 0.55, 0.55),
    (0.92, 0.90, 0.86),
    (0.18, 0.18, 0.20),
    (0.80, 0.45, 0.55),
    (0.45, 0.30, 0.16),
)


def make(kind: str, rng: Rng) -> tuple[tuple[Part, ...], Vector]:
    """Parts and turn of a distractor about as large as a fruit (reach 0.3 to 0.7)."""
    if kind not in _MAKE:
        raise ValueError(f"distractor must be one of {', '.join(KINDS)}, got {kind!r}")
    parts, turn = _MAKE[kind](rng)
    return parts, (turn[0], float(rng.uniform(0, 360)), turn[2])


def _paint(rng: Rng) -> Colour:
    return vary(rng, PAINTS[int(rng.integers(len(PAINTS)))])


def _stone(rng: Rng) -> tuple[tuple[Part, ...], Vector]:
    tone = float(rng.uniform(0.3, 0.7))
    warm = float(rng.uniform(-0.05, 0.12))
    colours = ((tone + warm, tone, tone - warm), (tone * 0.6 + warm, tone * 0.6, tone * 0.6))
    profile = tuple(float(value) for value in rng.uniform(0.85, 1.1, 7))
    size = rng.uniform(0.3, 0.65, 3) * np.array([1, 0.7, 1])
    body = radial(profile, (float(size[0]), float(size[1]), float(size[2])), (3, 0.06))
    material = Material("stone", colours, 0.06, 12, 0.03, 5, (), seed_of(rng))
    return (Part("body", (body,), material),), (float(rng.uniform(-30, 30)), 0.0, 0.0)


def _leaf(rng: Rng) -> tuple[tuple[Part, ...], Vector]:
    tints: tuple[Colour, ...] = ((0.62, 0.28, 0.10), (0.40, 0.50, 0.16), (0.72, 0.56, 0.18))
    length, width = float(rng.uniform(0.8, 1.3)), float(rng.uniform(0.25, 0.4))
    item = (0.0, 0.0, 0.0, 0.0, 0.0, 14.0, length, width, float(rng.uniform(0.1, 0.4)), 0.3, 0.0)
    blade = Primitive("blades", (0.6, 0.75, 0.014, float(rng.choice([0.0, 0.07]))), items=(item,))
    material = leaf_material(rng, length, tints[int(rng.integers(3))])
    return (Part("blade", (blade,), material),), (float(rng.uniform(-15, 15)), 0.0, 0.0)


def _cup(rng: Rng) -> tuple[tuple[Part, ...], Vector]:
    radius, half = float(rng.uniform(0.38, 0.55)), float(rng.uniform(0.4, 0.6))
    wall = Primitive("cylinder", (radius, half, 0.05))
    hole = Primitive("cylinder", (radius - 0.07, half, 0.05), (0.0, 0.1, 0.0), op="carve")
    handle = Primitive("torus", (half * 0.5, 0.055), (radius, 0.0, 0.0), (90.0, 0.0, 0.0))
    if rng.random() < 0.5:
        glaze = Material("plain", (_paint(rng),), 0.5, 80)
    else:
        glaze = Material("bands", (_paint(rng), _paint(rng)), 0.5, 80, 0, float(rng.uniform(6, 14)))
    parts = [Part("bowl", (wall, hole), glaze)]
    if rng.random() < 0.7:
        parts.append(Part("handle", (handle,), glaze))
    return tuple(parts), (0.0, 0.0, 0.0)


def _ball(rng: Rng) -> tuple[tuple[Part, ...], Vector]:
    radius = float(rng.uniform(0.3, 0.55))
    kind = int(rng.integers(3))
    paint = (_paint(rng), _paint(rng))
    gloss, sharp = float(rng.uniform(0.1, 0.6)), float(rng.uniform(20, 120))
    if kind == 0:
        material = Material("plain", paint[:1], gloss, sharp)
    elif kind == 1:
        material = Material("bands", paint, gloss, sharp, 0, float(rng.uniform(5, 12)))
    else:
        material = Material("bands", paint, gloss, sharp, 0, 4, (float(rng.integers(3, 6)),))
    body = Primitive("ellipsoids", items=((0.0, 0.0, 0.0, radius, radius, radius, 0.0, 0.0, 0.0),))
    tilt = (float(rng.uniform(-60, 60)), 0.0, float(rng.uniform(-60, 60)))
    return (Part("body", (body,), material),), tilt


def _block(rng: Rng) -> tuple[tuple[Part, ...], Vector]:
    size = rng.uniform(0.22, 0.45, 3)
    body = Primitive("box", (float(size[0]), float(size[1]), float(size[2]), 0.04))
    material = Material("bark", (_paint(rng), _paint(rng)), 0.15, 30, 0, 3, (), seed_of(rng))
    return (Part("body", (body,), material),), (0.0, 0.0, 0.0)


def _ring(rng: Rng) -> tuple[tuple[Part, ...], Vector]:
    ring = float(rng.uniform(0.3, 0.5))
    body = Primitive("torus", (ring, ring * float(rng.uniform(0.2, 0.38))))
    gloss = float(rng.uniform(0.2, 0.7))
    return (Part("body", (body,), Material("plain", (_paint(rng),), gloss, 80)),), (0.0, 0.0, 0.0)


_MAKE = {
    "stone": _stone,
    "leaf": _leaf,
    "cup": _cup,
    "ball": _ball,
    "block": _block,
    "ring": _ring,
}
