"""Pear: a bulb with a neck; green, yellow, russet or with a red cheek."""

from __future__ import annotations

from xai_core.orchard.fruits._growth import Rng, leaf, pick, radial, seed_of, stem, vary
from xai_core.orchard.scene import Colour, Material, Part, Vector

_PROFILE = (1.72, 1.64, 1.34, 1.14, 1.05, 1.01, 1.0, 0.99, 0.97, 0.95, 0.92, 0.88, 0.80)
_SKINS: tuple[tuple[Colour, Colour], ...] = (
    ((0.62, 0.70, 0.22), (0.74, 0.74, 0.30)),
    ((0.84, 0.76, 0.28), (0.80, 0.48, 0.18)),
    ((0.58, 0.46, 0.20), (0.68, 0.58, 0.26)),
    ((0.66, 0.68, 0.24), (0.70, 0.22, 0.16)),
)
_ODD: tuple[tuple[Colour, Colour], ...] = (((0.60, 0.10, 0.12), (0.48, 0.05, 0.08)),)


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Body, stem and often a leaf; upright, when odd lying."""
    skins = _ODD if rng.random() < 0.25 * oddness else _SKINS
    base, blush = skins[int(rng.integers(len(skins)))]
    skin = Material(
        "skin",
        (vary(rng, base), vary(rng, blush), vary(rng, (0.46, 0.36, 0.16)), (0.46, 0.38, 0.18)),
        gloss=float(rng.uniform(0.15, 0.4)),
        shininess=float(rng.uniform(20, 60)),
        bump=0.005,
        scale=float(rng.uniform(9, 12)),
        traits=(
            float(rng.uniform(0.25, 0.7)),
            float(rng.uniform(0, 360)),
            float(rng.uniform(0.3, 0.7)),
            0.15,
            0.2,
        ),
        seed=seed_of(rng),
    )
    neck = float(rng.uniform(0.88, 1.06))
    profile = tuple(value * (neck if index < 2 else 1.0) for index, value in enumerate(_PROFILE))
    body = radial(profile, (1.0, float(rng.uniform(0.94, 1.06)), 1.0), (3, 0.015))
    top = profile[0] * body.sizes[1] - 0.06
    colour = pick(rng, [(0.38, 0.27, 0.14)], [(0.40, 0.46, 0.18)], oddness)
    parts = [
        Part("body", (body,), skin),
        stem(rng, (0, top, 0), float(rng.uniform(0.4, 0.6)), 0.05, 0.5, colour),
    ]
    if rng.random() < 0.65:
        parts.append(leaf(rng, (0.02, top + 0.15, 0), float(rng.uniform(0.7, 1.0)), 0.24))
    if rng.random() < 0.15 + 0.35 * oddness:
        return tuple(parts), (float(rng.uniform(-5, 15)), 0.0, float(rng.choice([-78.0, 78.0])))
    return tuple(parts), (float(rng.uniform(-8, 14)), 0.0, float(rng.uniform(-10, 10)))
