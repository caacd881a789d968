"""Given: models, images and recipes in the ways that people have them at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from torch import nn

from xai_core.catalog import configure
from xai_core.images.image_files import find_images
from xai_core.images.reading import Photo, as_rgb, open_image
from xai_core.models.classifier import Classifier
from xai_core.models.devices import default_device
from xai_core.models.loading import load_classifier
from xai_core.recipe import Recipe

R = TypeVar("R", bound=Recipe)
AnyModel = Classifier | str | Path
AnyImage = Photo | Image.Image | npt.NDArray[np.uint8] | bytes | str | Path


def classifier_from(model: AnyModel) -> Classifier:
    """A classifier as it is, or by its name or path; raises TypeError for a bare module."""
    if isinstance(model, Classifier):
        return model
    if isinstance(model, nn.Module):
        raise TypeError(
            f"a {type(model).__name__} does not say what its classes are called: give "
            "Classifier.of(model, categories)"
        )
    return load_classifier(model, device=default_device())


def photos_from(images: AnyImage | Iterable[AnyImage]) -> list[Photo]:
    """One image or several: files, folders, bytes, PIL images, (H, W, 3) uint8 arrays, photos.

    Raises BadImage for what is no image, ValueError for an array of another kind or for none.
    """
    single = isinstance(images, Photo | Image.Image | np.ndarray | bytes | str | Path)
    listed: Any = [images] if single else images
    photos = [photo for number, one in enumerate(listed) for photo in _photos(one, number)]
    if not photos:
        raise ValueError("images must hold at least one image, got none")
    return photos


def recipes_from(wanted: str | R | Sequence[str | R], known: Mapping[str, type[R]]) -> list[R]:
    """Recipes as they are, or by specs such as "lime[samples=500]"; raises ValueError."""
    listed = [wanted] if isinstance(wanted, str | Recipe) else wanted
    return [configure([one], known)[0] if isinstance(one, str) else one for one in listed]


def _photos(image: AnyImage, number: int) -> list[Photo]:
    if isinstance(image, Photo):
        return [image]
    if isinstance(image, Image.Image):
        return [_photo(as_rgb(ImageOps.exif_transpose(image), None)[0], number)]
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"images[{number}] must be (H, W, 3) uint8, got {image.shape} {image.dtype}"
            )
        return [_photo(image, number)]
    if not isinstance(image, bytes) and Path(image).is_dir():
        return [open_image(path) for path in find_images(image)]
    return [open_image(image, f"image {number}" if isinstance(image, bytes) else "")]


def _photo(rgb: npt.NDArray[np.uint8], number: int) -> Photo:
    """Pixels without a file; their shape and values stand for the file's bytes."""
    rgb = np.ascontiguousarray(rgb)
    digest = hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).hexdigest()
    return Photo(f"image {number}", rgb, digest)
