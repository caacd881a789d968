"""Heatmaps: maps -> RGB images, with one colour scale for all methods; numpy and OpenCV only."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from xai_core.images.reading import RGB, Floats

LIMIT_QUANTILE = 0.995
EMPTY_TEXT = "no positive evidence"
PALE = 215
"""How bright black is where a part of the image is left out."""

# position on the scale -> sRGB; lightness falls evenly to both sides of zero
_STOPS = {
    -1.0: (10, 38, 94),
    -0.66: (28, 92, 168),
    -0.33: (118, 172, 220),
    0.0: (246, 245, 240),
    0.33: (252, 186, 92),
    0.66: (230, 84, 28),
    1.0: (140, 6, 34),
}


def _table() -> RGB:
    positions = np.linspace(-1, 1, 511)
    stops = np.array(list(_STOPS.values()), dtype=float)
    channels = [np.interp(positions, list(_STOPS), stops[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


_TABLE = _table()
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_YELLOW = np.array([255, 222, 60], dtype=np.uint8)


def limit_of(values: Floats) -> float:
    """The magnitude drawn in full colour: the 99.5th percentile of |values|, NaN left out.

    Where fewer than 0.5 % of the pixels differ from zero it is the largest magnitude; 0 for an
    empty map.
    """
    magnitudes = np.abs(values[np.isfinite(values)])
    if not magnitudes.size:
        return 0.0
    limit = float(np.quantile(magnitudes, LIMIT_QUANTILE))
    return limit if limit > 0 else float(magnitudes.max())


def scaled(values: Floats, limit: float | None = None) -> Floats:
    """Values divided by `limit` (default: the map's own) and cut to -1 .. 1; NaN stays NaN."""
    limit = limit_of(values) if limit is None else limit
    if limit <= 0:
        return np.where(np.isnan(values), np.nan, 0).astype(np.float32)
    return np.asarray(np.clip(values / limit, -1, 1), dtype=np.float32)


def has_positive_evidence(values: Floats) -> bool:
    """Whether any value supports the class."""
    return bool(np.nanmax(values, initial=0) > 0)


def colours(scaled_values: Floats) -> RGB:
    """Values in -1 .. 1 (H, W) -> colours (H, W, 3): blue against, pale none, red for the class."""
    index = np.rint((np.nan_to_num(scaled_values) + 1) * 255).astype(np.intp)
    return np.asarray(_TABLE[index.clip(0, len(_TABLE) - 1)])


def overlay(rgb: RGB, values: Floats, opacity: float = 0.6, limit: float | None = None) -> RGB:
    """A map (H, W) over its photo (H, W, 3): opacity 0 is the photo, 1 the map alone.

    The photo fades to grey as the map comes in, so that a red map shows on a red apple; where
    the map is weak the photo stays visible. Pixels that are NaN (not seen by the model) are
    dimmed. Raises ValueError where photo and map differ in size.
    """
    check_sizes(rgb, values)
    strengths = scaled(values, limit)
    photo = rgb.astype(np.float32)
    grey = photo @ _LUMINANCE
    faded = photo + (grey[:, :, None] - photo) * min(1.0, 1.5 * opacity)
    alpha = opacity * (opacity + (1 - opacity) * np.sqrt(np.abs(np.nan_to_num(strengths))))
    mixed = faded + (colours(strengths) - faded) * alpha[:, :, None]
    mixed = np.where(np.isnan(values)[:, :, None], dimmed(rgb)[:, :, None], mixed)
    if opacity > 0 and not has_positive_evidence(values):
        return _with_text(mixed.astype(np.uint8), EMPTY_TEXT)
    return np.rint(mixed).astype(np.uint8)


def dimmed(rgb: RGB) -> Floats:
    """The photo (H, W, 3) in a pale grey (H, W), where the model does not see it."""
    return np.asarray(0.45 * (rgb.astype(np.float32) @ _LUMINANCE) + 110)


def kept(values: Floats, threshold: float = 0.8) -> npt.NDArray[np.bool_]:
    """Where the map reaches `threshold` (0 .. 1) of its maximum; nowhere if none is positive."""
    if not has_positive_evidence(values):
        return np.zeros(values.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.asarray(values >= threshold * np.nanmax(values))


def masked(rgb: RGB, values: Floats, threshold: float = 0.8) -> RGB:
    """The photo where the map reaches `threshold` of its maximum, a pale grey of it elsewhere."""
    check_sizes(rgb, values)
    grey = (rgb.astype(np.float32) @ _LUMINANCE)[:, :, None]
    pale = np.rint(PALE + (255 - PALE) * grey / 255).repeat(3, axis=2).astype(np.uint8)
    if not has_positive_evidence(values):
        return _with_text(pale, EMPTY_TEXT)
    return np.where(kept(values, threshold)[:, :, None], rgb, pale).astype(np.uint8)


def outlined(rgb: RGB, labels: npt.NDArray[Any], width_px: int = 1) -> RGB:
    """The photo with the borders between regions of `labels` (H, W) drawn in yellow."""
    check_sizes(rgb, labels)
    border = np.zeros(labels.shape, dtype=np.uint8)
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    border[1:] |= labels[1:] != labels[:-1]
    if width_px > 1:
        border = cv2.dilate(border, np.ones((width_px, width_px), np.uint8)).astype(np.uint8)
    return np.where(border[:, :, None] > 0, _YELLOW, rgb).astype(np.uint8)


def colour_bar(width: int = 255, height: int = 12) -> RGB:
    """The scale from -1 (left) to 1 (right)."""
    row = np.linspace(-1, 1, width, dtype=np.float32)
    return colours(np.repeat(row[None], height, axis=0))


def enlarged(values: Floats, height: int, width: int, nearest: bool = False) -> Floats:
    """A map (h, w) at (height, width), bilinear (half-pixel centres) or as blocks."""
    how = cv2.INTER_NEAREST_EXACT if nearest else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values.astype(np.float32), (width, height), interpolation=how))


