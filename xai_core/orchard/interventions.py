"""Pure edits of a scene: remove, replace or move one thing, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from xai_core.orchard.placement import placed_sticker
from xai_core.orchard.scene import Material, Scene, Sticker, Surface, Thing


def removable_units(scene: Scene) -> tuple[str, ...]:
    """Names that `without` accepts one at a time: parts, distractors, sticker, light effects."""
    units = [f"{fruit.name}.{part.name}" for fruit in scene.fruits for part in fruit.parts]
    units += [thing.name for thing in scene.distractors]
    units += ["sticker"] if scene.sticker is not None else []
    units += ["highlight"] if scene.highlight else []
    units += ["shadow"] if scene.shadow else []
    return tuple(units)


def without(scene: Scene, unit: str) -> Scene:
    """The scene without a part ("apple.stem"), a fruit ("apple"), a distractor or an effect.

    Raises ValueError when the scene has no such unit.
    """
    fruit_names = tuple(fruit.name for fruit in scene.fruits)
    known = (*removable_units(scene), *fruit_names)
    if unit not in known:
        raise ValueError(f"unit must be one of {', '.join(known)}, got {unit!r}")
    if unit == "highlight":
        return replace(scene, highlight=False)
    if unit == "shadow":
        return replace(scene, shadow=False)
    if unit == "sticker":
        return replace(scene, sticker=None)
    if unit in fruit_names:
        return replace(scene, fruits=tuple(f for f in scene.fruits if f.name != unit))
    left = tuple(thing for thing in scene.distractors if thing.name != unit)
    return replace(
        scene,
        fruits=tuple(_keeping(fruit, lambda name: name != unit) for fruit in scene.fruits),
        distractors=left,
    )


def only(scene: Scene, parts: Iterable[str]) -> Scene:
    """The scene with just these parts ("apple.body") and distractors drawn.

    Raises ValueError for names that the scene does not have.
    """
    wanted = frozenset(parts)
    unknown = wanted - frozenset(removable_units(scene))
    if unknown:
        known = ", ".join(removable_units(scene))
        raise ValueError(f"parts must be among {known}, got {', '.join(sorted(unknown))}")
    return replace(
        scene,
        fruits=tuple(_keeping(fruit, lambda name: name in wanted) for fruit in scene.fruits),
        distractors=tuple(thing for thing in scene.distractors if thing.name in wanted),
        sticker=scene.sticker if "sticker" in wanted else None,
    )


def without_highlight(scene: Scene) -> Scene:
    """The scene with matt surfaces: no specular highlight anywhere."""
    return replace(scene, highlight=False)


def with_material(scene: Scene, part: str, material: Material) -> Scene:
    """The scene with another material on one part ("apple.body")."""
    if part not in removable_units(scene) or "." not in part or part.startswith("distractor"):
        raise ValueError(f"part must name a part of a fruit, got {part!r}")
    fruits = tuple(
        replace(
            fruit,
            parts=tuple(
                replace(piece, material=material) if f"{fruit.name}.{piece.name}" == part else piece
                for piece in fruit.parts
            ),
        )
        for fruit in scene.fruits
    )
    return replace(scene, fruits=fruits)


def with_floor(scene: Scene, floor: Surface) -> Scene:
    """The scene on another floor, in the same light."""
    return replace(scene, floor=floor)


def with_sticker(scene: Scene, sticker: Sticker | None) -> Scene:
    """The scene with this sticker, placed anew, instead of its own, if any."""
    return replace(scene, sticker=None if sticker is None else placed_sticker(scene, sticker))


def move_sticker(
    scene: Scene, place: str | None = None, offset: tuple[float, float] | None = None
) -> Scene:
    """The sticker elsewhere: place "on" or "beside", offset (right, up) in fruit radii."""
    sticker = _sticker(scene)
    moved = replace(sticker, place=place or sticker.place, offset=offset or sticker.offset)
    return with_sticker(scene, moved)


def swap_sticker(scene: Scene, pattern: int) -> Scene:
    """The same sticker with another pattern printed on it."""
    return replace(scene, sticker=replace(_sticker(scene), pattern=pattern))


def with_blanked(scene: Scene, cells: Iterable[int]) -> Scene:
    """The scene with these cells (0..15, row by row) of the 4x4 grid filled with grey."""
    return replace(scene, blanked=tuple(sorted(set(cells))))


def _sticker(scene: Scene) -> Sticker:
    if scene.sticker is None:
        raise ValueError("Scene.sticker must be set before it is moved or swapped, got None")
    return scene.sticker


def _keeping(fruit: Thing, wanted: Callable[[str], bool]) -> Thing:
    kept = tuple(part for part in fruit.parts if wanted(f"{fruit.name}.{part.name}"))
    return replace(fruit, parts=kept)
