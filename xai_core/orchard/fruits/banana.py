"""Banana: one to three bent, ridged bodies with a stem and a dark tip."""

from __future__ import annotations

import math

import numpy as np

from xai_core.orchard.fruits._growth import Rng, pick, seed_of, vary
from xai_core.orchard.geometry import Array, rotation
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_PROFILE = (0.13, 0.24, 0.285, 0.30, 0.305, 0.30, 0.285, 0.23, 0.12)


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Body, stem and tip; lying on its side or standing on its back like a boat's rib."""
    ring, half = float(rng.uniform(1.25, 1.7)), float(rng.uniform(38, 52))
    count = 1 if rng.random() < 0.6 else int(rng.integers(2, 4))
    thick = float(rng.uniform(0.9, 1.1))
    profile = tuple(value * thick for value in _PROFILE)
    bodies: list[Primitive] = []
    stems: list[Primitive] = []
    tips: list[Primitive] = []
    for index in range(count):
        turn = ((index - (count - 1) / 2) * 22.0, 0.0, 0.0)
        # bananas of a hand fan out from the common stem
        hinge = np.array([-ring * math.sin(math.radians(half)), 0.0, 0.0])
        fan = rotation((0.0, (index - (count - 1) / 2) * 24.0, 0.0))
        frame = fan @ rotation(turn)
        centre = _vector(hinge - fan @ hinge)
        bodies.append(
            Primitive(
                "arc",
                (ring, half, 0.045),
                centre,
                _euler(turn, (index - (count - 1) / 2) * 24.0),
                profile=profile,
            )
        )
        for sign, target, sizes in (
            (-1, stems, ((0.0, 0.125), (0.16, 0.085), (0.36, 0.08), (0.42, 0.095))),
            (1, tips, ((0.03, 0.10), (0.12, 0.07), (0.16, 0.06))),
        ):
            items = []
            for step, radius in sizes:
                angle = sign * (math.radians(half) + step / ring)
                reach = ring * (1 - 0.12 * step)
                point = frame @ [reach * math.sin(angle), -reach * math.cos(angle), 0.0]
                items.append((*_vector(point + np.asarray(centre)), radius * thick))
            target.append(Primitive("tube", items=tuple(items)))
    base = pick(rng, [(0.93, 0.78, 0.18), (0.90, 0.72, 0.14)], [(0.84, 0.66, 0.22)], oddness)
    green, spots = float(rng.uniform(0, 0.3)), float(rng.uniform(0, 0.3))
    if rng.random() < 0.25 + 0.35 * oddness:
        green, spots = (float(rng.uniform(0.6, 1)), 0.0) if rng.random() < 0.5 else (0.0, 0.75)
    reach = ring * math.sin(math.radians(half))
    peel = Material(
        "banana",
        (base, vary(rng, (0.52, 0.66, 0.20)), vary(rng, (0.30, 0.18, 0.07))),
        gloss=float(rng.uniform(0.1, 0.3)),
        shininess=25,
        bump=0.004,
        scale=5,
        traits=(green, spots, reach),
        seed=seed_of(rng),
    )
    wood: Colour = (0.55, 0.56, 0.22) if green > 0.1 else (0.50, 0.38, 0.16)
    parts = (
        Part("body", tuple(bodies), peel, blend=0.03),
        Part("stem", tuple(stems), Material("bark", (vary(rng, wood), (0.34, 0.28, 0.12)), 0.1)),
        Part("tip", tuple(tips), Material("bark", ((0.14, 0.10, 0.06), (0.24, 0.18, 0.08)), 0.05)),
    )
    # on its side (pitch near 90), or resting on its bent back
    pitch = float(rng.uniform(68, 96)) if rng.random() < 0.55 else float(rng.uniform(-12, 25))
    if rng.random() < 0.35:
        pitch += 180.0
    return parts, (pitch, 0.0, 0.0)


def _euler(turn: Vector, yaw: float) -> Vector:
    return turn[0], yaw, turn[2]


def _vector(values: Array) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
