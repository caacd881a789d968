"""Images: untrusted bytes -> checked RGB photo -> model input, and maps back onto the photo."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from xai_core.images.grey_window import Window, range_of, window_of, windowed

Framing = Literal["whole", "center_crop"]
FRAMINGS: tuple[Framing, ...] = ("whole", "center_crop")
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "TIFF", "GIF")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
LARGEST_BYTES = 20 * 2**20
LARGEST_PIXELS = 50_000_000
SMALLEST_SIDE = 8
STRIP_PIXELS = 2**20
"""Pixels converted at once: beyond the decoded file and the RGB photo nothing large is held."""

RGB = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


# Pillow's remarks on odd metadata; what matters to people is a BadImage
warnings.filterwarnings("ignore", module=r"PIL\.")


class BadImage(ValueError):
    """An image that cannot be used; the message is one sentence for people."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A checked image: `rgb` (H, W, 3) uint8 upright, its name, and the sha256 of its bytes.

    `note` says what was guessed to show it: the window of grey values beyond 8 bits.
    """

    name: str
    rgb: RGB
    sha256: str
    note: str = ""


@dataclass(frozen=True)
class InputFormat:
    """How a model wants its images: `size` px square, channel means and deviations (of 0..1).

    `resize` is the shorter side before the central crop of the framing "center_crop". `width` is
    given where the input is no square: `size` is then its height. One mean stands for grey images.
    """

    size: int = 224
    resize: int = 256
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    width: int | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of the model's input."""
        return len(self.mean), self.size, self.width or self.size


def open_image(source: bytes | str | Path, name: str = "", window: Window | None = None) -> Photo:
    """The first frame of an image, upright, as RGB on white; raises BadImage with the reason.

    `window` (low, high) is shown of grey values beyond 8 bits; without it one is chosen.
    """
    if isinstance(source, bytes):
        content, name = source, name or "image"
    else:
        name = name or Path(source).name
        try:
            content = _read(Path(source))
        except OSError as error:
            raise BadImage(f"{source}: cannot be read ({error.strerror or error})") from None
    if not content:
        raise BadImage(f"{name}: the file is empty (0 bytes)")
    if len(content) > LARGEST_BYTES:
        raise BadImage(
            f"{name}: {len(content) / 2**20:.0f} MB; at most {LARGEST_BYTES // 2**20} MB"
        )
    rgb, note = _decode(content, name, window)
    return Photo(name, rgb, hashlib.sha256(content).hexdigest(), note)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)


def _decode(content: bytes, name: str, window: Window | None) -> tuple[RGB, str]:
    formats = _formats(content, name)
    try:
        image = Image.open(io.BytesIO(content), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(
            f"{name}: too many pixels; at most {LARGEST_PIXELS // 10**6} million"
        ) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, RuntimeError):
        raise BadImage(f"{name}: not an image that can be read ({', '.join(FORMATS)})") from None
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        raise BadImage(
            f"{name}: {width} x {height} pixels; at most {LARGEST_PIXELS // 10**6} million"
        )
    if min(width, height) < SMALLEST_SIDE:
        raise BadImage(
            f"{name}: {width} x {height} pixels; each side needs at least {SMALLEST_SIDE}"
        )
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return as_rgb(image, window)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, RuntimeError):
        raise BadImage(f"{name}: the image is damaged or incomplete") from None


def _formats(content: bytes, name: str) -> tuple[str, ...]:
    """The formats that may be opened; HEIF where its optional reader is installed."""
    if content[4:8] != b"ftyp" or content[8:12] not in HEIC_BRANDS:
        return FORMATS
    if not find_spec("pillow_heif"):
        raise BadImage(f"{name}: a HEIC image needs a reader: pip install pillow-heif")
    import pillow_heif

    pillow_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def as_rgb(image: Image.Image, window: Window | None) -> tuple[RGB, str]:
    """Any mode of Pillow as (H, W, 3), and what was done to deep grey; transparency on white."""
    rgb, note, top = np.empty((image.height, image.width, 3), np.uint8), "", 0
    deep = image.mode.startswith(("I", "F"))
    if deep and window is None:
        found = range_of(map(np.asarray, _strips(image)), image.width * image.height)
        window, note = window_of(found, image.mode.startswith("I;16"))
    for strip in _strips(image):
        if deep and window:
            rows = windowed(np.asarray(strip), window)[:, :, None]
        else:
            rows = np.asarray(_on_white(strip))
        rgb[top : top + len(rows)] = rows
        top += len(rows)
    return rgb, note


def _strips(image: Image.Image) -> Iterator[Image.Image]:
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _on_white(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def framed(rgb: RGB, form: InputFormat, framing: Framing = "whole") -> RGB:
    """The (height, width, 3) uint8 image that the model sees, before normalisation."""
    height, width = rgb.shape[:2]
    top, left, crop_h, crop_w = framed_region(height, width, form, framing)
    crop = Image.fromarray(rgb[top : top + crop_h, left : left + crop_w])
    resized = crop.resize(form.shape[:0:-1], Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8)


def framed_region(
    height: int, width: int, form: InputFormat, framing: Framing
) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the part of the photo that the model sees, in pixels."""
    if framing == "whole":
        return 0, 0, height, width
    scale = min(height, width) / form.resize
    crop_h, crop_w = (max(1, round(scale * side)) for side in form.shape[1:])
    crop_h, crop_w = min(crop_h, height), min(crop_w, width)
    return (height - crop_h) // 2, (width - crop_w) // 2, crop_h, crop_w


def normalised(framed_rgb: RGB, form: InputFormat) -> Floats:
    """(height, width, 3) uint8 -> (C, height, width) float32, as the model was trained.

    Raises BadImage where the model wants other than grey or colours.
    """
    if len(form.mean) not in (1, 3):
        raise BadImage(f"the model wants {len(form.mean)} channels; an image has 1 or 3")
    if len(form.mean) == 1:
        framed_rgb = np.asarray(Image.fromarray(framed_rgb).convert("L"))[:, :, None]
    values = framed_rgb.astype(np.float32) / 255.0
    mean, std = np.array(form.mean, np.float32), np.array(form.std, np.float32)
    values = (values - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def map_on_photo(
    values: Floats, height: int, width: int, form: InputFormat, framing: Framing
) -> Floats:
    """A (h, w) map of the model's input at the photo's resolution (height, width).

    What the model did not see (outside the central crop) is NaN.
    """
    top, left, crop_h, crop_w = framed_region(height, width, form, framing)
    fitted = cv2.resize(
        np.asarray(values, dtype=np.float32), (crop_w, crop_h), interpolation=cv2.INTER_LINEAR
    )
    if (crop_h, crop_w) == (height, width):
        return np.asarray(fitted, dtype=np.float32)
    whole = np.full((height, width), np.nan, dtype=np.float32)
    whole[top : top + crop_h, left : left + crop_w] = fitted
    return whole
