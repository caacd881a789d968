"""Floors and backdrops: flat procedural textures whose detail fades with distance."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from xai_core.orchard.noise import layered, noise, per_cell, plane, smooth, turned
from xai_core.orchard.scene import Surface

FLOOR_FAMILIES = ("wood", "cloth", "checks", "marble", "grass", "tiles", "paper", "gravel")
BACKDROP_FAMILIES = ("gradient", "bokeh", "plaster", "stripes", "wood", "tiles", "cloth", "marble")


def flat_colour(surface: Surface, first: Tensor, second: Tensor, footprint: Tensor) -> Tensor:
    """(N,) plane coordinates -> (3,N) sRGB colours; `footprint` is the width of a pixel there."""
    a, b = turned(first, second, surface.turn)
    a, b = a * surface.scale, b * surface.scale
    colours = [torch.tensor(colour)[:, None] for colour in surface.colours]
    texture = _FAMILIES[surface.family]
    return texture(a, b, footprint * surface.scale, colours, surface.seed).clamp(0, 1)


def _fade(footprint: Tensor, frequency: float) -> Tensor:
    return (1.5 - 2.4 * footprint * frequency).clamp(0, 1)


def _mix(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    return first + (second - first) * share


def _square(values: Tensor, footprint: Tensor) -> Tensor:
    """A square wave of period 2 in -1..1, averaged over the footprint (no aliasing)."""
    width = footprint.clamp(min=1e-3)

    def integral(t: Tensor) -> Tensor:
        return 2 * (t / 2 - torch.floor(t / 2) - 0.5).abs()

    return (integral(values + width / 2) - integral(values - width / 2)) / width


def _line(values: Tensor, half_width: float, footprint: Tensor) -> Tensor:
    """(N,) coverage of thin lines at whole numbers, box filtered over the footprint."""
    distance = (values - torch.round(values)).abs()
    soft = footprint.clamp(min=half_width * 0.3)
    cover = ((half_width + soft / 2 - distance) / soft).clamp(0, 1)
    return cover * (2 * half_width / soft).clamp(max=1)


def _wood(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    board = torch.floor(b)
    number = per_cell(board, board * 3, seed)
    along = a * 0.35 + number * 40
    grain = noise(plane(along * 1.4, b * 9 + number * 60), seed) * _fade(f, 6)
    rings = torch.sin((noise(plane(along, b * 2.2 + number * 30), seed + 1) * 2 + b * 0.7) * 9)
    share = 0.5 + 0.28 * rings * _fade(f, 4) + 0.3 * grain
    colour = _mix(colours[0], colours[1], share) * (0.86 + 0.28 * number)
    return colour * (1 - 0.6 * _line(b, 0.012, f))


def _cloth(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    first, second = _square(a * 1.2, f * 1.2), _square(b * 1.2, f * 1.2)
    colour = _mix(colours[0], colours[1], 0.5 + 0.25 * (first + second))
    weave = torch.sin(a * 62) * torch.sin(b * 62) * _fade(f, 30)
    folds = noise(plane(a * 0.6, b * 0.9), seed)
    return colour * (1 + 0.07 * weave + 0.1 * folds)


def _checks(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    share = 0.5 + 0.5 * _square(a * 1.6, f * 1.6) * _square(b * 1.6, f * 1.6)
    return _mix(colours[0], colours[1], share) * (1 + 0.05 * noise(plane(a * 2, b * 2), seed))


def _marble(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    p = plane(a, b)
    bend = layered(p * 0.8, 4, seed)
    vein = (a * 0.5 + b * 0.3 + bend * 1.8) * math.pi
    thin = (1 - torch.sin(vein).abs()) ** 7 + 0.6 * (1 - torch.sin(vein * 2.3 + 1).abs()) ** 10
    cloud = smooth(-0.7, 0.7, bend)
    colour = _mix(colours[0], colours[1], 0.3 * cloud)
    return _mix(colour, colours[1], thin * 0.75 * _fade(f, 2))


def _grass(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    blades = noise(plane(a * 16, b * 5, 3.3), seed) * _fade(f, 11)
    cross = noise(plane(a * 7 + b * 5, b * 13 - a * 4, 7.7), seed + 1) * _fade(f, 9)
    patches = layered(plane(a * 0.7, b * 0.7), 3, seed + 2)
    share = (0.5 + 0.4 * blades + 0.35 * cross + 0.25 * patches).clamp(0, 1)
    return _mix(colours[0], colours[1], share)


def _tiles(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    number = per_cell(torch.floor(a), torch.floor(b), seed)
    mottle = layered(plane(a * 3, b * 3), 2, seed)
    colour = colours[0] * (0.88 + 0.24 * number + 0.05 * mottle)
    grout = torch.maximum(_line(a, 0.03, f), _line(b, 0.03, f))
    return _mix(colour, colours[1], grout)


def _paper(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    grain = layered(plane(a * 11, b * 11), 2, seed) * _fade(f, 14)
    colour = colours[0] * (1 + 0.025 * grain + 0.03 * noise(plane(a * 0.5, b * 0.5), seed))
    ruled = _line(b * 2.5, 0.03, f * 2.5) if seed % 3 == 0 else torch.zeros_like(a)
    return _mix(colour, colours[1], ruled * 0.6)


def _gravel(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    u, v = a * 5, b * 5
    nearest = torch.full_like(u, 9.0)
    second = nearest
    chosen = torch.zeros_like(u)
    base_u, base_v = torch.floor(u + 0.5), torch.floor(v + 0.5)
    for shift_u in (-1, 0, 1):
        for shift_v in (-1, 0, 1):
            cell_u, cell_v = base_u + shift_u, base_v + shift_v
            number = per_cell(cell_u, cell_v, seed)
            other = torch.remainder(number * 17.3, 1)
            distance = (u - cell_u - number * 0.7 + 0.35) ** 2 + (
                v - cell_v - other * 0.7 + 0.35
            ) ** 2
            closer = distance < nearest
            second = torch.where(closer, nearest, torch.minimum(second, distance))
            chosen = torch.where(closer, other, chosen)
            nearest = torch.minimum(nearest, distance)
    gap = smooth(0.02, 0.3, second.sqrt() - nearest.sqrt())
    colour = _mix(colours[0], colours[1], chosen) * (0.65 + 0.45 * torch.remainder(chosen * 7, 1))
    shaded = colour * (0.3 + 0.7 * gap) * (1.1 - 0.35 * nearest)
    average = _mix(colours[0], colours[1], torch.full_like(u, 0.5)) * 0.72
    return _mix(average, shaded, _fade(f, 2.5))


def _plaster(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    cloud = layered(plane(a * 0.5, b * 0.5), 3, seed)
    grain = layered(plane(a * 5, b * 5), 2, seed + 1) * _fade(f, 7)
    return _mix(colours[0], colours[1], 0.3 + 0.3 * cloud) * (1 + 0.04 * grain)


def _stripes(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    return _mix(colours[0], colours[1], 0.5 + 0.5 * _square(a * 1.1, f * 1.1))


def _gradient(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    return _mix(colours[0], colours[1], smooth(0.0, 4.0, b + 0.3 * a))


def _bokeh(a: Tensor, b: Tensor, f: Tensor, colours: list[Tensor], seed: int) -> Tensor:
    """Out of focus background: overlapping soft discs over a gradient."""
    colour = _mix(colours[0], colours[1], smooth(0.0, 4.0, b + noise(plane(a, b) * 0.4, seed)))
    for layer in range(2):
        u, v = a * (0.8 + 0.5 * layer) + layer * 9, b * (0.8 + 0.5 * layer)
        cell_u, cell_v = torch.floor(u), torch.floor(v)
        number = per_cell(cell_u, cell_v, seed + layer)
        radius = 0.2 + 0.25 * torch.remainder(number * 13, 1)
        offset = ((u - cell_u - 0.5) ** 2 + (v - cell_v - 0.5) ** 2).sqrt()
        disc = smooth(0.06, -0.06, offset - radius) * (number > 0.35)
        tint = colours[2] if layer else colours[-1]
        colour = _mix(colour, tint, disc * 0.4 * number)
    return colour


_Texture = Callable[[Tensor, Tensor, Tensor, list[Tensor], int], Tensor]
_FAMILIES: dict[str, _Texture] = {
    "wood": _wood,
    "cloth": _cloth,
    "checks": _checks,
    "marble": _marble,
    "grass": _grass,
    "tiles": _tiles,
    "paper": _paper,
    "gravel": _gravel,
    "plaster": _plaster,
    "stripes": _stripes,
    "gradient": _gradient,
    "bokeh": _bokeh,
}
