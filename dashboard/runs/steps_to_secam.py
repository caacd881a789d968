"""Superpixels: from CAM to SeCAM in steps, without torch, so that sliders answer at once."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xai_core.evaluation.packed_maps import grid_behind
from xai_core.images import heatmap
from xai_core.images.reading import RGB, Floats, Framing, InputFormat, framed_region, map_on_photo
from xai_core.images.superpixels import Labels, Slic, averaged, grid_labels, slic_labels
from xai_core.titles import percent

SLIC_PASSES = 10


@dataclass(frozen=True)
class Step:
    """One image of an explanation in steps, with what happens in it."""

    title: str
    text: str
    image: RGB


@dataclass(frozen=True)
class Look:
    """How a photo is shown: what the model sees of it, and how strongly maps cover it.

    `rgb` (H, W, 3) is the photo as it is drawn, `seen` (size, size, 3) the model's input.
    """

    rgb: RGB
    seen: RGB
    form: InputFormat
    framing: Framing
    opacity: float
    threshold: float

    def map(self, values: Floats) -> Floats:
        height, width = self.rgb.shape[:2]
        return map_on_photo(values, height, width, self.form, self.framing)

    def overlay(self, values: Floats, limit: float | None = None) -> RGB:
        return heatmap.overlay(self.rgb, self.map(values), self.opacity, limit)

    def outlined(self, labels: Labels) -> RGB:
        height, width = self.rgb.shape[:2]
        top, left, tall, wide = framed_region(height, width, self.form, self.framing)
        whole = np.full((height, width), -1, dtype=np.int64)
        fitted = cv2.resize(
            labels.astype(np.float32), (wide, tall), interpolation=cv2.INTER_NEAREST_EXACT
        )
        whole[top : top + tall, left : left + wide] = fitted.astype(np.int64)
        return heatmap.outlined(self.rgb, whole, max(1, round(max(height, width) / 300)))

    def masked(self, values: Floats) -> RGB:
        return heatmap.masked(self.rgb, self.map(values), self.threshold)


def block_means(values: Floats, cells: int = 7) -> Floats:
    """The map (H, W) averaged over a grid of cells x cells blocks, drawn as blocks."""
    height, width = values.shape
    rows = np.arange(height) * cells // height
    columns = np.arange(width) * cells // width
    return averaged(values, (rows[:, None] * cells + columns).astype(np.int64))


def on_its_grid(cam: Floats) -> Floats:
    """CAM as it comes from the model, in blocks; block means where its grid is not found."""
    for cells in (7, 8, 12, 14):
        grid = grid_behind(cam[None], cells)
        if grid is not None:
            return heatmap.enlarged(grid[0], cam.shape[0], cam.shape[1], nearest=True)
    return block_means(cam)


def secam_steps(look: Look, cam: Floats, segments: int, compactness: float) -> list[Step]:
    """From CAM to what SeCAM keeps, in six images; all maps on CAM's scale."""
    labels = slic_labels(look.seen, Slic(segments, compactness))
    secam, limit = averaged(cam, labels), heatmap.limit_of(cam)
    coarse, count = on_its_grid(cam), int(labels.max()) + 1
    share = percent(look.threshold)
    return [
        Step("1 CAM", "The logit by cells of the model's grid.", look.overlay(coarse, limit)),
        Step("2 Upsampled", "CAM at the image's resolution.", look.overlay(cam, limit)),
        Step("3 Superpixels", f"{count} regions of alike pixels (SLIC).", look.outlined(labels)),
        Step("4 SeCAM", "Each superpixel takes CAM's mean.", look.overlay(secam, limit)),
        Step("5 SeCAM keeps", f"What reaches {share} of its maximum.", look.masked(secam)),
        Step("CAM keeps", f"The same {share}, without superpixels.", look.masked(cam)),
    ]


def slic_steps(look: Look, segments: int, compactness: float) -> list[Step]:
    """SLIC in four images: seeds, first assignment, converged, small pieces joined."""
    rgb, recipe = look.seen, Slic(segments, compactness)
    # scikit-image's first pass goes by place alone: it gives the centres their colours
    first = slic_labels(rgb, recipe, max_num_iter=2, enforce_connectivity=False)
    settled = slic_labels(rgb, recipe, max_num_iter=SLIC_PASSES, enforce_connectivity=False)
    joined = slic_labels(rgb, recipe)
    cells = grid_labels(rgb.shape[0], rgb.shape[1], segments)
    texts = (
        ("Seeds", f"Centres on an even grid: {cells.max() + 1} squares.", cells),
        ("Assignment", "Every pixel joins the centre nearest in colour and place.", first),
        ("Update", f"Centres move to the mean of their pixels, {SLIC_PASSES} times over.", settled),
        ("Connectivity", f"Scattered pieces join a neighbour: {joined.max() + 1} remain.", joined),
    )
    return [Step(title, text, look.outlined(labels)) for title, text, labels in texts]


def sweep(
    look: Look, cam: Floats, counts: tuple[int, ...], shares: tuple[float, ...], compactness: float
) -> list[list[RGB]]:
    """What SeCAM keeps, one row for each number of segments, one column for each threshold."""
    rows = []
    for segments in counts:
        secam = averaged(cam, slic_labels(look.seen, Slic(segments, compactness)))
        rows.append([heatmap.masked(look.rgb, look.map(secam), share) for share in shares])
    return rows
