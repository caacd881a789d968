"""A scene of the orchard as plain, frozen data that round-trips through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Vector = tuple[float, float, float]
Colour = tuple[float, float, float]
Numbers = tuple[float, ...]

FRUITS: tuple[str, ...] = (
    "apple",
    "banana",
    "cherry",
    "corn",
    "grape",
    "kiwi",
    "lemon",
    "orange",
    "pear",
    "pineapple",
    "strawberry",
    "watermelon",
)
"""What single, pair and table scenes show."""
VARIETIES: tuple[str, ...] = tuple(f"gourd_{number}" for number in range(1, 10))
"""Classes that differ in small parts only; what variety scenes show."""
CLASSES = (*FRUITS, *VARIETIES)
SCENE_KINDS = ("single", "pair", "table", "variety")


@dataclass(frozen=True)
class Primitive:
    """One signed distance function; `geometry.PRIMITIVES` says what each kind reads.

    `turn` is (pitch, yaw, roll) in degrees; `op` is how it joins those before it in its part:
    "union", "cut" (keep the inside of this one) or "carve" (keep the outside).
    """

    kind: str
    sizes: Numbers = ()
    centre: Vector = (0.0, 0.0, 0.0)
    turn: Vector = (0.0, 0.0, 0.0)
    items: tuple[Numbers, ...] = ()
    profile: Numbers = ()
    op: str = "union"


@dataclass(frozen=True)
class Material:
    """A procedural surface: `kind` names the pattern, `colours` are sRGB in 0..1.

    `gloss` is the strength of the specular highlight, `shininess` its sharpness, `bump` the height
    of the relief in scene units, `scale` the frequency of the pattern, `traits` its free numbers.
    """

    kind: str
    colours: tuple[Colour, ...]
    gloss: float = 0.2
    shininess: float = 40.0
    bump: float = 0.0
    scale: float = 4.0
    traits: Numbers = ()
    seed: int = 0


@dataclass(frozen=True)
class Part:
    """A named piece of a fruit; `blend` is the radius of the smooth union of its primitives."""

    name: str
    primitives: tuple[Primitive, ...]
    material: Material
    blend: float = 0.0
    casts_shadow: bool = True


@dataclass(frozen=True)
class Thing:
    """A fruit or a distractor: parts in local coordinates, placed by `position` and `turn`.

    `scale` enlarges it about its own origin before it is placed.
    """

    name: str
    kind: str
    parts: tuple[Part, ...]
    position: Vector = (0.0, 0.0, 0.0)
    turn: Vector = (0.0, 0.0, 0.0)
    scale: float = 1.0


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; `field_of_view` is the full angle in degrees, the same both ways."""

    position: Vector
    target: Vector
    field_of_view: float = 32.0
    roll: float = 0.0


@dataclass(frozen=True)
class Lighting:
    """A key light with soft shadow, a fill light without, and light from sky and ground.

    Directions point towards the light; colours are linear and may exceed 1.
    """

    key_direction: Vector
    key_colour: Colour
    fill_direction: Vector
    fill_colour: Colour
    sky_colour: Colour
    ground_colour: Colour
    softness: float = 0.15
    window: bool = False
    exposure: float = 1.0


@dataclass(frozen=True)
class Surface:
    """Floor or backdrop: a texture family with its colours, scale, turn in degrees and seed.

    `distance` is used by backdrops only: how far behind the origin the wall stands.
    """

    family: str
    colours: tuple[Colour, ...]
    scale: float = 1.0
    turn: float = 0.0
    seed: int = 0
    distance: float = 6.0


@dataclass(frozen=True)
class Sticker:
    """A small printed disc on the (first) fruit or on the floor beside it.

    `offset` shifts it (right, up), in fractions of the fruit's radius; `radius` likewise.
    `placement.placed_sticker` fills in `anchor` and `size`: its middle and radius in the scene.
    """

    pattern: int
    place: str = "on"
    offset: tuple[float, float] = (0.0, 0.0)
    radius: float = 0.32
    anchor: Vector | None = None
    size: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn; edited by `interventions`, drawn by `rendering.render`."""

    fruits: tuple[Thing, ...]
    camera: Camera
    lighting: Lighting
    floor: Surface
    backdrop: Surface
    distractors: tuple[Thing, ...] = ()
    sticker: Sticker | None = None
    highlight: bool = True
    shadow: bool = True
    blanked: tuple[int, ...] = ()
    seed: int = 0
    level: int = 1
    kind: str = "single"
    classes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and tuples, ready for `json.dumps`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Scene:
        """The inverse of `to_dict`, also after a trip through JSON.

        Raises TypeError for unknown or missing fields.
        """
        values = dict(stored)
        values["fruits"] = tuple(_thing(entry) for entry in values["fruits"])
        values["distractors"] = tuple(_thing(entry) for entry in values["distractors"])
        values["camera"] = Camera(**_frozen(values["camera"]))
        values["lighting"] = Lighting(**_frozen(values["lighting"]))
        values["floor"] = Surface(**_frozen(values["floor"]))
        values["backdrop"] = Surface(**_frozen(values["backdrop"]))
        if values["sticker"] is not None:
            values["sticker"] = Sticker(**_frozen(values["sticker"]))
        values["blanked"] = tuple(values["blanked"])
        values["classes"] = tuple(values["classes"])
        return cls(**values)

    def rounded(self, digits: int = 4) -> Scene:
        """The same scene with every number rounded, so that its JSON stays small."""
        return Scene.from_dict(_rounded(self.to_dict(), digits))


def part_names(scene: Scene) -> tuple[str, ...]:
    """Names by part id, as `render` numbers them: "background", parts, distractors, "sticker"."""
    names = ["background"]
    names += [f"{fruit.name}.{part.name}" for fruit in scene.fruits for part in fruit.parts]
    names += [thing.name for thing in scene.distractors]
    names += ["sticker"] if scene.sticker is not None else []
    return tuple(names)


def _thing(stored: Mapping[str, Any]) -> Thing:
    values = dict(stored)
    values["parts"] = tuple(_part(entry) for entry in values["parts"])
    return Thing(**_frozen(values))


def _part(stored: Mapping[str, Any]) -> Part:
    values = dict(stored)
    values["primitives"] = tuple(Primitive(**_frozen(entry)) for entry in values["primitives"])
    values["material"] = Material(**_frozen(values["material"]))
    return Part(**values)


def _frozen(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _tuples(value) for name, value in stored.items()}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list | tuple) else value


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(entry, digits) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_rounded(entry, digits) for entry in value)
    # float() also turns numpy's numbers into plain ones; bool and int stay what they are
    return round(float(value), digits) if isinstance(value, float) else value
