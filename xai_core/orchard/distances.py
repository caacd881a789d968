"""Signed distance functions in torch: one compiled `Shape` per part of a scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xai_core.orchard.geometry import Array, bounding_sphere, profile_at, rotation
from xai_core.orchard.scene import Part, Primitive, Thing

Distance = Callable[[Tensor], Tensor]
_TABLE = 256


@dataclass(frozen=True)
class Shape:
    """A part ready for tracing, in world coordinates: all of its functions take (3,N) points."""

    part: Part
    centre: Tensor
    radius: float
    scale: float
    to_local: Tensor
    origin: Tensor
    distance_local: Distance
    clusters: tuple[Tensor, Tensor] | None

    def distance(self, points: Tensor) -> Tensor:
        """(N,) signed distances, never larger than the true ones by much."""
        return self.distance_local(self.local(points))

    def local(self, points: Tensor) -> Tensor:
        """(3,N) world points in the coordinates of the part's thing."""
        return self.to_local @ (points - self.origin)


def compile_shape(part: Part, thing: Thing) -> Shape:
    """Prepare tables and matrices of a part once, before thousands of evaluations."""
    turn = rotation(thing.turn)
    centre, radius = bounding_sphere(part)
    world_centre = turn @ centre * thing.scale + np.asarray(thing.position)
    steps = [(primitive, _compiled(primitive)) for primitive in part.primitives]

    def distance(points: Tensor) -> Tensor:
        total = steps[0][1](points)
        for primitive, function in steps[1:]:
            other = function(points)
            if primitive.op == "cut":
                total = torch.maximum(total, other)
            elif primitive.op == "carve":
                total = torch.maximum(total, -other)
            elif part.blend > 0:
                mix = (0.5 + 0.5 * (other - total) / part.blend).clamp(0, 1)
                total = other + mix * (total - other) - part.blend * mix * (1 - mix)
            else:
                total = torch.minimum(total, other)
        return total * thing.scale

    only = part.primitives[0]
    is_cluster = len(part.primitives) == 1 and only.kind == "ellipsoids"
    return Shape(
        part=part,
        centre=_column(world_centre),
        radius=radius * thing.scale,
        scale=thing.scale,
        to_local=_tensor(turn.T / thing.scale),
        origin=_column(np.asarray(thing.position)),
        distance_local=distance,
        clusters=cluster_frames(only) if is_cluster else None,
    )


def cluster_frames(primitive: Primitive) -> tuple[Tensor, Tensor]:
    """(S,3,3) matrices and (S,3,1) offsets that map each ellipsoid to the unit sphere."""
    matrices, offsets = [], []
    for item in primitive.items:
        matrix = rotation((item[6], item[7], item[8])).T / np.asarray(item[3:6])[:, None]
        matrices.append(matrix)
        offsets.append(-matrix @ np.asarray(item[:3]))
    return _tensor(np.stack(matrices)), _tensor(np.stack(offsets))[:, :, None]


