"""Masks: what a mask file marks as the object, and which mask belongs to which image."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from xai_core.images.class_folders import is_mask_folder
from xai_core.images.image_files import files_below
from xai_core.images.reading import LARGEST_PIXELS

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[Any]
SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".jpg", ".jpeg")
FORMATS = ("PNG", "BMP", "TIFF", "GIF", "JPEG")
ENDINGS = ("_mask", "-mask", ".mask", "_segmentation", "_seg", "_gt", "_label")
VOID = 255
"""The index that palette masks of PASCAL VOC give to the border, which is nobody's."""
NEAR, CLEAR_SHARE = 48, 0.98
NAMED = 6


class BadMask(ValueError):
    """A mask that cannot be used; the message is one sentence for people."""


@dataclass(frozen=True)
class MaskValue:
    """Which values of a mask are the object: single ones and ranges, `1`, `1,3` or `128-255`."""

    ranges: tuple[tuple[float, float], ...]

    @classmethod
    def parse(cls, text: str) -> MaskValue:
        """Raises ValueError with how to spell it."""
        try:
            ends = [part.strip().split("-") for part in text.split(",")]
            ranges = tuple((float(end[0]), float(end[-1])) for end in ends if len(end) <= 2)
        except ValueError:
            ranges, ends = (), []
        if not ranges or len(ranges) < len(ends) or any(low > high for low, high in ranges):
            raise ValueError(f"--mask-value {text}: spell it 1, or 1,3, or 128-255")
        return cls(ranges)

    def marks(self, values: Values) -> Mask:
        inside = [(values >= low) & (values <= high) for low, high in self.ranges]
        return np.asarray(np.logical_or.reduce(inside), dtype=bool)


def read_mask(path: Path, chosen: MaskValue | None = None) -> Mask:
    """(H, W) bool, True on the object; raises BadMask for a file whose meaning would be a guess.

    Transparency is ignored. A mask has two values, of which 0 is not the object; 255 in a palette
    is nobody's; a JPEG near black and white is cut in the middle. `chosen` overrides all that.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > LARGEST_PIXELS:
                raise BadMask(f"{path.name}: the mask has too many pixels")
            lossy, indexed = image.format == "JPEG", image.mode == "P" and not _is_grey(image)
            values = _values(image)
    except BadMask:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise BadMask(
            f"{path.name}: the mask is not a PNG, BMP, TIFF, GIF or JPEG that can be read"
        ) from None
    mask = chosen.marks(values) if chosen else _object(values, lossy, indexed, path.name)
    if not mask.any() or mask.all():
        what = "nothing" if not mask.any() else "the whole image"
        raise BadMask(
            f"{path.name}: the mask marks {what}; its values are {_told(np.unique(values))} "
            "(transparency is ignored)"
        )
    return mask


def _is_grey(image: Image.Image) -> bool:
    """Whether a palette is a way to store black and white: two colours, and it names those."""
    used = image.getcolors(3)
    if used is None or len(used) > 2:
        return False
    colours = {rgb for _, rgb in image.convert("RGB").getcolors(3) or ()}
    return colours == {(0, 0, 0), (255, 255, 255)}


def _values(image: Image.Image) -> Values:
    """(H, W) numbers: grey values or palette indices; colours as 0xRRGGBB."""
    if image.mode == "P" and _is_grey(image):
        image = image.convert("L")
    if image.mode in ("1", "L", "P", "I", "F") or image.mode.startswith("I;16"):
        return np.asarray(image)
    if image.mode in ("LA", "La"):
        return np.asarray(image.getchannel(0))
    rgb = np.asarray(image.convert("RGB"))
    if (rgb[:, :, 0] == rgb[:, :, 1]).all() and (rgb[:, :, 0] == rgb[:, :, 2]).all():
        return np.asarray(rgb[:, :, 0])
    return np.asarray(rgb.astype(np.int64) @ np.array([65536, 256, 1]))


def _object(values: Values, lossy: bool, indexed: bool, name: str) -> Mask:
    if lossy and values.max() < 256:
        near = ((values < NEAR) | (values > VOID - NEAR)).mean()
        if near >= CLEAR_SHARE:
            return np.asarray(values > VOID // 2, dtype=bool)
    found = np.unique(values)
    kept = found[found != VOID] if indexed and len(found) > 2 else found
    if len(kept) == 1 or (len(kept) == 2 and kept[0] == 0):
        return np.asarray((values != 0) & np.isin(values, kept), dtype=bool)
    raise BadMask(
        f"{name}: the mask has the values {_told(found)}; which are the object? "
        "--mask-value says it"
    )


def _told(values: Values) -> str:
    shown = ", ".join(f"{value:.6g}" for value in values[:NAMED].astype(float).tolist())
    return shown if len(values) <= NAMED else f"{shown}, ... ({len(values)} of them)"


class MaskFiles:
    """The masks of a folder: in `masks`, `mask`, `SegmentationClass` in any case, or `a_mask.png`.

    `among` are the images found, of which masks beside them (`a_mask.png`) are taken out.
    """

    def __init__(self, root: Path, among: Sequence[Path]) -> None:
        self.folders = [p for p in sorted(root.iterdir()) if p.is_dir() and is_mask_folder(p.name)]
        inside = [path for path in among if not any(f in path.parents for f in self.folders)]
        stems = {_place(path.parent, path.stem) for path in inside}
        self._beside = {
            key: path for path in inside
            if (key := _place(path.parent, _bare(path.stem))) in stems
            and _bare(path.stem) != path.stem
        }  # fmt: skip
        masks = set(self._beside.values())
        self.images = [path for path in inside if path not in masks]
        self._names = Counter(_key(Path(path.name)) for path in self.images)
        self._files: dict[str, list[Path]] = defaultdict(list)
        for folder in self.folders:
            for path in sorted(files_below(folder)):
                if path.suffix.lower() in SUFFIXES:
                    self._files[_key(path.relative_to(folder))].append(path)
        self._used: set[Path] = set()
        self._given = 0

    def of(self, image: Path, relative: Path) -> Path | None:
        """The mask of an image, whatever the case and suffix of its name; None without one."""
        beside = self._beside.get(_place(image.parent, image.stem))
        found = [beside] if beside else self._files.get(_key(relative), [])
        name = _key(Path(relative.name))
        if not found and self._names[name] == 1:
            found = self._files.get(name, [])
        if not found:
            return None
        exact = [path for path in found if path.name == relative.with_suffix(".png").name]
        self._used.update(found)
        self._given += 1
        return (exact or found)[0]

    def notes(self) -> Iterator[str]:
        """How many images have a mask, and which masks no image has; call it after `of`."""
        every = {path for paths in self._files.values() for path in paths}
        every |= set(self._beside.values())
        if every:
            yield f"masks: {self._given} of {len(self.images)} images have one"
        if left := sorted(every - self._used):
            yield f"masks without an image: {len(left)} (the first: {left[0].name})"


def mask_reader(path: Path, chosen: MaskValue | None) -> Callable[[], Mask]:
    return lambda: read_mask(path, chosen)


def _bare(stem: str) -> str:
    return next(
        (stem[: -len(end)] for end in ENDINGS if stem.lower().endswith(end) and stem != end), stem
    )


def _place(folder: Path, stem: str) -> str:
    return (folder / stem).as_posix().casefold()


def _key(relative: Path) -> str:
    return relative.with_name(_bare(relative.stem)).as_posix().casefold()
