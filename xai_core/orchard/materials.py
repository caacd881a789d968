"""Procedural surfaces of fruits and distractors: colour and relief, at hit points only.

A pattern takes a `Spot` and gives (3,N) sRGB colours in 0..1; `relief_height` gives (N,) heights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.orchard.distances import Shape, blade_frames, bump_cells, relief
from xai_core.orchard.noise import layered, noise, per_cell, pits, smooth
from xai_core.orchard.scene import Material


@dataclass(frozen=True)
class Spot:
    """Where a material is asked for: (3,N) local points, and (N,) width of a pixel there."""

    points: Tensor
    footprint: Tensor
    shape: Shape

    def detail(self, frequency: float) -> Tensor:
        """(N,) 1 where a pattern of this frequency is resolved, falling to 0 where it is not."""
        return (1.6 - 2.2 * self.footprint * frequency).clamp(0, 1)


def surface_colour(spot: Spot) -> Tensor:
    """(3,N) sRGB colours of a part at these spots."""
    material = spot.shape.part.material
    colours = [torch.tensor(colour)[:, None] for colour in material.colours]
    return _PATTERNS[material.kind](spot, material, colours).clamp(0.0, 1.0)


def relief_height(spot: Spot) -> Tensor | None:
    """(N,) heights of the fine relief, in scene units; None for a smooth material."""
    material = spot.shape.part.material
    function = _RELIEFS.get(material.kind, _rough)
    if material.bump == 0:
        return None
    return function(spot, material) * material.bump * spot.detail(material.scale)


def _mix(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    return first + (second - first) * share


def _trait(material: Material, index: int) -> float:
    return material.traits[index] if index < len(material.traits) else 0.0


def _skin(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Traits: blush, its azimuth in degrees, specks, streaks, depth of the stem's hollow."""
    p, seed = spot.points, material.seed
    blush, azimuth, specks, streaks, hollow = (_trait(material, i) for i in range(5))
    side = p[0] * math.sin(math.radians(azimuth)) + p[2] * math.cos(math.radians(azimuth))
    angle = torch.atan2(p[0], p[2])
    wrapped = torch.stack([torch.cos(angle) * 7, p[1] * 0.8, torch.sin(angle) * 7])
    threads = layered(wrapped, 3, seed + 5)
    patches = layered(p * 1.3, 3, seed)
    share = smooth(-0.55, 0.75, side * 0.6 + patches * 0.7 + threads * streaks + blush * 2 - 1)
    colour = _mix(colours[0], colours[1], share)
    if specks:
        distance, number = pits(p * material.scale, seed)
        dots = smooth(0.15, 0.06, distance) * (number > 0.45) * spot.detail(material.scale)
        colour = _mix(colour, colours[2], dots * specks)
    if hollow:
        ring = torch.sqrt(p[0] ** 2 + p[2] ** 2)
        near = smooth(0.38, 0.06, ring + patches * 0.06) * (p[1] > 0)
        colour = _mix(colour, colours[3], near * hollow)
    return colour * (1 + 0.07 * noise(p * 4, seed + 3) + 0.05 * threads)


