"""How a stage's values lie: as NCHW, NHWC or tokens; found by shapes and by a moved square."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

Kind = Literal["NCHW", "NHWC", "tokens"]
EXTRA_TOKENS = (0, 1, 2, 4, 5)
"""Tokens before the grid's: none, a class token, two (distilled), and with four registers."""
FOLLOWS = 0.15
"""How much of the square's movement the grid's response must follow, 0 to 1."""
SMALL_GRID = 15
"""Cells along a side up to which a grid may be known by convolutions before it."""
CHANNELS_FIRST = (
    nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d,
    nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.InstanceNorm2d,
)  # fmt: skip
PLACES = ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5))


@dataclass(frozen=True)
class Layout:
    """Where channels and grid are in a stage's output; `extra` tokens stand before the grid's."""

    kind: Kind = "NCHW"
    height: int = 0
    width: int = 0
    extra: int = 0

    def grid(self, output: Tensor) -> Tensor:
        """A stage's output -> its grid (N, C, h, w)."""
        if self.kind == "tokens":
            tokens = output[:, self.extra :].transpose(1, 2)
            return tokens.reshape(len(output), -1, self.height, self.width)
        return output.permute(0, 3, 1, 2) if self.kind == "NHWC" else output

    def back(self, grid: Tensor, output: Tensor) -> Tensor:
        """A grid (N, C, h, w) -> the stage's output; extra tokens are those of `output`."""
        if self.kind == "tokens":
            tokens = grid.flatten(2).transpose(1, 2)
            return torch.cat([output[:, : self.extra], tokens], dim=1)
        return grid.permute(0, 2, 3, 1) if self.kind == "NHWC" else grid

    def describe(self) -> str:
        """For people: `NCHW`, `tokens (1 + 14 x 14)`."""
        if self.kind != "tokens":
            return self.kind
        before = f"{self.extra} + " if self.extra else ""
        return f"tokens ({before}{self.height} x {self.width})"


def moved_squares(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Five images (5, C, H, W): noise, and the same with a bright square in each quarter."""
    _, height, width = shape
    base = torch.randn(shape, generator=generator)
    images = base.repeat(5, 1, 1, 1)
    for image, (y, x) in zip(images[1:], PLACES, strict=True):
        top, left = round((y + 1) / 2 * height), round((x + 1) / 2 * width)
        half_h, half_w = max(1, height // 8), max(1, width // 8)
        image[:, top - half_h : top + half_h, left - half_w : left + half_w] += 3.0
    return images


class Finder:
    """Finds layouts while `moved_squares` of (height, width) go through a model."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self._grids: set[tuple[int, ...]] = set()  # (h, w) of convolutions and poolings

    def see(self, output: Any, module: nn.Module | None = None) -> Layout | None:
        """The layout of what a module or function gave; None where it cannot be told.

        Where the cells of a small grid see the whole image, the square moves nothing; then a grid
        as convolutions and poolings gave it before, which are NCHW by definition, is NCHW.
        """
        if not isinstance(output, Tensor) or not output.is_floating_point() or not output.ndim:
            return None
        if output.ndim == 4 and isinstance(module, CHANNELS_FIRST):
            self._grids.add(tuple(output.shape[2:]))
        if len(output) != 1 + len(PLACES):  # windows of an image, say
            return None
        found = established(output, *self.size)
        if found or output.ndim != 4 or max(output.shape[2:]) > SMALL_GRID:
            return found
        is_like_them = tuple(output.shape[2:]) in self._grids
        is_ambiguous = tuple(output.shape[1:3]) in self._grids
        return Layout() if is_like_them and not is_ambiguous and min(output.shape[2:]) > 1 else None


def established(output: Tensor, height: int, width: int) -> Layout | None:
    """The layout of a stage's output for `moved_squares` of (height, width); None if unknown."""
    best, followed = None, FOLLOWS
    for layout in _possible(output.shape, height, width):
        follows = _follows(layout.grid(output))
        if follows > followed:
            best, followed = layout, follows
    return best


def _possible(shape: torch.Size, height: int, width: int) -> Iterator[Layout]:
    def fits(rows: int, columns: int) -> bool:
        inside = 1 < rows <= height and 1 < columns <= width
        return inside and 0.6 < (rows / height) / (columns / width) < 1.7

    if len(shape) == 4 and fits(shape[2], shape[3]):
        yield Layout()
    if len(shape) == 4 and fits(shape[1], shape[2]):
        yield Layout("NHWC")
    for extra in EXTRA_TOKENS if len(shape) == 3 else ():
        count = shape[1] - extra
        rows = round((max(count, 0) * height / width) ** 0.5)
        if rows and count % rows == 0 and fits(rows, count // rows):
            yield Layout("tokens", rows, count // rows, extra)


def _follows(grids: Tensor) -> float:
    """How far the centre of the response moves with the square: 0 for not at all, 1 for as far.

    The smaller of both directions, less what a square's row does to columns and the reverse.
    """
    energy = (grids[1:] - grids[:1]).double().square().sum(dim=1)
    total = energy.sum(dim=(1, 2))
    if not bool(torch.isfinite(total).all()) or float(total.min()) <= 0:
        return 0.0
    rows, columns = (torch.linspace(-1, 1, 2 * n + 1)[1::2].to(energy) for n in energy.shape[1:])
    centres = torch.stack(
        [(energy.sum(dim=2) @ rows) / total, (energy.sum(dim=1) @ columns) / total], dim=1
    )
    slopes = centres.T @ torch.tensor(PLACES).to(energy) / (len(PLACES) * 0.25)
    crossed = float((slopes[0, 1].abs() + slopes[1, 0].abs()) / 2)
    return float(slopes.diagonal().min()) - crossed
