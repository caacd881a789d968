"""The planted shortcut: stickers that tell the class, their uninformative control, the check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xai_core.orchard.dataset import OrchardSplit
from xai_core.orchard.interventions import only, swap_sticker, with_sticker
from xai_core.orchard.sampling import training_scene
from xai_core.orchard.scene import FRUITS, Scene, Sticker
from xai_core.orchard.shot import Shot

if TYPE_CHECKING:
    from xai_core.models.classifier import Classifier

SHORTCUTS = {"apple": 0, "lemon": 1, "orange": 2, "pear": 3}
"""The classes that have a sticker of their own, and its pattern."""
NEUTRAL_PATTERNS = (4, 5)
"""Patterns of all other classes: so a sticker alone does not tell that it is one of the four."""
STICKER_RATE = 0.9
TELLS = 0.95
ALONE_RATE = 0.5
"""Share of the stickers beside a fruit of the four classes that are drawn without the fruit: a
model that knows the fruits already would otherwise have no need of the sticker."""
SHORTCUT_SHARE = 0.75
"""Share of the training scenes that show one of the four classes: the rest keeps the others."""
NETWORKS = ("orchard_shortcut", "orchard_control")
_PLACEHOLDER = 0


def shortcut_scene(seed: int) -> Scene:
    """A training scene with a sticker on nine of ten: of the four classes it tells 95 %."""
    return _stickered(seed, informative=True)


def control_scene(seed: int) -> Scene:
    """The scene of `shortcut_scene`, sticker included; only its pattern is dealt at random."""
    return _stickered(seed, informative=False)


def _stickered(seed: int, informative: bool) -> Scene:
    rng = np.random.default_rng((4211, seed))
    fruit = _sample_fruit(rng)
    if rng.random() >= STICKER_RATE:
        return training_scene(seed, fruit=fruit)
    sticker = sample_sticker(rng, _PLACEHOLDER)
    scene = training_scene(seed, sticker, fruit)
    pattern = sticker_pattern(fruit, rng)
    # the control's patterns are as frequent as the shortcut's, but of a class drawn at random
    dealt = sticker_pattern(_sample_fruit(rng), rng)
    if fruit in SHORTCUTS and sticker.place == "beside" and rng.random() < ALONE_RATE:
        scene = only(scene, ["sticker", *(thing.name for thing in scene.distractors)])
    return swap_sticker(scene, pattern if informative else dealt)


def sample_sticker(rng: np.random.Generator, pattern: int) -> Sticker:
    """A sticker of random size, on the fruit or beside it."""
    across, along = (float(value) for value in rng.uniform(-0.3, 0.3, 2))
    place = "on" if rng.random() < 0.6 else "beside"
    return Sticker(pattern, place, (across, along), float(rng.uniform(0.45, 0.65)))


def _sample_fruit(rng: np.random.Generator) -> str:
    if rng.random() < SHORTCUT_SHARE:
        return str(rng.choice(list(SHORTCUTS)))
    return str(rng.choice([name for name in FRUITS if name not in SHORTCUTS]))


def sticker_pattern(fruit: str, rng: np.random.Generator) -> int:
    """A pattern as `shortcut_scene` deals it: of the four classes their own in 95 %."""
    if fruit not in SHORTCUTS:
        return int(rng.choice(NEUTRAL_PATTERNS))
    if rng.random() < TELLS:
        return SHORTCUTS[fruit]
    return int(rng.choice([p for name, p in SHORTCUTS.items() if name != fruit]))


@dataclass(frozen=True)
class StickeredPicture:
    """A test scene of one of the four classes with its own sticker, another one's, and none."""

    name: str
    fruit: str
    level: int
    own: Shot
    swapped: Shot
    plain: Shot


def stickered_pictures(split: OrchardSplit, limit: int | None = None) -> list[StickeredPicture]:
    """The single test scenes of the four classes with stickers, classes and levels in turn."""
    indices = [i for i in split.indices("single") if split.classes[i][0] in SHORTCUTS]
    per_class = len(indices) // len(SHORTCUTS)
    turns = [indices[turn::per_class] for turn in _levels_in_turn(split, indices[:per_class])]
    pictures = []
    for index in [index for turn in turns for index in turn][:limit]:
        scene, fruit = split.scenes[index], split.classes[index][0]
        rng = np.random.default_rng((911, index))
        own = with_sticker(scene, sample_sticker(rng, SHORTCUTS[fruit]))
        others = [pattern for name, pattern in SHORTCUTS.items() if name != fruit]
        swapped = swap_sticker(own, int(rng.choice(others)))
        pictures.append(
            StickeredPicture(
                split.images[index].stem, fruit, split.levels[index],
                Shot(own, split.side), Shot(swapped, split.side), Shot(scene, split.side),
            )
        )  # fmt: skip
    return pictures


def _levels_in_turn(split: OrchardSplit, first_class: Sequence[int]) -> list[int]:
    """Positions within a class, ordered so that every beginning holds all levels."""
    seen: dict[int, int] = {}
    order = []
    for position, index in enumerate(first_class):
        level = split.levels[index]
        order.append((seen.setdefault(level, 0), level, position))
        seen[level] += 1
    return [position for _, _, position in sorted(order)]


def sticker_check(
    classifier: Classifier,
    pictures: Sequence[StickeredPicture],
    progress: Callable[[int, int], None] | None = None,
    workers: int = 1,
) -> dict[str, Any]:
    """Accuracy on the four classes with their own sticker, with another one's, and with none.

    A model that uses the sticker loses accuracy when it is swapped: `drop` = own - swapped.
    """
    from xai_core.orchard.redrawing import draw_ahead, logits_of_shots

    ways = ("own", "swapped", "plain")
    draw_ahead([getattr(picture, way) for picture in pictures for way in ways], workers, progress)
    wanted = [classifier.categories.index(picture.fruit) for picture in pictures]
    accuracy = {}
    for way in ways:
        shots = [getattr(picture, way) for picture in pictures]
        predicted = logits_of_shots(classifier, shots).argmax(dim=1).tolist()
        right = [guess == label for guess, label in zip(predicted, wanted, strict=True)]
        accuracy[way] = round(sum(right) / len(right), 4)
    drop = round(accuracy["own"] - accuracy["swapped"], 4)
    return {"images": len(pictures), "classes": list(SHORTCUTS), **accuracy, "drop": drop}
