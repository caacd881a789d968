"""Images: untrusted bytes -> checked RGB photo -> network input, and maps back onto the photo."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

Framing = Literal["whole", "center_crop"]
FRAMINGS: tuple[Framing, ...] = ("whole", "center_crop")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
LARGEST_BYTES = 20 * 2**20
LARGEST_PIXELS = 50_000_000
SMALLEST_SIDE = 8

RGB = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


# Pillow's remarks on odd metadata; what matters to people is a BadImage
warnings.filterwarnings("ignore", module=r"PIL\.")


class BadImage(ValueError):
    """An image that cannot be used; the message is one sentence for people."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A checked picture: `rgb` (H, W, 3) uint8 upright, its name, and the sha256 of its bytes."""

    name: str
    rgb: RGB
    sha256: str


@dataclass(frozen=True)
class InputFormat:
    """How a network wants its images: `size` px square, channel means and deviations (of 0..1).

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
        """(channels, height, width) of the network's input."""
        return len(self.mean), self.size, self.width or self.size


def open_image(source: bytes | str | Path, name: str = "") -> Photo:
    """The first frame of an image, upright, as RGB on white; raises BadImage with the reason."""
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
    return Photo(name, _decode(content, name), hashlib.sha256(content).hexdigest())


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)


def _decode(content: bytes, name: str) -> RGB:
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(
            f"{name}: too many pixels; at most {LARGEST_PIXELS // 10**6} million"
        ) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
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
        return np.ascontiguousarray(_as_rgb(image))
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError):
        raise BadImage(f"{name}: the image is damaged or incomplete") from None


def _as_rgb(image: Image.Image) -> RGB:
    if image.mode.startswith(("I", "F")):  # 16-bit, whole and fractional grey: as 0 .. 255
        values = np.asarray(image, dtype=np.float64)
        if image.mode.startswith("I;16") or (image.mode == "I" and values.max() > 255):
            values = values / 257.0
        elif image.mode == "F" and values.max() <= 1.0:
            values = values * 255.0
        grey = np.clip(np.nan_to_num(values), 0, 255).round().astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(canvas, image)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


def framed(rgb: RGB, form: InputFormat, framing: Framing = "whole") -> RGB:
    """The (height, width, 3) uint8 picture that the network sees, before normalisation."""
    height, width = rgb.shape[:2]
    top, left, crop_h, crop_w = framed_region(height, width, form, framing)
    crop = Image.fromarray(rgb[top : top + crop_h, left : left + crop_w])
    resized = crop.resize(form.shape[:0:-1], Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8)


def framed_region(
    height: int, width: int, form: InputFormat, framing: Framing
) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the part of the photo that the network sees, in pixels."""
    if framing == "whole":
        return 0, 0, height, width
    scale = min(height, width) / form.resize
    crop_h, crop_w = (max(1, round(scale * side)) for side in form.shape[1:])
    crop_h, crop_w = min(crop_h, height), min(crop_w, width)
    return (height - crop_h) // 2, (width - crop_w) // 2, crop_h, crop_w


def normalised(framed_rgb: RGB, form: InputFormat) -> Floats:
    """(height, width, 3) uint8 -> (C, height, width) float32, as the network was trained.

    Raises BadImage where the network wants other than grey or colours.
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
    """A (h, w) map of the network's input at the photo's resolution (height, width).

    What the network did not see (outside the central crop) is NaN.
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


def require_folder(folder: Path) -> None:
    """Raises BadImage where a folder of pictures was named and is none."""
    if folder.is_file():
        raise BadImage(f"{folder}: a file; name the folder that holds the pictures")
    if not folder.is_dir():
        raise BadImage(f"{folder}: no such folder")


def find_images(folder: str | Path) -> list[Path]:
    """Every image file below a folder, sorted; raises BadImage where there is none."""
    root = Path(folder)
    require_folder(root)
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise BadImage(f"{folder}: no images in this folder ({', '.join(SUFFIXES)})")
    return found