def _citrus(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Traits: share of the second (unripe) colour."""
    p = spot.points
    patches = layered(p * 1.2, 3, material.seed)
    colour = _mix(colours[0], colours[1], smooth(-0.5, 0.6, patches + 2 * _trait(material, 0) - 1))
    distance, _ = pits(p * material.scale, material.seed)
    pores = smooth(0.34, 0.12, distance) * spot.detail(material.scale)
    return colour * (1 - 0.11 * pores) * (1 + 0.05 * noise(p * 3, material.seed + 1))


def _banana(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Traits: green, spots, reach of the ends along x."""
    p, seed = spot.points, material.seed
    green, spots, reach = (_trait(material, i) for i in range(3))
    ends = smooth(0.45, 1.0, p[0].abs() / max(reach, 0.1) + 0.15 * noise(p * 3, seed))
    colour = _mix(colours[0], colours[1], (ends * 0.7 + 1.4 * green - 0.35).clamp(0, 1))
    stretched = p * torch.tensor([[1.2], [2.6], [2.6]])
    flecks = layered(stretched * 2.6, 3, seed + 4)
    brown = smooth(0.62 - 0.55 * spots, 0.72 - 0.5 * spots, flecks) * min(1.0, spots * 3)
    colour = _mix(colour, colours[2], brown * 0.85)
    return colour * (1 + 0.06 * noise(p * torch.tensor([[2.0], [9.0], [9.0]]), seed + 2))


def _melon_rind(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Traits: number of stripes."""
    p, seed = spot.points, material.seed
    angle = torch.atan2(p[1], p[0]) + 0.12 * layered(p * 4, 3, seed)
    wave = torch.sin(angle * _trait(material, 0)) + 0.55 * layered(p * 6, 3, seed + 1)
    return _mix(colours[0], colours[1], smooth(-0.25, 0.35, wave))


def _melon_flesh(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Traits: radius of the flesh; the third colour is the pale edge."""
    p = spot.points
    radius = p.norm(dim=0) / _trait(material, 0)
    grain = layered(p * 5, 3, material.seed)
    colour = _mix(colours[0], colours[1], smooth(-0.6, 0.8, grain))
    colour = _mix(colour, colours[2], smooth(0.88, 1.0, radius + 0.02 * grain))
    return colour * (1 + 0.08 * noise(p * 14, material.seed) * spot.detail(14))


def _kiwi_flesh(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Colours: outer flesh, inner flesh, rays; traits: radius of the cut face."""
    p = spot.points
    radius = torch.sqrt(p[0] ** 2 + p[2] ** 2) / _trait(material, 0)
    angle = torch.atan2(p[0], p[2])
    rays = torch.cos(angle * 34 + 1.5 * noise(p * 2, material.seed))
    wedge = smooth(0.2, 0.45, radius) * smooth(0.98, 0.7, radius)
    colour = _mix(colours[1], colours[0], smooth(0.3, 0.85, radius))
    colour = _mix(colour, colours[2], smooth(0.0, 0.9, rays) * wedge * 0.55 * spot.detail(9))
    return colour * (1 + 0.06 * noise(p * 8, material.seed + 1))


def _cells(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Kernels or diamonds: colours of two cells and of the gap; traits: share of the second."""
    p, sizes = spot.points, spot.shape.part.primitives[0].sizes
    kind, columns, rows = sizes[5], sizes[7], sizes[8]
    u, v = bump_cells(kind, torch.atan2(p[0], p[2]), p[1], columns, rows)
    column = torch.floor(u) if kind == 2 else torch.remainder(torch.floor(u), columns)
    number = per_cell(column, torch.floor(v), material.seed)
    bump = relief(kind, u, v)
    colour = _mix(colours[0], colours[1], (number < _trait(material, 0)).float())
    colour = colour * (0.9 + 0.2 * per_cell(torch.floor(v), column, material.seed + 1))
    colour = _mix(colours[2], colour, smooth(0.0, 0.45 if kind == 1 else 0.35, bump))
    if kind == 2 and len(colours) > 3:
        colour = _mix(colour, colours[3], smooth(0.72, 0.95, bump) * 0.8)
    low = smooth(-0.2, 1.3, p[1] + 0.5 * noise(p * 1.5, material.seed)) * _trait(material, 1)
    return _mix(colour, colours[-1], low)


def _leaf(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Colours: blade, veins, edge; traits: share of the edge colour at the tip."""
    p, primitive = spot.points, spot.shape.part.primitives[0]
    tone = layered(p * 3, 2, material.seed)
    colour = colours[0] * (1 + 0.16 * tone)
    if primitive.kind == "blades":
        x, y, z = blade_frames(primitive, p)
        item = (y.abs() + 0.5 * z.abs() + (0.2 - x).clamp(min=0)).argmin(0, keepdim=True)
        x, z = x.gather(0, item)[0], z.gather(0, item)[0]
        rib = smooth(0.035, 0.012, z.abs())
        side = torch.cos((x - 1.1 * z.abs()) * material.scale * 2.2)
        veins = smooth(0.9, 0.99, side) * 0.55 * spot.detail(material.scale)
        colour = colour * (0.88 + 0.24 * per_cell(item[0].float(), item[0].float(), material.seed))
        colour = _mix(colour, colours[1], torch.maximum(rib, veins) * 0.8)
        colour = _mix(colour, colours[-1], smooth(0.5, 1.2, x + 0.2 * tone) * _trait(material, 0))
    return colour


def _berries(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Colours: two berries, bloom; traits: strength of the bloom (the waxy bluish film)."""
    number = _item_number(spot, material.seed)
    colour = _mix(colours[0], colours[1], number)
    film = smooth(-0.1, 0.7, layered(spot.points * 4, 3, material.seed))
    return _mix(colour, colours[2], film * _trait(material, 0))


def _seeds(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    return _mix(colours[0], colours[-1], _item_number(spot, material.seed))


def _item_number(spot: Spot, seed: int) -> Tensor:
    if spot.shape.clusters is None:
        return torch.full_like(spot.footprint, 0.5)
    matrices, offsets = spot.shape.clusters
    item = (matrices @ spot.points + offsets).norm(dim=1).argmin(0).float()
    return per_cell(item, item * 3, seed)


def _bark(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    p = spot.points * torch.tensor([[1.0], [0.35], [1.0]]) * material.scale
    return _mix(colours[0], colours[-1], smooth(-0.5, 0.6, layered(p, 2, material.seed)))


def _fuzz(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    p = spot.points
    fine = layered(p * 14, 2, material.seed) * spot.detail(12)
    return _mix(colours[0], colours[1], smooth(-0.6, 0.6, layered(p * 2, 2, material.seed) + fine))


def _plain(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    return colours[0] * (1 + 0.04 * noise(spot.points * 2, material.seed))


def _stone(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    p = spot.points * material.scale
    colour = _mix(colours[0], colours[1], smooth(-0.6, 0.6, layered(p, 3, material.seed)))
    return colour * (1 + 0.2 * noise(p * 6, material.seed) * spot.detail(material.scale * 6))


def _bands(spot: Spot, material: Material, colours: list[Tensor]) -> Tensor:
    """Painted stripes around y (traits: 0) or segments of a beach ball (traits: their number)."""
    p, segments = spot.points, _trait(material, 0)
    wave = torch.sin(p[1] * material.scale)
    if segments:
        wave = torch.sin(torch.atan2(p[0], p[2]) * segments)
    return _mix(colours[0], colours[1], smooth(-0.08, 0.08, wave))


def _rough(spot: Spot, material: Material) -> Tensor:
    return layered(spot.points * material.scale, 2, material.seed + 9)


def _pores(spot: Spot, material: Material) -> Tensor:
    distance, _ = pits(spot.points * material.scale, material.seed)
    return smooth(0.05, 0.45, distance)


_Pattern = Callable[[Spot, Material, list[Tensor]], Tensor]
_PATTERNS: dict[str, _Pattern] = {
    "skin": _skin,
    "citrus": _citrus,
    "banana": _banana,
    "melon_rind": _melon_rind,
    "melon_flesh": _melon_flesh,
    "kiwi_flesh": _kiwi_flesh,
    "cells": _cells,
    "leaf": _leaf,
    "berries": _berries,
    "seeds": _seeds,
    "bark": _bark,
    "fuzz": _fuzz,
    "plain": _plain,
    "stone": _stone,
    "bands": _bands,
}
_RELIEFS: dict[str, Callable[[Spot, Material], Tensor]] = {"citrus": _pores}
