"""Manifest: what a run evaluated, typed; read tolerantly, and fields of others are kept.

The file holds the settings; the images are rows of the run's image list, and in the file itself
in folders of former versions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xai_core.files import read_object

Described = dict[str, dict[str, Any]]
TEXT = (str,)
NEEDED: dict[str, dict[str, tuple[type, ...]]] = {
    "methods": {"spec": TEXT, "name": TEXT, "title": TEXT, "label": TEXT},
    "metrics": {
        "spec": TEXT, "name": TEXT, "title": TEXT, "label": TEXT, "kind": TEXT,
        "higher_is_better": (bool, type(None)),
    },
    "images": {"image": TEXT, "path": TEXT, "sha256": TEXT, "label": (int, type(None))},
}  # fmt: skip
"""What readers rely on in each entry; an entry without it is a damaged one."""


@dataclass
class Manifest(Mapping[str, Any]):
    """What was evaluated, with which settings, on what; also a mapping, as it is on disk.

    `methods` and `metrics` are recipes by key; `images` and `bad_images` are the image list's;
    `others` holds the fields that are not known here.
    """

    dataset: str
    classifier: dict[str, Any]
    framing: str
    precision: str
    source: str = ""
    reading: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    forward_size: int = 0
    asked: int = 0
    devices: list[str] = field(default_factory=list)
    methods: Described = field(default_factory=dict)
    metrics: Described = field(default_factory=dict)
    images: list[dict[str, Any]] = field(default_factory=list)
    bad_images: dict[str, str] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest in a file; raises OSError or ValueError, one sentence, where it is none."""
        try:
            return cls.of(read_object(path))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Manifest:
        """From the fields on disk; raises ValueError naming what is missing or of another kind."""
        known = {f.name: f for f in dataclasses.fields(cls) if f.name != "others"}
        for name, value in raw.items():
            kind = _KINDS.get(name, object)
            if not isinstance(value, kind):
                raise ValueError(f"damaged: {name} must be {_WORDS[kind]}")
        missing = [n for n in ("dataset", "classifier", "framing", "precision") if n not in raw]
        if missing:
            raise ValueError(f"not a run's manifest: it lacks {missing[0]}")
        _check_classifier(raw["classifier"])
        for name in NEEDED:
            entries = raw.get(name, {})
            for entry in entries.values() if isinstance(entries, dict) else entries:
                check_entry(name, entry)
        others = {name: value for name, value in raw.items() if name not in known}
        return cls(**{name: raw[name] for name in known if name in raw}, others=others)

    def as_dict(self) -> dict[str, Any]:
        """The fields as they lie on disk; what is empty and optional is left out."""
        names = [f.name for f in dataclasses.fields(self) if f.name != "others"]
        fields = {name: getattr(self, name) for name in names}
        left_out = ("forward_size", "asked", "devices", "bad_images", "reading", "notes")
        kept = {n: value for n, value in fields.items() if value or n not in left_out}
        return {**kept, **self.others}

    def settings(self) -> dict[str, Any]:
        """What its file holds: everything but the images."""
        return {n: v for n, v in self.as_dict().items() if n not in ("images", "bad_images")}

    def __getitem__(self, name: str) -> Any:
        return self.as_dict()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.as_dict())

    def __len__(self) -> int:
        return len(self.as_dict())


_WORDS: dict[type, str] = {
    str: "text", dict: "an object", list: "a list", int: "a whole number",
}  # fmt: skip
_KINDS: dict[str, type] = {
    **dict.fromkeys(("dataset", "framing", "precision", "source", "created"), str),
    **dict.fromkeys(
        ("classifier", "versions", "methods", "metrics", "bad_images", "reading"), dict
    ),
    **dict.fromkeys(("devices", "images", "notes"), list),
    "forward_size": int,
    "asked": int,
}


def _check_classifier(classifier: Mapping[str, Any]) -> None:
    names = classifier.get("categories")
    texts = [classifier.get("name"), classifier.get("fingerprint")]
    if not isinstance(names, list) or not all(isinstance(n, str) for n in [*names, *texts]):
        raise ValueError("damaged: the classifier needs a name, a fingerprint and categories")


def check_entry(where: str, entry: object) -> None:
    """Raises ValueError where an entry of methods, metrics or images is damaged."""
    if not isinstance(entry, dict):
        raise ValueError(f"damaged: {where} must hold objects")
    for name, kinds in NEEDED[where].items():
        if name not in entry or not isinstance(entry[name], kinds):
            raise ValueError(f"damaged: an entry of {where} has no usable {name}")
