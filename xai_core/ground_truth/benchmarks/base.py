"""Benchmark: a metric whose right answer is known, and the images that it is scored on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from xai_core.metrics.base import Metric
from xai_core.orchard.shot import Shot
from xai_core.recipe import setting

Images = Literal["scenes", "varieties", "pairs", "tables", "mosaics", "stickers"]
"""Scenes with one fruit, with a variety that small parts tell, with two fruits, with several small
ones, 2 x 2 images in one, stickers."""


@dataclass(frozen=True)
class Benchmark(Metric):
    """A configured benchmark; `known_answer` is its oracle, the map that is right.

    Subclasses say on which `images` they are scored, and give `_score` as metrics do.
    """

    kind = "ground truth"
    higher_is_better = True
    images: ClassVar[Images] = "scenes"

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """The configurations that a run scores where this benchmark is asked for."""
        return (cls(),)

    @property
    def asked_on(self) -> Images:
        """The images of this configuration."""
        return self.images

    def shots(self, shot: Shot) -> list[Shot]:
        """What is drawn for one image before anything is scored: several processes can draw it."""
        return []


@dataclass(frozen=True)
class PartsBenchmark(Benchmark):
    """A benchmark on the things of a scene: the parts of a fruit or of a variety, distractors."""

    needs_shots = True

    scenes: str = setting(
        "single",
        "one fruit, whose body says most, or a variety that only small parts tell",
        choices=("single", "variety"),
        added_later=True,
    )

    @property
    def asked_on(self) -> Images:
        return "varieties" if self.scenes == "variety" else self.images
