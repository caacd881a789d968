"""Drawn images: photos and maps as they are drawn; they are shared, nobody may change them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs import cached, shipped_maps, steps_to_secam
from runs.keeping import kept
from runs.samples import Sample, gallery_ids, photo_samples
from runs.steps_to_secam import Look, Step
from xai_core.images import heatmap
from xai_core.images import layers as map_layers
from xai_core.images.reading import (
    RGB,
    BadImage,
    Floats,
    Framing,
    InputFormat,
    Photo,
    framed,
    map_on_photo,
    open_image,
)

if TYPE_CHECKING:
    pass

THUMBNAIL_PX = 96
DISPLAY_PX = 480


@kept
def thumbnails(stamp: float, kinds: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Id -> (title, data URI) of the images shown first."""
    known, photos = cached.samples(), photo_samples()
    first = gallery_ids(shipped_maps.gallery(), {k: v for k, v in known.items() if k not in photos})
    of_kind = {"photos": list(photos), "fruits": first}
    names = [name for kind in kinds for name in of_kind[kind]] or first
    return {name: (known[name].title(), thumbnail(known[name].open())) for name in names}


def orchard_singles() -> list[Sample]:
    """Orchard's images of one fruit."""
    return [
        s for s in cached.samples().values() if s.level is not None and not s.id.startswith("pair-")
    ]


def thumbnail(photo: Photo) -> str:
    """A small square of the middle of a photo, as a data URI."""
    rgb = fitted_photo(photo, photo.sha256, DISPLAY_PX)
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = rgb[top : top + side, left : left + side]
    return heatmap.data_uri(heatmap.fitted(square, THUMBNAIL_PX))


@kept
def sample_photo(name: str) -> Photo:
    return cached.samples()[name].open()


@kept
def run_photo(file: Path, sha256: str) -> Photo:
    """An image of a run, as it was when it was evaluated; raises BadImage where it is not."""
    photo = open_image(file)
    if photo.sha256 != sha256:
        raise BadImage(f"{file}: has changed since it was evaluated; evaluate it again")
    return photo


@kept
def run_thumbnail(file: Path, sha256: str) -> str:
    """A small square of a run's image as a data URI; empty where the file is not there."""
    try:
        return thumbnail(run_photo(file, sha256))
    except BadImage:
        return ""


@kept
def fitted_photo(_photo: Photo, sha256: str, longest_px: int) -> RGB:
    """The photo as it is drawn, its longer side at most `longest_px`; not to be written to."""
    return heatmap.fitted(_photo.rgb, longest_px)


@kept
def framed_photo(
    _photo: Photo, sha256: str, form: tuple[tuple[str, Any], ...], framing: Framing
) -> RGB:
    """The photo as the model sees it; not to be written to."""
    return framed(_photo.rgb, InputFormat(**dict(form)), framing)


@kept
def drawn(
    _photo: Photo,
    _values: Floats,
    key: tuple[object, ...],
    *,
    form: tuple[tuple[str, Any], ...],
    framing: Framing,
    view: str,
    opacity: float,
    threshold: float,
) -> bytes:
    """A map on its photo as a JPEG; `key` names photo, model, method, settings and class."""
    rgb = fitted_photo(_photo, _photo.sha256, DISPLAY_PX)
    height, width = rgb.shape[:2]
    values = map_on_photo(_values, height, width, InputFormat(**dict(form)), framing)
    if view == "kept":
        image = heatmap.masked(rgb, values, threshold)
    else:
        image = heatmap.overlay(rgb, values, 1.0 if view == "map" else opacity)
    return heatmap.encoded(image, ".jpg")


@dataclass(frozen=True)
class Layered:
    """The files of photo (JPEG), map, and veil (PNG, empty where there is none)."""

    photo: bytes
    full: bytes
    veil: bytes
    is_supported: bool


@kept
def layers(
    _photo: Photo,
    _values: Floats,
    key: tuple[object, ...],
    *,
    form: tuple[tuple[str, Any], ...],
    framing: Framing,
    kept: float | None,
    limit: float | None,
) -> Layered:
    """A map on its photo in layers, or only what it keeps; `key` as for `drawn`."""
    rgb = fitted_photo(_photo, _photo.sha256, DISPLAY_PX)
    height, width = rgb.shape[:2]
    values = map_on_photo(_values, height, width, InputFormat(**dict(form)), framing)
    if kept is not None:
        shown = heatmap.encoded(heatmap.masked(rgb, values, kept), ".jpg")
        return Layered(shown_photo(_photo, _photo.sha256), shown, b"", True)
    mixed = map_layers.layers(rgb, values, limit)
    photo = heatmap.encoded(mixed.photo, ".jpg")
    return Layered(photo, mixed.full, mixed.veil, heatmap.has_positive_evidence(values))


@kept
def shown_photo(_photo: Photo, sha256: str) -> bytes:
    return heatmap.encoded(fitted_photo(_photo, sha256, DISPLAY_PX), ".jpg")


@kept
def secam_steps(
    _look: Look, _cam: Floats, key: tuple[object, ...], segments: int, compactness: float
) -> list[Step]:
    """`key` names photo, model, class and how the photo is shown."""
    return steps_to_secam.secam_steps(_look, _cam, segments, compactness)


@kept
def slic_steps(
    _look: Look, key: tuple[object, ...], segments: int, compactness: float
) -> list[Step]:
    return steps_to_secam.slic_steps(_look, segments, compactness)
