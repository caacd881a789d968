"""Orange: a porous ball with a star-shaped calyx and often a leaf."""

from __future__ import annotations

from xai_core.orchard.fruits._growth import Rng, leaf, pick, radial, ring_of_blades, seed_of, vary
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_PROFILE = (0.97, 0.985, 0.995, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.995, 0.985, 0.975, 0.96)
_USUAL: tuple[Colour, ...] = ((0.94, 0.52, 0.08), (0.90, 0.44, 0.06), (0.95, 0.60, 0.14))
_ODD: tuple[Colour, ...] = ((0.86, 0.66, 0.14), (0.78, 0.28, 0.10), (0.62, 0.62, 0.16))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Body, calyx and mostly a leaf; the calyx looks up or towards the viewer."""
    colour = pick(rng, _USUAL, _ODD, 0.7 * oddness)
    second = vary(rng, (colour[0] * 0.85, min(1.0, colour[1] * 1.15), colour[2]))
    peel = Material(
        "citrus",
        (colour, second),
        gloss=float(rng.uniform(0.25, 0.5)),
        shininess=float(rng.uniform(22, 45)),
        bump=0.011,
        scale=float(rng.uniform(11, 15)),
        traits=(float(rng.uniform(0, 0.5)),),
        seed=seed_of(rng),
    )
    height = float(rng.uniform(0.9, 1.0))
    body = radial(_PROFILE, (1.0, height, 1.0))
    top = 0.955 * height
    star = ring_of_blades(rng, (0, top + 0.01, 0), 5, (0.26, 0.09, 0.3, 0.1, 0.0), (0, 8))
    button = Primitive("ellipsoid", (0.1, 0.06, 0.1), (0.0, top + 0.03, 0.0))
    green = vary(rng, (0.36, 0.46, 0.16))
    calyx = (button, Primitive("blades", (0.3, 0.7, 0.02, 0.0), items=star))
    parts = [
        Part("body", (body,), peel),
        Part("calyx", calyx, Material("bark", (green, (0.42, 0.36, 0.16)), 0.08, 15, 0.01, 12)),
    ]
    if rng.random() < 0.65:
        parts.append(leaf(rng, (0.03, top + 0.04, 0), float(rng.uniform(0.8, 1.15)), 0.3))
    pitch = float(rng.uniform(50, 95)) if rng.random() < 0.3 else float(rng.uniform(0, 35))
    return tuple(parts), (pitch, 0.0, float(rng.uniform(-20, 20)))