def blade_frames(primitive: Primitive, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(S,N) coordinates along, normal to and across each of S blades, of (3,N) points."""
    matrix = np.stack([rotation((i[3], i[4], i[5])).T for i in primitive.items])
    base = np.asarray([item[:3] for item in primitive.items])[:, :, None]
    offset = _tensor(-(matrix @ base))
    x, y, z = (_tensor(matrix) @ points + offset).unbind(1)
    return x, y, z


def _compiled(primitive: Primitive) -> Distance:
    matrix = _tensor(rotation(primitive.turn).T)
    centre = _column(np.asarray(primitive.centre))
    local = _KINDS[primitive.kind](primitive)
    if primitive.turn == (0.0, 0.0, 0.0):
        return (lambda p: local(p - centre)) if any(primitive.centre) else local
    return lambda p: local(matrix @ (p - centre))


def _ellipsoid(primitive: Primitive) -> Distance:
    radii = _column(np.asarray(primitive.sizes))

    def distance(p: Tensor) -> Tensor:
        q = p / radii
        near = _length(q)
        return near * (near - 1) / (_length(q / radii) + 1e-6)

    return distance


def _ellipsoids(primitive: Primitive) -> Distance:
    matrices, offsets = cluster_frames(primitive)
    radii = _tensor(np.asarray([item[3:6] for item in primitive.items]))[:, :, None]
    if float((radii.amax(1) / radii.amin(1)).max()) < 1.3:
        middle = _tensor(np.asarray([item[:3] for item in primitive.items]))
        size = radii.mean(1)

        def nearly_round(p: Tensor) -> Tensor:
            apart: Tensor = torch.cdist(middle, p.T) - size
            return apart.amin(0)

        return nearly_round

    def distance(p: Tensor) -> Tensor:
        q = matrices @ p + offsets
        near = _length(q, 1)
        return (near * (near - 1) / (_length(q / radii, 1) + 1e-6)).amin(0)

    return distance


def _radial(primitive: Primitive) -> Distance:
    sizes = primitive.sizes
    stretch = _column(np.asarray(sizes[:3]))
    polar = np.linspace(0, 1, _TABLE)
    radius = profile_at(primitive.profile, polar)
    slope = np.abs(np.gradient(radius, polar * math.pi)) / radius
    table = _tensor(np.append(radius, radius[-1]))
    lobes, lobe_height, bump_kind, bump, columns, rows = sizes[3:9]
    steep = float(np.quantile(slope, 0.97)) + lobes * lobe_height * 0.7
    steep += bump * max(columns, 3 * rows) * (0.35 if bump_kind else 0.0)
    shrink = min(sizes[:3]) / math.sqrt(1 + steep**2)

    def distance(p: Tensor) -> Tensor:
        q = p / stretch
        rho = _length(q) + 1e-6
        cosine = (q[1] / rho).clamp(-0.99999, 0.99999)
        place = torch.acos(cosine) * ((_TABLE - 1) / math.pi)
        index = place.to(torch.int64)
        low = table[index]
        surface = low + (place - index) * (table[index + 1] - low)
        if lobe_height or bump:
            azimuth = torch.atan2(q[0], q[2])
            side = 1 - cosine * cosine
            if lobe_height:
                surface = surface * (1 + lobe_height * side * torch.cos(lobes * azimuth))
            if bump:
                u, v = bump_cells(bump_kind, azimuth, p[1], columns, rows)
                surface = surface + bump * relief(bump_kind, u, v) * side.sqrt()
        return (rho - surface) * shrink

    return distance


def bump_cells(
    kind: float, azimuth: Tensor, height: Tensor, columns: float, rows: float
) -> tuple[Tensor, Tensor]:
    """(N,) cell coordinates of kernels (kind 1, brick pattern) or diamonds (kind 2)."""
    around = azimuth * (columns / (2 * math.pi))
    if kind == 1:
        parity = torch.remainder(torch.floor(around), 2)
        return around, height * rows + 0.5 * parity
    return around + height * rows, around - height * rows


def relief(kind: float, u: Tensor, v: Tensor) -> Tensor:
    """(N,) height 0..1 of the bump in its cell."""
    a = 2 * (u - torch.floor(u)) - 1
    b = 2 * (v - torch.floor(v)) - 1
    dome = (1 - a * a) * (1 - b * b)
    return dome.clamp(min=1e-6).sqrt() if kind == 1 else dome


def _arc(primitive: Primitive) -> Distance:
    ring, half = primitive.sizes[0], math.radians(primitive.sizes[1])
    ridge = primitive.sizes[2]
    table = _tensor(profile_at(primitive.profile, np.linspace(0, 1, _TABLE)))

    def distance(p: Tensor) -> Tensor:
        angle = torch.atan2(p[0], -p[1]).clamp(-half, half)
        along = (angle + half) * ((_TABLE - 1) / (2 * half))
        radius = table[along.to(torch.int64)]
        dx, dy = p[0] - ring * torch.sin(angle), p[1] + ring * torch.cos(angle)
        out = torch.sqrt(p[0] ** 2 + p[1] ** 2) - ring
        section = torch.atan2(p[2], out)
        radius = radius * (1 + ridge * torch.cos(5 * section))
        return (torch.sqrt(dx * dx + dy * dy + p[2] ** 2) - radius) * 0.85

    return distance


def _tube(primitive: Primitive) -> Distance:
    points = _tensor(np.asarray(primitive.items))
    start, step = points[:-1, :3, None], (points[1:, :3] - points[:-1, :3])[:, :, None]
    thick, taper = points[:-1, 3:], points[1:, 3:] - points[:-1, 3:]
    length = (step * step).sum(1) + 1e-9

    def distance(p: Tensor) -> Tensor:
        rest = p - start
        along = ((rest * step).sum(1) / length).clamp(0, 1)
        return (_length(rest - along[:, None] * step, 1) - thick - along * taper).amin(0)

    return distance


def _blades(primitive: Primitive) -> Distance:
    base, tip, thickness, lobes = primitive.sizes
    columns = _tensor(np.asarray([item[6:11] for item in primitive.items]))
    length, width, bend, fold, curl = (column[:, None] for column in columns.unbind(1))
    peak = base / (base + tip)
    norm = 1 / (peak**base * (1 - peak) ** tip)
    steep = float((2 * bend.abs() + fold.abs() + curl.abs() * width).max())
    shrink = 0.9 / math.sqrt(1 + min(steep, 2.0) ** 2)

    def distance(p: Tensor) -> Tensor:
        x, y, z = blade_frames(primitive, p)
        u = (x / length).clamp(0.001, 0.999)
        side = z.abs()
        outline = width * norm * u**base * (1 - u) ** tip
        if lobes:
            outline = outline * (1 - lobes + 2 * lobes * torch.cos(15 * u).abs())
        middle = length * u
        centre = -bend * middle * u + fold * side + curl * z * z
        over_x, over_z = x - middle, (side - outline).clamp(min=0)
        over_y = ((y - centre).abs() - thickness).clamp(min=0) * shrink
        return (torch.sqrt(over_x**2 + over_y**2 + over_z**2) - 0.3 * thickness).amin(0)

    return distance


def _cylinder(primitive: Primitive) -> Distance:
    radius, half, rounding = primitive.sizes

    def distance(p: Tensor) -> Tensor:
        ring = torch.sqrt(p[0] ** 2 + p[2] ** 2) - radius + rounding
        cap = p[1].abs() - half + rounding
        outside = torch.sqrt(ring.clamp(min=0) ** 2 + cap.clamp(min=0) ** 2)
        return outside + torch.maximum(ring, cap).clamp(max=0) - rounding

    return distance


def _box(primitive: Primitive) -> Distance:
    half, rounding = _column(np.asarray(primitive.sizes[:3])), primitive.sizes[3]

    def distance(p: Tensor) -> Tensor:
        over = p.abs() - half + rounding
        return _length(over.clamp(min=0)) + over.amax(0).clamp(max=0) - rounding

    return distance


def _torus(primitive: Primitive) -> Distance:
    ring, tube = primitive.sizes

    def distance(p: Tensor) -> Tensor:
        out = torch.sqrt(p[0] ** 2 + p[2] ** 2) - ring
        return torch.sqrt(out * out + p[1] ** 2) - tube

    return distance


def _halfspace(primitive: Primitive) -> Distance:
    normal, offset = _tensor(np.asarray(primitive.sizes[:3])), primitive.sizes[3]
    return lambda p: normal @ p - offset


_KINDS: dict[str, Callable[[Primitive], Distance]] = {
    "ellipsoid": _ellipsoid,
    "ellipsoids": _ellipsoids,
    "radial": _radial,
    "arc": _arc,
    "tube": _tube,
    "blades": _blades,
    "cylinder": _cylinder,
    "box": _box,
    "torus": _torus,
    "halfspace": _halfspace,
}


def _length(vectors: Tensor, dim: int = 0) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=dim)
    return lengths


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _column(values: Array) -> Tensor:
    return _tensor(values)[:, None]
