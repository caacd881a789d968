"""ImageNet's ids (n02085620): which class of a model each is, by a table that is at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from xai_core.images.class_names import ClassNames, plain_name

MAPPING = "LOC_synset_mapping.txt"
CLASSES = 1000
AGREEING = 0.9
_ID = re.compile(r"(?<![a-z0-9])n\d{8}(?!\d)")
Synonyms = dict[str, list[str]]


@dataclass(frozen=True)
class ImageNetIds:
    """Class indices of ids, and the sentence that says where they are from."""

    indices: dict[str, int]
    note: str


def id_in(name: str) -> str:
    """The id that a folder or file name holds; "" without one."""
    found = _ID.search(name)
    return found[0] if found else ""


def match_ids(ids: Iterable[str], categories: Sequence[str], root: Path) -> ImageNetIds:
    """The classes of some ids, by the data's own mapping, else by timm's tables if installed.

    A model of 1000 classes whose names agree with ImageNet's order is matched by that order,
    any other by its class names; exactly 1000 ids count in their sorted order.
    """
    wanted = sorted(set(ids))
    order, synonyms, source = _table(root)
    if not synonyms:
        if len(wanted) == len(categories) == CLASSES:
            found = {name: index for index, name in enumerate(wanted)}
            return ImageNetIds(found, "the 1000 ImageNet ids are matched in their sorted order")
        return ImageNetIds(
            {},
            f"{len(wanted)} ImageNet ids ({wanted[0]}, ...) match no class: put {MAPPING} beside "
            "the images, or install timm, which has their names",
        )
    if _is_imagenet(order, synonyms, categories):
        found = {name: order.index(name) for name in wanted if name in order}
    else:
        names = ClassNames(categories)
        found = {name: index for name in wanted if (index := _by_name(synonyms, name, names)) >= 0}
    return ImageNetIds(
        found, f"ImageNet ids matched to classes by {source}: {len(found)} of {len(wanted)}"
    )


def _by_name(synonyms: Synonyms, name: str, names: ClassNames) -> int:
    indices = {names.index(word) for word in synonyms.get(name, [])} - {None}
    return next((index for index in indices if index is not None), -1) if len(indices) == 1 else -1


def _is_imagenet(order: Sequence[str], synonyms: Synonyms, categories: Sequence[str]) -> bool:
    if not len(order) == len(categories) == CLASSES:
        return False
    pairs = zip(order, categories, strict=True)
    alike = sum(
        bool(set(map(plain_name, synonyms.get(i, []))) & set(map(plain_name, name.split(", "))))
        for i, name in pairs
    )
    return alike >= AGREEING * CLASSES


def _table(root: Path) -> tuple[list[str], Synonyms, str]:
    """ImageNet's ids in order, the names of each, and where both are from; empty without any."""
    for folder in (root, root.parent):
        if (folder / MAPPING).is_file():
            rows = _rows(folder / MAPPING, " ")
            return sorted(rows), rows, MAPPING
    spec = find_spec("timm")
    for place in (spec.submodule_search_locations or []) if spec else []:
        info = Path(place) / "data" / "_info"
        ids, lemmas = info / "imagenet_synsets.txt", info / "imagenet_synset_to_lemma.txt"
        if ids.is_file() and lemmas.is_file():
            return ids.read_text("utf-8").split(), _rows(lemmas, "\t"), "the tables of timm"
    return [], {}, ""


def _rows(path: Path, separator: str) -> Synonyms:
    rows: Synonyms = {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        name, _, words = line.strip().partition(separator)
        if id_in(name) == name and name:
            rows[name] = [word.strip() for word in words.split(",")]
    return rows
