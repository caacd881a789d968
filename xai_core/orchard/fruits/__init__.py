"""One file per fruit: `grow(rng, oddness)` gives its named parts and the way it lies."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from xai_core.orchard.fruits import (
    apple,
    banana,
    cherry,
    corn,
    gourd,
    grape,
    kiwi,
    lemon,
    orange,
    pear,
    pineapple,
    strawberry,
    watermelon,
)
from xai_core.orchard.scene import CLASSES, VARIETIES, Part, Vector

Grow = Callable[[np.random.Generator, float], tuple[tuple[Part, ...], Vector]]

GROW: dict[str, Grow] = {
    "apple": apple.grow,
    "banana": banana.grow,
    "cherry": cherry.grow,
    "corn": corn.grow,
    "grape": grape.grow,
    "kiwi": kiwi.grow,
    "lemon": lemon.grow,
    "orange": orange.grow,
    "pear": pear.grow,
    "pineapple": pineapple.grow,
    "strawberry": strawberry.grow,
    "watermelon": watermelon.grow,
    **{name: functools.partial(gourd.grow, name) for name in VARIETIES},
}


def grow(fruit: str, rng: np.random.Generator, oddness: float) -> tuple[tuple[Part, ...], Vector]:
    """Parts of a new fruit and its turn (pitch, yaw, roll) in degrees; yaw 0 is its best side.

    `oddness` in 0..1 is how far ripeness, colour and pose may leave the usual.
    Raises ValueError for an unknown fruit.
    """
    if fruit not in GROW:
        raise ValueError(f"fruit must be one of {', '.join(CLASSES)}, got {fruit!r}")
    return GROW[fruit](rng, oddness)