def fitted(rgb: RGB, longest_px: int) -> RGB:
    """The photo with its longer side at most `longest_px`; small ones stay as they are."""
    height, width = rgb.shape[:2]
    factor = longest_px / max(height, width)
    if factor >= 1:
        return rgb
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encoded(rgb: RGB, kind: str = ".png") -> bytes:
    """The image (H, W, 3) as a PNG or JPEG (".jpg") file."""
    quality = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 88],
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    }[kind]
    done, content = cv2.imencode(kind, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)
    if not done:
        raise ValueError(f"an image of shape {rgb.shape} cannot be written as {kind}")
    return content.tobytes()


def data_uri(rgb: RGB, kind: str = ".jpg") -> str:
    """The image as text that a page can show without a file."""
    mime = "image/jpeg" if kind == ".jpg" else "image/png"
    return f"data:{mime};base64,{base64.b64encode(encoded(rgb, kind)).decode()}"


def check_sizes(rgb: RGB, values: npt.NDArray[Any]) -> None:
    """Raises ValueError where photo (H, W, 3) and map (H, W) differ in size."""
    if rgb.shape[:2] != values.shape:
        raise ValueError(f"photo {rgb.shape[:2]} and map {values.shape} differ in size")


def _with_text(rgb: RGB, text: str) -> RGB:
    height, width = rgb.shape[:2]
    font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(width / 260))
    size = cv2.getTextSize(text, font, 1.0, thick)[0][0]
    scale = 0.8 * width / size
    (text_width, text_height), _ = cv2.getTextSize(text, font, scale, thick)
    place = (width - text_width) // 2, (height + text_height) // 2
    drawn = np.ascontiguousarray(rgb)
    band = slice(max(0, place[1] - 2 * text_height), place[1] + text_height)
    drawn[band] = drawn[band] // 3
    cv2.putText(drawn, text, place, font, scale, (255, 255, 255), thick, cv2.LINE_AA)
    return drawn
