"""What was recognised of a model before it is used: plain data, readable without torch."""

from __future__ import annotations

from dataclasses import dataclass

NAMED = 12
"""Categories that a sentence lists; of more, the first few stand for them."""
FEW = 5


@dataclass(frozen=True)
class Recognised:
    """A model in plain words and numbers.

    `text` loads it again; `source` is the kind of its origin ("torchvision"). `size` is
    (height, width) in pixels; `resize` the shorter side before a central crop; `mean` and `std`
    one number per channel, of 0..1. `outputs` are "softmax", "sigmoid", "none"; `meaning` says
    the same for people. `way` says how it is run; `has_cam_head` whether CAM and SeCAM fit.
    `layouts` says of every stage how its values lie. Where `download_mb` is above 0 the weights
    are not here yet, and stages are not known.
    """

    text: str
    source: str
    name: str
    architecture: str
    size: tuple[int, int]
    resize: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    outputs: str
    meaning: str
    categories: tuple[str, ...]
    knows: str
    way: str = ""
    stages: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    has_cam_head: bool = False
    notes: tuple[str, ...] = ()
    download_mb: float = 0.0

    @property
    def count(self) -> int:
        """The number of categories."""
        return len(self.categories)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """All of it as headings with their words, for every form and list that shows a model."""
        stages = [f"{name} ({lies})" for name, lies in zip(self.stages, self.layouts, strict=True)]
        numbers = [" ".join(f"{value:.3g}" for value in values) for values in (self.mean, self.std)]
        height, width = self.size
        return [
            ("Model", f"{self.name} ({self.architecture})" if self.architecture else self.name),
            ("Classes", self.knows),
            ("Input", f"{_channels(len(self.mean))}, {height} x {width} px, resize {self.resize}, "
                f"mean {numbers[0]}, std {numbers[1]}"),
            ("Outputs", self.meaning),
            ("Run", self.way),
            ("Stages", ", ".join(stages) or "none"),
            ("CAM head", "yes" if self.has_cam_head else "no"),
            *(("Note", note) for note in self.notes),
        ]  # fmt: skip


def knows(
    categories: tuple[str, ...], outputs: str, kind: str = "", is_imagenet: bool = False
) -> str:
    """What a model knows, in one sentence: "knows 12 fruits: apple, banana, ..."."""
    count = len(categories)
    if outputs == "none":
        what = "value" if count == 1 else "values"
    elif kind:
        what = kind
    else:
        what = ("label" if outputs == "sigmoid" else "class") + _ending(outputs, count)
    verb = "gives" if outputs == "none" else "knows"
    if all(name.removeprefix("class ").isdecimal() for name in categories):
        return f"{verb} {count:,} {what}, whose names are not told"
    if is_imagenet:
        what = "classes of ImageNet (animals, plants, things of daily life)"
    if count <= NAMED:
        return f"{verb} {count:,} {what}: {', '.join(categories)}"
    return f"{verb} {count:,} {what}, for example {', '.join(categories[:FEW])}"


def _channels(count: int) -> str:
    return f"{count} channel{'' if count == 1 else 's'}"


def says(name: str, known: str) -> str:
    """What `knows` says of a model, and what that means for an image of something else."""
    return (
        f"This model ({name}) {known}. Of an image that shows none of them it names the one that "
        "is least unlike it."
    )


def _ending(outputs: str, count: int) -> str:
    if count == 1:
        return ""
    return "s" if outputs == "sigmoid" else "es"
