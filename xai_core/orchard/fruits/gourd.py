"""Gourd: nine varieties that share one pale body and differ in four small parts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable

import numpy as np

from xai_core.orchard.fruits._growth import Rng, radial, ring_of_blades, seed_of, vary
from xai_core.orchard.geometry import rotation
from xai_core.orchard.scene import VARIETIES, Colour, Material, Part, Primitive, Vector

PARTS = ("leaf", "crown", "band", "label")
"""What tells the varieties apart; each has three forms."""
WORDS = tuple(
    (a, b, (a + b) % 3, (a + 2 * b) % 3) for a, b in itertools.product(range(3), repeat=2)
)
"""The form of each part by variety, the ternary tetracode: any two varieties differ in exactly
three parts, so no part alone tells the variety and any two do."""
_PROFILE = (0.84, 0.90, 0.96, 0.99, 1.0, 1.0, 1.0, 1.0, 1.0, 0.99, 0.97, 0.94, 0.92)
_HEIGHT = 0.86
_TOP = 0.70
_LABEL_POLAR = math.radians(56)
_BELT = -0.16


def grow(name: str, rng: Rng, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Body, leaf, crown, band and label; upright. The front, where all are seen, is yaw 0."""
    base = vary(rng, (0.90, 0.85, 0.70), 0.03 + 0.03 * oddness)
    skin = Material(
        "skin",
        (base, vary(rng, (0.86, 0.78, 0.58)), (0.62, 0.54, 0.36), (0.60, 0.56, 0.36)),
        gloss=float(rng.uniform(0.15, 0.4)),
        shininess=float(rng.uniform(20, 60)),
        bump=0.004,
        scale=9,
        traits=(float(rng.uniform(0.2, 0.5)), float(rng.uniform(0, 360)), 0.25, 0.2, 0.5),
        seed=seed_of(rng),
    )
    body = Part("body", (radial(_PROFILE, (1.0, _HEIGHT, 1.0), (8, 0.012)),), skin)
    side = float(rng.choice([-1, 1]))
    grown = [_FORMS[part][form](rng, side) for part, form in zip(PARTS, forms(name), strict=True)]
    return (body, *grown), (float(rng.uniform(-5, 5)), 0.0, float(rng.uniform(-6, 6)))


def forms(name: str) -> tuple[int, ...]:
    """The form, 0 to 2, of each of PARTS; raises ValueError for a name that is no variety."""
    if name not in VARIETIES:
        raise ValueError(f"variety must be one of {', '.join(VARIETIES)}, got {name!r}")
    return WORDS[VARIETIES.index(name)]


def alike(name: str, parts: Iterable[str]) -> tuple[str, ...]:
    """The varieties that have these parts as `name` has them, so that they cannot be told apart."""
    places = [PARTS.index(part) for part in parts if part in PARTS]
    own = forms(name)
    return tuple(v for v in VARIETIES if all(forms(v)[place] == own[place] for place in places))


def _pointed_leaf(rng: Rng, side: float) -> Part:
    blade = _blade(rng, side, 150, 1.25, 0.25)
    return _leaf(rng, (0.55, 0.8, 0.014, 0.0), (blade,), (0.16, 0.46, 0.12), 0.2)


def _round_leaf(rng: Rng, side: float) -> Part:
    blade = _blade(rng, side, 150, 0.86, 0.40)
    return _leaf(rng, (0.45, 0.35, 0.014, 0.0), (blade,), (0.22, 0.42, 0.80), 0.1)


def _lobed_leaf(rng: Rng, side: float) -> Part:
    blades = tuple(_blade(rng, side, 150 + turn, 0.95, 0.15) for turn in (-42, 0, 42))
    return _leaf(rng, (0.6, 0.5, 0.014, 0.0), blades, (0.80, 0.10, 0.10), 0.1)


def _blade(rng: Rng, side: float, angle: float, length: float, width: float) -> tuple[float, ...]:
    """A blade in the plane of the image from the shoulder, `angle` degrees up from the right."""
    up = angle + float(rng.uniform(-4, 4))
    up = up if side > 0 else 180 - up
    base = (-0.50 * side, 0.60, 0.30)
    turned = 90 + float(rng.uniform(-12, 12))
    return (*base, 90 - up, turned, 90.0, length, width, float(rng.uniform(0, 0.2)), 0.15, 0.0)


def _leaf(
    rng: Rng, outline: tuple[float, ...], blades: tuple[tuple[float, ...], ...],
    colour: Colour, pale: float,
) -> Part:  # fmt: skip
    base = vary(rng, colour, 0.03)
    veins: Colour = (min(1, base[0] + pale), min(1, base[1] + pale), min(1, base[2] + pale))
    material = Material("leaf", (base, veins, base), 0.15, 25, 0.004, 10, (0.0,), seed_of(rng))
    return Part("leaf", (Primitive("blades", outline, items=blades),), material)


