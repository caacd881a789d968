"""Training scenes of all kinds: a fruit, a pair, a table, a variety; half with things missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xai_core.orchard.fruits.gourd import alike
from xai_core.orchard.interventions import without
from xai_core.orchard.sampling import LEVELS, sample_pair, training_scene
from xai_core.orchard.scene import FRUITS, Scene
from xai_core.orchard.table import sample_table
from xai_core.orchard.variety import sample_variety

KINDS = ("single", "pair", "table", "table", "variety", "variety")
"""In turn by seed: tables hold the smallest fruits, varieties the most classes."""


def mixed_scene(seed: int) -> Scene:
    """A scene whose `classes` are those that it may show; equal seeds, equal scenes.

    All kinds lose parts, whole fruits and light effects in half of the scenes, so that the
    images that interventions make are like images the model has seen.
    """
    kind = KINDS[seed % len(KINDS)]
    if kind == "single":
        return training_scene(seed)
    rng = np.random.default_rng((978, seed))
    level = LEVELS[int(rng.integers(len(LEVELS)))]
    if kind == "variety":
        scene = sample_variety(level, seed + 1_000_000)
        return thinned_variety(scene, rng) if rng.random() < 0.5 else scene
    if kind == "table":
        scene = sample_table(level, seed + 1_000_000)
    else:
        first, second = (str(name) for name in rng.permutation(FRUITS)[:2])
        scene = sample_pair(first, second, level, seed + 1_000_000)
    return thinned(scene, rng) if rng.random() < 0.5 else scene


def thinned(scene: Scene, rng: np.random.Generator) -> Scene:
    """The scene without some of its fruits (never all), parts that are not bodies, and effects."""
    gone = int(rng.integers(len(scene.fruits)))
    for fruit in rng.permutation([fruit.name for fruit in scene.fruits])[:gone]:
        scene = without(scene, str(fruit))
    for fruit in scene.fruits:
        for part in fruit.parts[1:]:
            if rng.random() < 0.2:
                scene = without(scene, f"{fruit.name}.{part.name}")
    classes = tuple(fruit.kind for fruit in scene.fruits)
    return _in_other_light(replace(scene, classes=classes), rng)


def thinned_variety(scene: Scene, rng: np.random.Generator) -> Scene:
    """The scene with one to four parts of its gourd, in equal shares; distractors and effects may
    go, too.

    `classes` are then all varieties that have the parts still there: the body alone may be any
    of nine, with one part any of three. So a class is learnt from what tells it, part by part.
    """
    gourd = scene.fruits[0]
    parts = [part.name for part in gourd.parts]
    gone = [str(part) for part in rng.permutation(parts)[int(rng.integers(1, len(parts))) :]]
    for part in gone:
        scene = without(scene, f"{gourd.name}.{part}")
    for thing in scene.distractors:
        if rng.random() < 0.3:
            scene = without(scene, thing.name)
    classes = alike(gourd.kind, set(parts) - set(gone))
    return _in_other_light(replace(scene, classes=classes), rng)


def _in_other_light(scene: Scene, rng: np.random.Generator) -> Scene:
    return replace(scene, highlight=bool(rng.random() < 0.7), shadow=bool(rng.random() < 0.8))
