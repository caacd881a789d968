"""Models: how the app spells one, from an embedded name to a checkpoint with class names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xai_core import DATA

if TYPE_CHECKING:
    from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class Network:
    """A name or path; a checkpoint also has an architecture and may have a file of class names.

    Spelled `orchard`, `resnet50`, `folder`, or `resnet50@weights.pth@names.txt`.
    """

    name: str
    architecture: str = ""
    categories: str = ""

    @classmethod
    def parse(cls, text: str) -> Network:
        architecture, at, rest = text.partition("@")
        if not at:
            return cls(text)
        name, _, categories = rest.partition("@")
        return cls(name, architecture, categories)

    def spell(self) -> str:
        parts = (self.architecture, self.name, self.categories) if self.architecture else ()
        return "@".join(part for part in parts if part) or self.name

    def label(self) -> str:
        """A short name for people."""
        return Path(self.name).stem if self.architecture else Path(self.name).name

    def options(self) -> list[str]:
        """The same as words on the command line."""
        words = ["--classifier", self.name]
        words += ["--architecture", self.architecture] if self.architecture else []
        return words + (["--categories", self.categories] if self.categories else [])

    def stamp(self) -> int:
        """Changes when the file of a checkpoint does; 0 for named models."""
        path = Path(self.name)
        return path.stat().st_mtime_ns if path.exists() else 0

    def load(self) -> Classifier:
        """The model itself; raises ValueError with what to do."""
        from xai_core.models.devices import default_device
        from xai_core.models.loading import load_classifier

        names: list[str] = []
        if self.categories:
            try:
                text = Path(self.categories).read_text(encoding="utf-8")
            except OSError as error:
                reason = error.strerror or error
                raise ValueError(f"{self.categories}: cannot be read ({reason})") from None
            except UnicodeDecodeError:
                raise ValueError(f"{self.categories}: must be UTF-8 text") from None
            names = [line.strip() for line in text.splitlines() if line.strip()]
        return load_classifier(
            self.name,
            architecture=self.architecture,
            categories=names,
            device=default_device(),
        )


def embedded() -> list[str]:
    """The embedded models, the default first."""
    names = sorted(path.stem for path in (DATA / "models").glob("*.json"))
    return sorted(names, key=lambda name: (name != "orchard", name)) or ["orchard"]
