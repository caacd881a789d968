"""Lemon (or lime): an oval body with a nipple, pores, a woody eye and often a leaf."""

from __future__ import annotations

from xai_core.orchard.fruits._growth import Rng, leaf, pick, radial, seed_of, vary
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_PROFILE = (1.50, 1.34, 1.10, 0.98, 0.90, 0.86, 0.85, 0.86, 0.90, 0.97, 1.07, 1.17, 1.20)
_USUAL: tuple[Colour, ...] = ((0.95, 0.82, 0.16), (0.92, 0.84, 0.28), (0.90, 0.76, 0.12))
_ODD: tuple[Colour, ...] = ((0.42, 0.60, 0.16), (0.60, 0.70, 0.20), (0.92, 0.66, 0.16))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Body, eye and mostly a leaf; lying on its side."""
    colour = pick(rng, _USUAL, _ODD, 0.15 + 0.55 * oddness)
    green = vary(rng, (colour[0] * 0.72, min(1.0, colour[1] * 0.92), colour[2]))
    peel = Material(
        "citrus",
        (colour, green),
        gloss=float(rng.uniform(0.25, 0.5)),
        shininess=float(rng.uniform(25, 50)),
        bump=0.009,
        scale=float(rng.uniform(11, 14)),
        traits=(float(rng.uniform(0, 0.6)),),
        seed=seed_of(rng),
    )
    length = float(rng.uniform(0.95, 1.12))
    body = radial(_PROFILE, (1.0, length, 1.0))
    low = -1.18 * length
    eye = (
        Primitive("ellipsoid", (0.17, 0.07, 0.17), (0.0, low, 0.0)),
        Primitive("tube", items=((0, low, 0, 0.09), (0, low - 0.12, 0, 0.07))),
    )
    wood = Material("bark", ((0.42, 0.46, 0.18), (0.34, 0.28, 0.12)), 0.08, 15, 0.01, 12)
    parts = [Part("body", (body,), peel), Part("eye", eye, wood, blend=0.05)]
    if rng.random() < 0.65:
        yaw = float(rng.uniform(-60, 240))
        parts.append(leaf(rng, (0, low - 0.03, 0), float(rng.uniform(0.9, 1.2)), 0.3, yaw, 40.0))
    roll = float(rng.uniform(78, 102))
    return tuple(parts), (float(rng.uniform(-10, 10)), 0.0, roll if rng.random() < 0.5 else -roll)
