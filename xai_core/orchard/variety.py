"""Variety scenes: one gourd of nine kinds that differ in small parts, anywhere in the image."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from xai_core.orchard import distractors
from xai_core.orchard.frame import Frame, wider
from xai_core.orchard.fruits import grow
from xai_core.orchard.geometry import Array, world_points
from xai_core.orchard.placement import camera_frame
from xai_core.orchard.sampling import LEVELS, moved, settled, vector
from xai_core.orchard.scene import VARIETIES, Camera, Scene, Thing
from xai_core.orchard.settings import sample_backdrop, sample_floor, sample_lighting

WIDTHS = (0.27, 0.42)
"""Smallest and largest width of the body, as a share of the image's."""
PART_AREAS = (0.007, 0.03)
"""What each part but the body is meant to show, as a share of the image."""
_STREAM = 83
_TURNS = (8, 14, 20, 26)
_CLUTTER = ((0, 0), (0, 1), (0, 2), (1, 2))
_MARGIN = 0.03
_TRIES = 40


def sample_variety(level: int, seed: int, kind: str = "") -> Scene:
    """One gourd (of the variety `kind`, else a random one) with all of its parts in the image.

    Its place is uniform over where it is seen whole. Equal arguments give equal scenes.
    Raises ValueError for an unknown level or variety.
    """
    if kind and kind not in VARIETIES:
        raise ValueError(f"kind must be one of {', '.join(VARIETIES)}, got {kind!r}")
    if level not in LEVELS:
        raise ValueError(f"level must be one of 1, 2, 3, 4, got {level}")
    rng = np.random.default_rng((_STREAM, level, seed))
    drawn = VARIETIES[int(rng.integers(len(VARIETIES)))]
    name = kind or drawn
    gourd = _posed(name, rng, level)
    frame = _framed(gourd, rng, level)
    floor = sample_floor(rng, level)
    return Scene(
        fruits=(gourd,),
        camera=frame.camera,
        lighting=sample_lighting(rng, level, floor),
        floor=floor,
        backdrop=sample_backdrop(rng, level),
        distractors=_beside(gourd, frame, rng, level),
        seed=seed,
        level=level,
        kind="variety",
        classes=(name,),
    ).rounded()


def _posed(name: str, rng: np.random.Generator, level: int) -> Thing:
    parts, (pitch, _, roll) = grow(name, rng, (level - 1) / 3)
    yaw = float(rng.uniform(-1, 1)) * _TURNS[level - 1]
    return settled(Thing(name, name, parts, (0.0, 0.0, 0.0), (pitch, yaw, roll)))


def _framed(gourd: Thing, rng: np.random.Generator, level: int) -> Frame:
    """A camera from a little above that sees the gourd whole, somewhere in its image."""
    angle = math.radians(float(rng.uniform(22, 38)))
    back = np.array([0.0, math.sin(angle), math.cos(angle)])
    field = float(rng.uniform(24, 34))
    roll = float(rng.uniform(-1, 1)) * (1, 3, 5, 8)[level - 1]
    width, place = float(rng.uniform(*WIDTHS)), rng.uniform(-1, 1, 2)
    body, whole = world_points(replace(gourd, parts=gourd.parts[:1])), world_points(gourd)
    target: Array = (whole.min(axis=0) + whole.max(axis=0)) / 2
    distance = 2.0 / width / math.tan(math.radians(field) / 2)
    for _ in range(4):
        camera = Camera(vector(target + back * distance), vector(target), field, roll)
        frame = Frame.of(camera)
        seen = frame.seen(whole)
        low, high = seen.min(axis=0), seen.max(axis=0)
        free = np.maximum(1 - _MARGIN - (high - low) / 2, 0.0)
        shift = place * free - (low + high) / 2
        right, up, _ = camera_frame(camera)
        target = target - (shift[0] * right + shift[1] * up) * frame.half * distance
        distance *= float(np.ptp(frame.seen(body)[:, 0])) / 2 / width
    return Frame.of(Camera(vector(target + back * distance), vector(target), field, roll))


def _beside(gourd: Thing, frame: Frame, rng: np.random.Generator, level: int) -> tuple[Thing, ...]:
    """Distractors on the floor that hide nothing of the gourd."""
    low, high = _CLUTTER[level - 1]
    taken = wider(wider(frame.outline(gourd)))
    placed: list[Thing] = []
    for _ in range(int(rng.integers(low, high + 1))):
        kind = distractors.KINDS[int(rng.integers(len(distractors.KINDS)))]
        parts, turn = distractors.make(kind, rng)
        thing = settled(Thing("distractor", kind, parts, (0.0, 0.0, 0.0), turn))
        for _ in range(_TRIES):
            angle, away = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(1.6, 4.0))
            there = moved(thing, (away * math.sin(angle), 0.0, away * math.cos(angle)))
            outline = frame.outline(there)
            if 0.005 < outline.mean() < 0.05 and not (outline & taken).any():
                taken = taken | wider(outline)
                placed.append(replace(there, name=f"distractor.{len(placed)}"))
                break
    return tuple(placed)
