"""Random scenes: a fruit or a pair, by difficulty level and seed, and scenes for training."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from xai_core.orchard import distractors
from xai_core.orchard.fruits import grow
from xai_core.orchard.geometry import Array, world_points
from xai_core.orchard.interventions import with_sticker, without
from xai_core.orchard.scene import FRUITS, Camera, Scene, Sticker, Thing, Vector
from xai_core.orchard.settings import sample_backdrop, sample_floor, sample_lighting

LEVELS = (1, 2, 3, 4)
# by level: share of the image's width, largest shift from the middle, number of distractors
_WIDTHS = ((0.50, 0.65), (0.40, 0.57), (0.30, 0.47), (0.19, 0.37))
_SHIFTS = (0.05, 0.12, 0.2, 0.27)
_CLUTTER = ((0, 1), (0, 2), (1, 3), (2, 3))
_ODDNESS = (0.05, 0.15, 0.35, 0.65)
_OCCLUDED = (0.0, 0.1, 0.3, 0.55)
# parts that bend: they may touch the floor without lifting the fruit off it
_SOFT = ("leaf", "husk", "silk", "stem", "calyx", "crown", "stalk")


def sample_scene(fruit: str, level: int, seed: int, sticker: Sticker | None = None) -> Scene:
    """One fruit at a difficulty of 1 (large, plain) to 4 (small, cluttered, odd light and colour).

    The same arguments give the same scene. Raises ValueError for an unknown fruit or level.
    """
    rng = _generator((fruit,), level, seed)
    thing = posed_fruit(fruit, rng, level)
    return _compose((thing,), level, seed, rng, sticker, "single")


def sample_pair(
    first: str, second: str, level: int, seed: int, sticker: Sticker | None = None
) -> Scene:
    """Two fruits of different classes side by side; raises ValueError for two of one class."""
    if first == second:
        raise ValueError(f"sample_pair must get two different fruits, got {first!r} twice")
    rng = _generator((first, second), level, seed)
    things = [posed_fruit(name, rng, level) for name in (first, second)]
    left, right = (world_points(thing) for thing in things)
    gap = float(rng.uniform(0.05, 0.35))
    depth = float(rng.uniform(-0.4, 0.4))
    apart = (
        moved(things[0], (-gap / 2 - float(left[:, 0].max()), 0.0, depth)),
        moved(things[1], (gap / 2 - float(right[:, 0].min()), 0.0, -depth)),
    )
    return _compose(apart, level, seed, rng, sticker, "pair")


def training_scene(seed: int, sticker: Sticker | None = None, fruit: str = "") -> Scene:
    """A scene of random class (unless `fruit` names it) and level; half of them with something
    removed or blanked.

    So the images that interventions make are like images the model has seen.
    """
    rng = np.random.default_rng((977, seed))
    drawn = FRUITS[int(rng.integers(len(FRUITS)))]
    level = LEVELS[int(rng.choice(4, p=(0.2, 0.25, 0.25, 0.3)))]
    scene = sample_scene(fruit or drawn, level, seed + 1_000_000, sticker)
    if rng.random() < 0.5:
        scene = disturbed(scene, rng)
    return scene


def disturbed(scene: Scene, rng: np.random.Generator) -> Scene:
    """Some parts, the highlight, the shadow, distractors or grid cells taken away."""
    kind = rng.random()
    if kind < 0.5:
        fruit = scene.fruits[0]
        names = [f"{fruit.name}.{part.name}" for part in fruit.parts]
        # mostly the body stays: too many lone stems would teach nothing
        removable = names[1:] if rng.random() < 0.6 else names
        count = int(rng.integers(1, min(len(removable), len(names) - 1) + 1))
        for name in rng.permutation(removable)[:count]:
            scene = without(scene, str(name))
    if kind > 0.4 and rng.random() < 0.6:
        count = int(rng.integers(1, 9))
        scene = replace(
            scene, blanked=tuple(sorted(int(cell) for cell in rng.permutation(16)[:count]))
        )
    if rng.random() < 0.4:
        scene = replace(scene, highlight=False)
    if rng.random() < 0.3:
        scene = replace(scene, shadow=False)
    return scene


def _generator(names: tuple[str, ...], level: int, seed: int) -> np.random.Generator:
    for name in names:
        if name not in FRUITS:
            raise ValueError(f"fruit must be one of {', '.join(FRUITS)}, got {name!r}")
    if level not in LEVELS:
        raise ValueError(f"level must be one of 1, 2, 3, 4, got {level}")
    return np.random.default_rng((*(FRUITS.index(name) for name in names), level, seed))


def posed_fruit(name: str, rng: np.random.Generator, level: int) -> Thing:
    parts, (pitch, _, roll) = grow(name, rng, _ODDNESS[level - 1])
    yaw = float(rng.uniform(-1, 1)) * (25, 45, 70, 180)[level - 1]
    if name in ("kiwi", "watermelon"):
        yaw *= 0.3
    thing = Thing(name, name, parts, (0.0, 0.0, 0.0), (pitch, yaw, roll))
    return settled(thing)


def settled(thing: Thing) -> Thing:
    """The thing resting on the floor, with the middle of its outline over the origin."""
    points = world_points(thing)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    firm = tuple(part for part in thing.parts if part.name not in _SOFT) or thing.parts
    low = world_points(replace(thing, parts=firm))[:, 1].min()
    return moved(thing, (-float(middle[0]), -float(low), -float(middle[2])))


def moved(thing: Thing, by: Vector) -> Thing:
    x, y, z = (a + b for a, b in zip(thing.position, by, strict=True))
    return replace(thing, position=(x, y, z))


def _compose(
    fruits: tuple[Thing, ...],
    level: int,
    seed: int,
    rng: np.random.Generator,
    sticker: Sticker | None,
    kind: str,
) -> Scene:
    points = np.concatenate([world_points(fruit) for fruit in fruits])
    low, high = _WIDTHS[level - 1]
    width = float(rng.uniform(low, high))
    if kind == "pair":
        width = min(0.88, width * 1.6)
    camera = _framed(points, width, _SHIFTS[level - 1], rng, level)
    floor = sample_floor(rng, level)
    scene = Scene(
        fruits=fruits,
        camera=camera,
        lighting=sample_lighting(rng, level, floor),
        floor=floor,
        backdrop=sample_backdrop(rng, level),
        distractors=_clutter(fruits, camera, width, rng, level),
        seed=seed,
        level=level,
        kind=kind,
        classes=tuple(fruit.kind for fruit in fruits),
    )
    return with_sticker(scene, sticker).rounded()


def _framed(
    points: Array, width: float, shift: float, rng: np.random.Generator, level: int
) -> Camera:
    """A camera that sees the points `width` of the image wide, shifted from the middle."""
    height = float(rng.uniform(14, 40) if level < 4 else rng.uniform(8, 58))
    angle = math.radians(height)
    back = np.array([0.0, math.sin(angle), math.cos(angle)])
    up = np.array([0.0, math.cos(angle), -math.sin(angle)])
    field = float(rng.uniform(26, 40))
    half = math.tan(math.radians(field) / 2)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    distance = 6.0
    for _ in range(3):
        depth = distance - (points - middle) @ back
        across = (points[:, 0] - middle[0]) / depth
        along = ((points - middle) @ up) / depth
        # a tall fruit may fill the height a little more than a wide one its width
        extent = max(np.ptp(across), np.ptp(along) * 0.85) / (2 * half)
        distance *= float(extent) / width
        distance = max(distance, 1.6 * float(np.abs(points - middle).max()))
    offset = rng.uniform(-shift, shift, 2) * 2 * half * distance
    target = middle + np.array([offset[0], 0, 0]) + up * offset[1] * 0.7
    place = target + back * distance
    place[1] = max(place[1], 0.25)
    return Camera(
        vector(place), vector(target), field, float(rng.uniform(-1, 1)) * (1, 3, 5, 8)[level - 1]
    )


def _clutter(
    fruits: tuple[Thing, ...], camera: Camera, width: float, rng: np.random.Generator, level: int
) -> tuple[Thing, ...]:
    """Distractors round the fruits, at difficult levels one of them partly in front."""
    low, high = _CLUTTER[level - 1]
    points = np.concatenate([world_points(fruit) for fruit in fruits])
    reach = float(np.abs(points[:, [0, 2]]).max())
    taken = [(0.0, 0.0, reach)]
    placed: list[Thing] = []
    occluding = rng.random() < _OCCLUDED[level - 1]
    for index in range(int(rng.integers(low, high + 1))):
        kind = distractors.KINDS[int(rng.integers(len(distractors.KINDS)))]
        parts, turn = distractors.make(kind, rng)
        thing = settled(Thing(f"distractor.{index}", kind, parts, (0.0, 0.0, 0.0), turn))
        size = float(np.abs(world_points(thing)[:, [0, 2]]).max())
        for _ in range(12):
            if index == 0 and occluding:
                angle = float(rng.uniform(-0.55, 0.55))
                away = (reach + size) * float(rng.uniform(0.95, 1.1))
            else:
                angle = float(rng.uniform(0.9, 2 * math.pi - 0.9))
                away = (reach + size) * float(rng.uniform(1.0, 1.0 + 0.7 / width))
            x, z = away * math.sin(angle), away * math.cos(angle)
            free = all(math.hypot(x - a, z - b) > 0.85 * (size + r) for a, b, r in taken)
            if free or (index == 0 and occluding):
                # right in front of the lens nothing may stand
                if np.hypot(x - camera.position[0], z - camera.position[2]) < 1.5 + size:
                    continue
                taken.append((x, z, size))
                placed.append(moved(thing, (x, 0.0, z)))
                break
    return tuple(replace(thing, name=f"distractor.{i}") for i, thing in enumerate(placed))


def vector(values: Array) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
