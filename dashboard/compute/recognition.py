"""Recognition: what a file or a name of a model is, before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from compute.questions import NO_PHOTO, Question

if TYPE_CHECKING:
    from compute.workplace import Workplace


@dataclass(frozen=True)
class WeightsLook(Question):
    """Whether a name is a checkpoint, and the architectures to choose from:

    {"is_checkpoint", "known", "guess"}; `model` is the name or path.
    """

    stamp: int

    @classmethod
    def of(cls, name: str) -> Self:
        """The question for a file as it is now."""
        return cls(name, "", "whole", NO_PHOTO, stamp_of(name))

    def compute(self, workplace: Workplace) -> dict[str, Any]:
        from xai_core.models.checkpoints import is_checkpoint, read_weights
        from xai_core.models.recognising import architecture_of
        from xai_core.models.sources import source_of
        from xai_core.models.torchvision_networks import architectures

        path = Path(self.model)
        if not is_checkpoint(path) or source_of(self.model) is not None:
            return {"is_checkpoint": False, "known": [], "guess": ""}
        guess = architecture_of(read_weights(path), path.stem)
        return {"is_checkpoint": True, "known": architectures(), "guess": guess}


@dataclass(frozen=True)
class Recognised(Question):
    """A model as it loads: {"rows": headings with their words, "stages"}."""

    stamp: int

    @classmethod
    def of(cls, spelled: str) -> Self:
        from state.named_models import NamedModel

        return cls(spelled, "", "whole", NO_PHOTO, stamp_of(NamedModel.parse(spelled).name))

    def compute(self, workplace: Workplace) -> dict[str, Any]:
        from xai_core.models.sources import describing

        found = describing.of(workplace.classifier(self.model))
        return {"rows": found.rows, "stages": list(found.stages)}


def stamp_of(name: str) -> int:
    """Changes when the file does; 0 where there is none."""
    path = Path(name)
    return path.stat().st_mtime_ns if path.is_file() else 0