def _straight_crown(rng: Rng, side: float) -> Part:
    lean = side * float(rng.uniform(0.0, 0.12))
    items = tuple(
        (lean * share, _TOP - 0.1 + 0.95 * share, 0.0, radius)
        for share, radius in ((0.0, 0.20), (0.5, 0.16), (0.85, 0.18), (1.0, 0.25))
    )
    return _plain(rng, "crown", (Primitive("tube", items=items),), (0.34, 0.19, 0.08))


def _curled_crown(rng: Rng, side: float) -> Part:
    """A tendril that rises and rolls up away from the leaf."""
    centre_x, centre_y = side * 0.42, _TOP + 0.42
    items = [(0.0, _TOP - 0.1, 0.0, 0.12)]
    for step in range(13):
        share = step / 12
        angle = math.pi - 1.75 * math.pi * share
        radius = 0.42 - 0.24 * share
        x, y = centre_x + side * radius * math.cos(angle), centre_y + radius * math.sin(angle)
        items.append((x, y, 0.0, 0.12 - 0.02 * share))
    return _plain(rng, "crown", (Primitive("tube", items=tuple(items)),), (0.55, 0.80, 0.10))


def _star_crown(rng: Rng, side: float) -> Part:
    blades = ring_of_blades(rng, (0, _TOP, 0), 6, (0.85, 0.20, -0.1, 0.15, 0), (28, 38), 0.02)
    star = Primitive("blades", (0.35, 0.9, 0.02, 0.0), items=blades)
    return _plain(rng, "crown", (star,), (0.50, 0.12, 0.62))


def _wide_band(rng: Rng, side: float) -> Part:
    outer = Primitive("cylinder", (1.035, 0.16, 0.03), (0.0, _BELT, 0.0))
    inner = Primitive("cylinder", (0.94, 0.30, 0.0), (0.0, _BELT, 0.0), op="carve")
    return _plain(rng, "band", (outer, inner), (0.95, 0.48, 0.03))


def _thin_bands(rng: Rng, side: float) -> Part:
    rings = [(0.99, 0.0), (0.935, -0.33)]
    rounds = tuple(Primitive("torus", (ring, 0.065), (0.0, y, 0.0)) for ring, y in rings)
    return _plain(rng, "band", rounds, (0.05, 0.05, 0.07))


def _beads(rng: Rng, side: float) -> Part:
    start, count = float(rng.uniform(0, 360)), 10
    items = []
    for number in range(count):
        angle = math.radians(start + 360 * number / count)
        items.append((math.sin(angle), _BELT, math.cos(angle), 0.17, 0.17, 0.17, 0.0, 0.0, 0.0))
    beads = Primitive("ellipsoids", items=tuple(items))
    return _plain(rng, "band", (beads,), (0.02, 0.58, 0.60))


def _disc(rng: Rng, side: float) -> Part:
    centre, turn = _front(rng)
    return _plain(rng, "label", (Primitive("cylinder", (0.37, 0.085, 0.02), centre, turn),),
                  (0.92, 0.22, 0.52))  # fmt: skip


def _square(rng: Rng, side: float) -> Part:
    centre, turn = _front(rng)
    return _plain(rng, "label", (Primitive("box", (0.31, 0.09, 0.31, 0.02), centre, turn),),
                  (0.10, 0.06, 0.80))  # fmt: skip


def _triangle(rng: Rng, side: float) -> Part:
    """A box from which two half-spaces leave a triangle that points up."""
    centre, turn = _front(rng)
    base, half = 0.45, 0.34
    cuts = []
    for right in (-1.0, 1.0):
        edge = np.array([right * 2 * half, 0.0, -base]) / math.hypot(2 * half, base)
        normal = rotation(turn) @ edge
        offset = half * base / math.hypot(2 * half, base) + float(normal @ np.asarray(centre))
        x, y, z = (float(value) for value in normal)
        cuts.append(Primitive("halfspace", (x, y, z, offset), op="cut"))
    box = Primitive("box", (base, 0.09, half, 0.0), centre, turn)
    return _plain(rng, "label", (box, *cuts), (1.00, 0.78, 0.02))


def _front(rng: Rng) -> tuple[Vector, Vector]:
    """Where the label's middle lies on the body, and the turn that lays a plate on it there."""
    yaw = float(rng.uniform(-10, 10))
    ring, y = math.sin(_LABEL_POLAR), _HEIGHT * math.cos(_LABEL_POLAR)
    rise = math.degrees(math.atan2(y / _HEIGHT**2, ring))
    x, z = ring * math.sin(math.radians(yaw)), ring * math.cos(math.radians(yaw))
    return (x, y, z), (90 - rise, yaw, 0.0)


def _plain(rng: Rng, name: str, primitives: tuple[Primitive, ...], colour: Colour) -> Part:
    material = Material("plain", (vary(rng, colour, 0.03),), 0.15, 30, 0.0, 4, (), seed_of(rng))
    return Part(name, primitives, material)


_FORMS: dict[str, tuple[Callable[[Rng, float], Part], ...]] = {
    "leaf": (_pointed_leaf, _round_leaf, _lobed_leaf),
    "crown": (_straight_crown, _curled_crown, _star_crown),
    "band": (_wide_band, _thin_bands, _beads),
    "label": (_disc, _square, _triangle),
}
