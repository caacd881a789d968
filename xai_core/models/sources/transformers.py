"""A folder that transformers' save_pretrained wrote: `hf:FOLDER`; nothing is downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xai_core.files import is_file
from xai_core.images.reading import InputFormat
from xai_core.models.model_description import Description
from xai_core.models.outputs import Outputs
from xai_core.models.sources._base import Loaded, package
from xai_core.models.torchvision_networks import BadClassifier, first_line


def claims(name: str) -> bool:
    return name.startswith("hf:")


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """With the folder's own labels and preprocessing; its code is not run."""
    folder = Path(name.removeprefix("hf:"))
    if not is_file(folder / "config.json"):
        raise BadClassifier(f"{folder}: no config.json; name a folder saved by save_pretrained")
    auto = package("transformers").AutoModelForImageClassification
    try:
        network = auto.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, attn_implementation="eager"
        )
    except Exception as error:  # whatever transformers raises
        raise BadClassifier(f"{folder}: cannot be loaded ({first_line(error)})") from None
    labels = {int(key): str(value) for key, value in network.config.id2label.items()}
    names = categories or tuple(labels[index] for index in range(len(labels)))
    form, notes = _form(folder, network.config)
    is_multi = network.config.problem_type == "multi_label_classification"
    outputs: Outputs | None = "sigmoid" if is_multi else None
    kind = type(network).__name__
    return Loaded(network, names, form, folder.name, outputs, notes, architecture=kind)


def _form(folder: Path, config: Any) -> tuple[InputFormat, tuple[str, ...]]:
    file = folder / "preprocessor_config.json"
    told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    size: Any = told.get("crop_size") or told.get("size") or getattr(config, "image_size", 224)
    if isinstance(size, dict):
        side = size.get("shortest_edge", 224)
        size = (size.get("height", side), size.get("width", side))
    height, width = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    resize = told.get("size", min(height, width))
    if isinstance(resize, dict):
        resize = resize.get("shortest_edge", resize.get("height", height))
    usual = InputFormat()
    form = InputFormat(
        size=height, resize=int(resize), mean=tuple(told.get("image_mean", usual.mean)),
        std=tuple(told.get("image_std", usual.std)), width=width if width != height else None,
    )  # fmt: skip
    note = "no preprocessor_config.json: ImageNet's mean and std are assumed"
    return form, () if told else (note,)
