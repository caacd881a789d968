"""Explanations: what some methods say about some images, in one call; a notebook draws them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xai_core.given import (
    AnyImage,
    AnyModel,
    classifier_from,
    photos_from,
    recipes_from,
)
from xai_core.images.class_names import ClassNames
from xai_core.images.heatmap import data_uri, encoded, fitted, overlay
from xai_core.images.reading import RGB, Floats, Framing, Photo, map_on_photo
from xai_core.methods import METHODS, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.titles import percent

DEFAULT_METHODS = ("cam", "secam", "grad_cam", "integrated_gradients", "lime")
TOGETHER = 8
"""Images in one batch: bounds the memory."""
CELL_PX = 200
"""Longer side of a drawn map."""


@dataclass(frozen=True, eq=False)
class Explanations:
    """Maps of N images for T classes each; `explanations["cam"]` gives them, (N, T, H, W).

    The maps are as the methods give them, at the resolution of the model's input: signed and
    unnormalised. `targets` (N, T) are class numbers, `probabilities` (N, T) what the model gives
    them. `left_out` says why a method has no maps.
    """

    classifier: Classifier
    photos: tuple[Photo, ...]
    methods: tuple[Method, ...]
    maps: dict[str, Floats]
    targets: npt.NDArray[np.int64]
    probabilities: Floats
    framing: Framing = "whole"
    left_out: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, method: str) -> Floats:
        """The maps (N, T, H, W) of a method by its spec; raises KeyError naming those there are."""
        if method not in self.maps:
            raise KeyError(f"no maps of {method!r}; there are: {', '.join(self.maps)}")
        return self.maps[method]

    def drawn(self, method: str, image: int = 0, target: int = 0, opacity: float = 0.6) -> RGB:
        """One map over its photo (H, W, 3), at the photo's resolution."""
        rgb, values = self.photos[image].rgb, self[method][image, target]
        height, width = rgb.shape[:2]
        whole = map_on_photo(values, height, width, self.classifier.form, self.framing)
        return overlay(rgb, whole, opacity)

    def picture(self, cell_px: int = CELL_PX) -> RGB:
        """All maps in one image: a row per image and class, the photo first."""
        rows = [
            np.hstack([_square(cell, cell_px) for cell in self._row(image, target)])
            for image, target in self._places()
        ]
        return np.vstack(rows)

    def save(self, path: str | Path) -> None:
        """All maps as a PNG file."""
        Path(path).write_bytes(encoded(self.picture()))

    def _places(self) -> Iterator[tuple[int, int]]:
        return ((image, target) for image, target in np.ndindex(*self.targets.shape))

    def _row(self, image: int, target: int) -> list[RGB]:
        maps = [self.drawn(method.spec(), image, target) for method in self.methods]
        return [self.photos[image].rgb, *maps]

    def _caption(self, image: int, target: int) -> str:
        category = self.classifier.categories[int(self.targets[image, target])]
        share = float(self.probabilities[image, target])
        return f"{escape(self.photos[image].name)}<br>{escape(category)} {percent(share, 1)}"

    def _repr_png_(self) -> bytes:
        return encoded(self.picture())

    def _repr_html_(self) -> str:
        titles = ["", *(escape(method.label()) for method in self.methods)]
        head = "".join(f"<th>{title}</th>" for title in titles)
        rows = []
        for place in self._places():
            captions = [self._caption(*place), *titles[1:]]
            cells = map(_cell, self._row(*place), captions)
            rows.append(f"<tr>{''.join(cells)}</tr>")
        notes = "".join(f"<p>left out: {escape(reason)}</p>" for reason in self.left_out.values())
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>{notes}"


def explain(
    model: AnyModel,
    images: AnyImage | Iterable[AnyImage],
    methods: str | Method | Sequence[str | Method] = DEFAULT_METHODS,
    *,
    target: str | int | None = None,
    top_k: int = 1,
    framing: Framing = "whole",
) -> Explanations:
    """Maps of `images` by `methods` for the `top_k` most probable classes, or for `target`.

    `model` is a Classifier, or a name or path as for `load_classifier`; images are files, folders,
    bytes, PIL images or (H, W, 3) uint8 arrays; methods are names of METHODS, with settings where
    wanted ("lime[samples=500]"), or configured ones. A method that cannot explain this model is
    left out, with its reason. Raises ValueError where an argument is wrong or no method is left.
    """
    classifier, photos = classifier_from(model), photos_from(images)
    chosen = None if target is None else ClassNames(classifier.categories).chosen(str(target))
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    wanted = list(dict.fromkeys(recipes_from(methods, METHODS)))
    left_out = {m.spec(): f"{m.title}: {why}" for m in wanted if (why := m.unfit(classifier))}
    parts: dict[str, list[Tensor]] = {m.spec(): [] for m in wanted if m.spec() not in left_out}
    targets, probabilities = [], []
    for start in range(0, len(photos), TOGETHER):
        batch = Batch.of(classifier, photos[start : start + TOGETHER], framing)
        classes = batch.top(top_k) if chosen is None else torch.full((len(batch), 1), chosen)
        targets.append(classes.cpu())
        probabilities.append(batch.probabilities.cpu().gather(1, classes.cpu()))
        _add_maps(batch, classes, wanted, parts, left_out)
    if not parts:
        raise ValueError(f"no method is left: {'; '.join(left_out.values()) or 'none was given'}")
    return Explanations(
        classifier,
        tuple(photos),
        tuple(method for method in wanted if method.spec() in parts),
        {spec: torch.cat(maps).numpy() for spec, maps in parts.items()},
        torch.cat(targets).numpy(),
        torch.cat(probabilities).numpy(),
        framing,
        left_out,
    )


def _add_maps(
    batch: Batch,
    targets: Tensor,
    methods: Sequence[Method],
    parts: dict[str, list[Tensor]],
    left_out: dict[str, str],
) -> None:
    """The batch's maps go to `parts`; a method that fails moves to `left_out`."""
    for method in methods:
        spec = method.spec()
        if spec not in parts:
            continue
        try:
            parts[spec].append(method.attribute(batch, targets).cpu())
        except ArithmeticError as error:
            left_out[spec] = str(error)
            del parts[spec]


def _square(rgb: RGB, side_px: int) -> RGB:
    """The image in the middle of a white square."""
    small = fitted(rgb, side_px - 4)
    height, width = small.shape[:2]
    top, left = (side_px - height) // 2, (side_px - width) // 2
    below, right = side_px - height - top, side_px - width - left
    white = (255, 255, 255)
    framed = cv2.copyMakeBorder(small, top, below, left, right, cv2.BORDER_CONSTANT, value=white)
    return np.asarray(framed, dtype=np.uint8)


def _cell(rgb: RGB, caption: str) -> str:
    uri = data_uri(fitted(rgb, CELL_PX))
    return f'<td><img src="{uri}" alt="{caption.replace("<br>", ", ")}"><br>{caption}</td>'
