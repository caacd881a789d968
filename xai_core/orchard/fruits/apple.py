"""Apple: a dimpled body with faint lobes; red, green, yellow or two-coloured."""

from __future__ import annotations

from xai_core.orchard.fruits._growth import Rng, leaf, pick, radial, seed_of, stem, vary
from xai_core.orchard.scene import Colour, Material, Part, Vector

_PROFILE = (0.66, 0.86, 1.0, 1.05, 1.06, 1.05, 1.02, 0.99, 0.96, 0.93, 0.91, 0.88, 0.80)
_SKINS: tuple[tuple[Colour, Colour], ...] = (
    ((0.78, 0.55, 0.20), (0.72, 0.08, 0.08)),
    ((0.70, 0.16, 0.12), (0.55, 0.03, 0.06)),
    ((0.52, 0.70, 0.18), (0.66, 0.78, 0.28)),
    ((0.88, 0.76, 0.28), (0.80, 0.30, 0.16)),
    ((0.62, 0.70, 0.22), (0.74, 0.14, 0.12)),
    ((0.86, 0.80, 0.36), (0.82, 0.66, 0.20)),
)


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Body, stem and mostly a leaf; upright, when odd lying on its side."""
    base, blush = _SKINS[int(rng.integers(len(_SKINS)))]
    specks = pick(rng, [(0.92, 0.86, 0.62)], [(0.45, 0.28, 0.14)], oddness)
    skin = Material(
        "skin",
        (vary(rng, base), vary(rng, blush), specks, (0.50, 0.46, 0.20)),
        gloss=float(rng.uniform(0.25, 0.6)),
        shininess=float(rng.uniform(35, 120)),
        bump=0.004,
        scale=float(rng.uniform(7, 10)),
        traits=(
            float(rng.uniform(0.25, 0.8)),
            float(rng.uniform(0, 360)),
            float(rng.uniform(0.3, 0.8)),
            float(rng.uniform(0.2, 0.8)),
            0.8,
        ),
        seed=seed_of(rng),
    )
    height = float(rng.uniform(0.86, 1.02))
    body = radial(_PROFILE, (1.0, height, 1.0), (5, float(rng.uniform(0, 0.025))))
    top = 0.64 * height
    parts = [
        Part("body", (body,), skin),
        stem(rng, (0, top, 0), float(rng.uniform(0.4, 0.62)), 0.045),
    ]
    if rng.random() < 0.75:
        parts.append(leaf(rng, (0.03, top + 0.22, 0), float(rng.uniform(0.6, 0.9)), 0.22))
    lying = rng.random() < 0.35 * oddness
    pitch = float(rng.uniform(60, 100) if lying else rng.uniform(-8, 16))
    return tuple(parts), (pitch, 0.0, float(rng.uniform(-10, 10)))
