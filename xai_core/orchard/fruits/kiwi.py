"""Kiwi: a fuzzy half with its cut face of rays, seeds and a pale core."""

from __future__ import annotations

import math

from xai_core.orchard.fruits._growth import Rng, pick, seed_of, vary
from xai_core.orchard.scene import Colour, Material, Part, Primitive, Vector

_FLESH: tuple[Colour, ...] = ((0.44, 0.62, 0.12), (0.52, 0.68, 0.20), (0.36, 0.55, 0.10))
_ODD: tuple[Colour, ...] = ((0.86, 0.74, 0.22), (0.72, 0.72, 0.24), (0.66, 0.26, 0.20))


def grow(rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Skin, flesh, core and seeds; the cut face looks up and towards the viewer."""
    wide = float(rng.uniform(0.88, 1.0))
    deep = float(rng.uniform(0.85, 1.15))
    # a cut across the long axis gives a round face, along it an oval one
    oval = 1.0 if rng.random() < 0.5 else float(rng.uniform(1.15, 1.35))
    radii = (wide * oval, deep, wide)
    inner = tuple(radius - 0.05 for radius in radii)
    top = Primitive("halfspace", (0.0, 1.0, 0.0, 0.0), op="cut")
    shell = Primitive("ellipsoid", (inner[0], inner[1], inner[2]), op="carve")
    flesh_top = Primitive("halfspace", (0.0, 1.0, 0.0, 0.012), op="cut")
    flesh = pick(rng, _FLESH, _ODD, 0.1 + 0.5 * oddness)
    light = vary(rng, (min(1, flesh[0] + 0.22), min(1, flesh[1] + 0.18), flesh[2] + 0.14))
    rays = (min(1, flesh[0] + 0.25), min(1, flesh[1] + 0.2), flesh[2] + 0.2)
    brown = pick(rng, [(0.42, 0.30, 0.15), (0.36, 0.27, 0.13)], [(0.45, 0.36, 0.12)], oddness)
    skin = Material(
        "fuzz", (brown, vary(rng, (0.54, 0.40, 0.22))), 0.04, 8, 0.02, 16, (), seed_of(rng)
    )
    face = Material("kiwi_flesh", (flesh, light, rays), 0.4, 50, 0.008, 9, (wide,), seed_of(rng))
    core = Material("plain", (vary(rng, (0.90, 0.88, 0.66)),), 0.3, 40, 0.006, 8)
    dark = Material(
        "seeds", ((0.05, 0.04, 0.03), (0.13, 0.09, 0.05)), 0.5, 60, 0, 4, (), seed_of(rng)
    )
    parts = (
        Part("flesh", (Primitive("ellipsoid", inner), flesh_top), face),
        Part("skin", (Primitive("ellipsoid", radii), top, shell), skin),
        Part("core", (Primitive("ellipsoid", (0.30 * oval * wide, 0.05, 0.24 * wide)),), core),
        Part("seeds", (_seeds(rng, wide, oval),), dark, casts_shadow=False),
    )
    return parts, (float(rng.uniform(35, 78)), 0.0, float(rng.uniform(-12, 12)))


def _seeds(rng: Rng, wide: float, oval: float) -> Primitive:
    """Two staggered rings of drops that point to the core."""
    count = int(rng.integers(24, 34))
    items = []
    for index in range(count):
        angle = 2 * math.pi * (index + float(rng.uniform(-0.25, 0.25))) / count
        reach = wide * (0.40 if index % 2 else 0.53) + float(rng.uniform(-0.03, 0.03))
        x, z = reach * oval * math.sin(angle), reach * math.cos(angle)
        items.append((x, 0.012, z, 0.032, 0.025, 0.068, 0.0, math.degrees(angle), 0.0))
    return Primitive("ellipsoids", items=tuple(items))
