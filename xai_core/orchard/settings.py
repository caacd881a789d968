"""Where a scene takes place: floors, backdrops and lights, by difficulty level."""

from __future__ import annotations

import math

import numpy as np

from xai_core.orchard.fruits._growth import Rng, seed_of, vary
from xai_core.orchard.geometry import Array
from xai_core.orchard.scene import Colour, Lighting, Surface, Vector

_FLOORS: dict[str, tuple[tuple[Colour, Colour], ...]] = {
    "wood": (
        ((0.62, 0.44, 0.26), (0.48, 0.32, 0.18)),
        ((0.78, 0.64, 0.46), (0.66, 0.51, 0.34)),
        ((0.36, 0.23, 0.15), (0.26, 0.16, 0.10)),
    ),
    "cloth": (
        ((0.90, 0.88, 0.82), (0.72, 0.20, 0.20)),
        ((0.92, 0.92, 0.90), (0.28, 0.42, 0.66)),
        ((0.55, 0.60, 0.48), (0.45, 0.51, 0.40)),
        ((0.86, 0.76, 0.42), (0.92, 0.88, 0.72)),
    ),
    "checks": (
        ((0.90, 0.90, 0.88), (0.16, 0.16, 0.18)),
        ((0.86, 0.80, 0.66), (0.52, 0.30, 0.20)),
        ((0.82, 0.86, 0.88), (0.30, 0.50, 0.52)),
    ),
    "marble": (
        ((0.90, 0.89, 0.87), (0.46, 0.46, 0.50)),
        ((0.22, 0.25, 0.24), (0.62, 0.66, 0.62)),
        ((0.78, 0.64, 0.56), (0.48, 0.32, 0.28)),
    ),
    "grass": (((0.16, 0.30, 0.07), (0.44, 0.58, 0.20)), ((0.26, 0.34, 0.10), (0.62, 0.62, 0.28))),
    "tiles": (
        ((0.86, 0.84, 0.78), (0.62, 0.60, 0.56)),
        ((0.64, 0.34, 0.24), (0.74, 0.68, 0.60)),
        ((0.36, 0.52, 0.62), (0.84, 0.85, 0.84)),
        ((0.50, 0.58, 0.44), (0.80, 0.80, 0.74)),
    ),
    "paper": (
        ((0.94, 0.93, 0.90), (0.50, 0.62, 0.80)),
        ((0.70, 0.56, 0.40), (0.50, 0.38, 0.26)),
        ((0.86, 0.72, 0.72), (0.70, 0.50, 0.52)),
        ((0.62, 0.74, 0.78), (0.40, 0.54, 0.62)),
    ),
    "gravel": (((0.62, 0.58, 0.52), (0.42, 0.40, 0.40)), ((0.76, 0.68, 0.56), (0.54, 0.40, 0.32))),
}
_WALLS: tuple[tuple[str, tuple[Colour, ...]], ...] = (
    ("gradient", ((0.72, 0.78, 0.84), (0.90, 0.93, 0.96))),
    ("gradient", ((0.86, 0.80, 0.72), (0.94, 0.92, 0.88))),
    ("gradient", ((0.22, 0.24, 0.28), (0.40, 0.44, 0.50))),
    ("plaster", ((0.84, 0.80, 0.72), (0.72, 0.68, 0.60))),
    ("plaster", ((0.62, 0.70, 0.68), (0.52, 0.60, 0.60))),
    ("plaster", ((0.70, 0.46, 0.38), (0.62, 0.38, 0.30))),
    ("bokeh", ((0.24, 0.36, 0.18), (0.55, 0.66, 0.40), (0.90, 0.92, 0.62), (0.66, 0.80, 0.42))),
    ("bokeh", ((0.30, 0.20, 0.16), (0.48, 0.34, 0.26), (0.96, 0.76, 0.42), (0.86, 0.46, 0.30))),
    ("bokeh", ((0.20, 0.24, 0.36), (0.40, 0.48, 0.62), (0.80, 0.84, 0.92), (0.70, 0.50, 0.56))),
    ("stripes", ((0.86, 0.84, 0.78), (0.74, 0.76, 0.74))),
    ("stripes", ((0.60, 0.66, 0.56), (0.78, 0.78, 0.66))),
    ("wood", ((0.50, 0.38, 0.26), (0.40, 0.29, 0.19))),
    ("tiles", ((0.88, 0.89, 0.88), (0.70, 0.70, 0.70))),
    ("tiles", ((0.40, 0.56, 0.60), (0.80, 0.82, 0.80))),
    ("cloth", ((0.50, 0.44, 0.46), (0.58, 0.52, 0.52))),
    ("marble", ((0.84, 0.82, 0.80), (0.60, 0.58, 0.58))),
)
_CALM_FLOORS = ("wood", "marble", "paper", "tiles", "cloth")
_CALM_WALLS = ("gradient", "plaster", "bokeh")


