"""Table scenes: several small fruits of different classes anywhere in the image."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from xai_core.orchard import distractors
from xai_core.orchard.frame import Frame, Outline, wider
from xai_core.orchard.geometry import Array, world_points
from xai_core.orchard.sampling import LEVELS, posed_fruit, settled, vector
from xai_core.orchard.scene import FRUITS, Camera, Scene, Thing
from xai_core.orchard.settings import sample_backdrop, sample_floor, sample_lighting

COUNTS = (3, 4, 5)
AREAS = (0.02, 0.04)
"""Smallest and largest share of the image that each fruit shows."""
_AIMED = (0.0235, 0.0355)
_CLUTTER = ((0, 0), (0, 1), (0, 2), (1, 2))
_STREAM = 71
_TRIES = 400
_FLOOR_ENDS = 400.0


def sample_table(level: int, seed: int, classes: tuple[str, ...] = ()) -> Scene:
    """Three to five fruits on a table seen from above; the first is the one that is asked for.

    Their centres are uniform over the frame, so a fruit may be cut by its edge; what is seen of
    each covers about 2 to 4 % of the image. `classes` names the fruits instead of drawing them.
    Raises ValueError for an unknown level or class, or a class given twice.
    """
    unknown = [name for name in classes if name not in FRUITS]
    if unknown or len(set(classes)) < len(classes):
        raise ValueError(f"classes must be different ones of {', '.join(FRUITS)}, got {classes}")
    if level not in LEVELS:
        raise ValueError(f"level must be one of 1, 2, 3, 4, got {level}")
    rng = np.random.default_rng((_STREAM, level, seed))
    count = int(rng.choice(COUNTS))
    names = classes or tuple(str(name) for name in rng.permutation(FRUITS)[:count])
    frame = Frame.of(_camera_above(rng, level))
    placed: list[tuple[Thing, Outline]] = []
    for name in names:
        _place(posed_fruit(name, rng, level), frame, rng, _AIMED, placed)
    low, high = _CLUTTER[level - 1]
    for index in range(int(rng.integers(low, high + 1))):
        kind = distractors.KINDS[int(rng.integers(len(distractors.KINDS)))]
        parts, turn = distractors.make(kind, rng)
        thing = settled(Thing(f"distractor.{index}", kind, parts, (0.0, 0.0, 0.0), turn))
        _place(thing, frame, rng, (0.01, 0.03), placed)
    things = [thing for thing, _ in placed]
    floor = sample_floor(rng, level)
    return Scene(
        fruits=tuple(things[: len(names)]),
        camera=frame.camera,
        lighting=sample_lighting(rng, level, floor),
        floor=floor,
        backdrop=replace(sample_backdrop(rng, level), distance=_FLOOR_ENDS),
        distractors=tuple(things[len(names) :]),
        seed=seed,
        level=level,
        kind="table",
        classes=names,
    ).rounded()


def _camera_above(rng: np.random.Generator, level: int) -> Camera:
    """A camera whose whole frame shows the floor, about ten fruits wide."""
    angle = math.radians(float(rng.uniform(40, 58)))
    field = float(rng.uniform(24, 34))
    distance = float(rng.uniform(4.4, 5.2)) / math.tan(math.radians(field) / 2)
    place = np.array([0.0, math.sin(angle), math.cos(angle)]) * distance
    roll = float(rng.uniform(-1, 1)) * (1, 3, 5, 8)[level - 1]
    return Camera(vector(place), (0.0, 0.0, 0.0), field, roll)


def _place(
    thing: Thing,
    frame: Frame,
    rng: np.random.Generator,
    areas: tuple[float, float],
    placed: list[tuple[Thing, Outline]],
) -> None:
    """Put the thing where it is seen whole beside the others, in a size that covers its share."""
    for attempt in range(_TRIES):
        spot, area = rng.uniform(-1, 1, 2), float(rng.uniform(*areas))
        fitted = _fitted(thing, frame, spot, area)
        outline = frame.outline(fitted)
        near = wider(outline)
        fits = areas[0] * 0.9 < outline.mean() < areas[1] * 1.1
        crowded = any((near & other).any() for _, other in placed)
        if attempt < _TRIES - 1 and (crowded or not fits):
            continue
        placed.append((fitted, outline))
        return


def _fitted(thing: Thing, frame: Frame, spot: Array, area: float) -> Thing:
    """The thing with the middle of its outline at `spot`, so large that `area` of it is seen."""
    aim, scale = spot, 1.0
    fitted = thing
    for _ in range(4):
        x, _, z = frame.on_floor(aim, 0.0)
        here = (thing.position[0] * scale + x, thing.position[1] * scale,
                thing.position[2] * scale + z)  # fmt: skip
        fitted = replace(thing, position=vector(np.array(here)), scale=scale)
        seen = frame.seen(world_points(fitted))
        aim = aim + spot - (seen.min(axis=0) + seen.max(axis=0)) / 2
        shown = max(float(frame.outline(fitted).mean()), area / 9)
        scale *= math.sqrt(area / shown)
    return fitted