def sample_floor(rng: Rng, level: int, family: str | None = None) -> Surface:
    """A floor; level 1 keeps to calm families. Raises ValueError for an unknown family."""
    if family is not None and family not in _FLOORS:
        raise ValueError(f"family must be one of {', '.join(_FLOORS)}, got {family!r}")
    names = _CALM_FLOORS if level == 1 else tuple(_FLOORS)
    chosen = family or names[int(rng.integers(len(names)))]
    pairs = _FLOORS[chosen]
    first, second = pairs[int(rng.integers(len(pairs)))]
    return Surface(
        chosen,
        (vary(rng, first), vary(rng, second)),
        scale=float(rng.uniform(0.6, 1.3)),
        turn=float(rng.uniform(-90, 90)),
        seed=seed_of(rng),
    )


def sample_backdrop(rng: Rng, level: int) -> Surface:
    """A wall behind the scene; level 1 keeps to calm families."""
    walls = [entry for entry in _WALLS if level > 1 or entry[0] in _CALM_WALLS]
    family, colours = walls[int(rng.integers(len(walls)))]
    return Surface(
        family,
        tuple(vary(rng, colour) for colour in colours),
        scale=float(rng.uniform(0.5, 1.0)),
        turn=float(rng.choice([0.0, 90.0])) if family in ("wood", "stripes") else 0.0,
        seed=seed_of(rng),
        distance=float(rng.uniform(3.5, 8.0)),
    )


def sample_lighting(rng: Rng, level: int, floor: Surface) -> Lighting:
    """Key, fill, sky and the floor's bounce; levels 3 and 4 may be dim, tinted or against light."""
    strange = (0.0, 0.1, 0.3, 0.6)[level - 1]
    side = float(rng.uniform(20, 70)) * float(rng.choice([-1, 1]))
    if rng.random() < 0.4 * strange:
        side = float(rng.uniform(100, 150)) * float(rng.choice([-1, 1]))
    height = float(rng.uniform(32, 68))
    warmth = float(rng.uniform(-0.06, 0.12))
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    if rng.random() < strange:
        tint = tint * rng.uniform(0.66, 1.12, 3)
    strength = float(rng.uniform(0.72, 1.0))
    exposure = float(rng.uniform(0.9, 1.1))
    if rng.random() < strange:
        exposure = float(rng.uniform(0.45, 0.8) if rng.random() < 0.75 else rng.uniform(1.15, 1.3))
    sky = np.array([0.34, 0.37, 0.42]) * float(rng.uniform(0.75, 1.2)) * (0.5 + 0.5 * tint)
    floor_tone = np.mean(np.asarray(floor.colours[:2]) ** 2.2, axis=0)
    return Lighting(
        key_direction=_direction(side, height),
        key_colour=_colour(tint * strength),
        fill_direction=_direction(-side * 0.8, float(rng.uniform(10, 40))),
        fill_colour=_colour(np.full(3, float(rng.uniform(0.06, 0.2)))),
        sky_colour=_colour(sky),
        ground_colour=_colour(0.08 + 0.45 * floor_tone),
        softness=float(rng.uniform(0.08, 0.3)),
        window=bool(rng.random() < 0.35),
        exposure=exposure,
    )


def _direction(side: float, height: float) -> Vector:
    """Unit vector from angles in degrees: side 0 is the viewer's, 90 the right."""
    a, b = math.radians(side), math.radians(height)
    return math.cos(b) * math.sin(a), math.sin(b), math.cos(b) * math.cos(a)


def _colour(values: Array) -> Colour:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
