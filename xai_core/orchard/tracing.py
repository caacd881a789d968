"""Sphere tracing: what each ray hits, the normals there, soft shadows and ambient occlusion."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from xai_core.orchard.distances import Shape

_STEPS = 44
_SHADOW_STEPS = 13
_OCCLUSION_REACH = (0.1, 0.3)


def trace(
    shapes: Sequence[Shape], origin: Tensor, rays: Tensor, limit: Tensor, pixel: float
) -> tuple[Tensor, Tensor]:
    """Depth (N,) and owner (N,) of the first hit of (3,N) unit rays from one origin (3,1).

    Owner i+1 is shapes[i], 0 nothing nearer than `limit` (N,). `pixel` is the angle of a pixel.
    """
    depth = limit.clone()
    owner = torch.zeros(rays.shape[1], dtype=torch.int64)
    order = sorted(
        range(len(shapes)),
        key=lambda i: float((shapes[i].centre - origin).norm()) - shapes[i].radius,
    )
    for index in order:
        shape = shapes[index]
        offset = origin - shape.centre
        along = (offset * rays).sum(0)
        inside = along * along - (offset * offset).sum() + shape.radius**2
        entry = -along - inside.clamp(min=0).sqrt()
        chosen = ((inside > 0) & (entry < depth) & (entry + 2 * shape.radius > 0)).nonzero()[:, 0]
        if not len(chosen):
            continue
        start = shape.to_local @ (origin - shape.origin)
        local_rays = shape.to_local @ rays[:, chosen]
        near = entry[chosen].clamp(min=0.02)
        far = torch.minimum(-2 * along[chosen] - entry[chosen], depth[chosen])
        if shape.clusters is not None:
            found, where = _meet_cluster(shape.clusters, start, local_rays, far)
        else:
            found, where = _march(shape, start, local_rays, near, far, pixel)
        hit = chosen[found]
        depth[hit] = where
        owner[hit] = index + 1
    return depth, owner


def _meet_cluster(
    frames: tuple[Tensor, Tensor], start: Tensor, rays: Tensor, far: Tensor
) -> tuple[Tensor, Tensor]:
    """Exact intersection with a union of ellipsoids: indices of hits and their depths."""
    matrices, offsets = frames
    origin = matrices @ start + offsets
    step = matrices @ rays
    a = (step * step).sum(1)
    b = (origin * step).sum(1)
    c = (origin * origin).sum(1) - 1
    root = b * b - a * c
    where = torch.where(root > 0, (-b - root.clamp(min=0).sqrt()) / a, torch.inf).amin(0)
    found = ((where < far) & (where > 0)).nonzero()[:, 0]
    return found, where[found]


def _march(
    shape: Shape, start: Tensor, rays: Tensor, near: Tensor, far: Tensor, pixel: float
) -> tuple[Tensor, Tensor]:
    ids = torch.arange(rays.shape[1])
    t = near
    found_ids, found_t = [], []
    for step in range(_STEPS):
        gap = shape.distance_local(start + rays * t)
        close = gap < 0.12 * pixel * t if step < _STEPS - 1 else gap < 0.8 * pixel * t
        t = t + gap
        if bool(close.any()):
            found_ids.append(ids[close])
            found_t.append(t[close])
        keep = (~close & (t < far)).nonzero()[:, 0]
        if not len(keep):
            break
        if len(keep) < len(ids):
            ids, t, far, rays = ids[keep], t[keep], far[keep], rays[:, keep]
    if not found_ids:
        return torch.zeros(0, dtype=torch.int64), torch.zeros(0)
    return torch.cat(found_ids), torch.cat(found_t)


def local_normals(shape: Shape, points: Tensor) -> Tensor:
    """(3,N) unit normals at (3,N) local points, from four distances around each."""
    if shape.clusters is not None:
        matrices, offsets = shape.clusters
        q = matrices @ points + offsets
        item = q.norm(dim=1).argmin(0)
        nearest = q[item, :, torch.arange(points.shape[1])]
        gradient = (matrices[item].transpose(1, 2) @ nearest[:, :, None])[:, :, 0].T
    else:
        step = 0.006
        corners = torch.tensor(
            [[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, 1.0, 1.0]]
        )
        shifted = points[:, None, :] + step * corners.T[:, :, None]
        values = shape.distance_local(shifted.reshape(3, -1)).reshape(4, -1)
        gradient = corners.T @ values
    return torch.nn.functional.normalize(gradient, dim=0)


def soft_shadow(shapes: Sequence[Shape], points: Tensor, light: Tensor, softness: float) -> Tensor:
    """(N,) share of the key light (direction (3,1)) that reaches (3,N) points."""
    lit = torch.ones(points.shape[1])
    for shape in shapes:
        if not shape.part.casts_shadow:
            continue
        offset = points - shape.centre
        along = (offset * light).sum(0)
        reach = shape.radius * (1 + 0.5 * softness) + 0.1
        inside = along * along - (offset * offset).sum(0) + reach**2
        ahead = -along + inside.clamp(min=0).sqrt()
        chosen = ((inside > 0) & (ahead > 0) & (lit > 0.02)).nonzero()[:, 0]
        if not len(chosen):
            continue
        far = ahead[chosen]
        t = (2 * -along[chosen] - far).clamp(min=0.03)
        start = shape.local(points[:, chosen])
        ray = shape.to_local @ light
        share = torch.ones(len(chosen))
        ids = torch.arange(len(chosen))
        stride = shape.radius * 2.2 / _SHADOW_STEPS
        for _ in range(_SHADOW_STEPS):
            gap = shape.distance_local(start + ray * t)
            share[ids] = torch.minimum(share[ids], gap / (softness * t))
            t = t + gap.clamp(0.03, max(stride, 0.06))
            keep = ((t < far) & (share[ids] > -1)).nonzero()[:, 0]
            if len(keep) < 0.8 * len(ids):
                ids, t, far, start = ids[keep], t[keep], far[keep], start[:, keep]
                if not len(ids):
                    break
        share = share.clamp(-1, 1)
        lit[chosen] *= 0.25 * (1 + share) ** 2 * (2 - share)
    return lit


def openness(shapes: Sequence[Shape], points: Tensor, normals: Tensor) -> Tensor:
    """(N,) ambient occlusion factor: 1 in the open, towards 0 in crevices and at contacts."""
    gaps = torch.tensor(_OCCLUSION_REACH)[:, None].expand(-1, points.shape[1]).clone()
    for shape in shapes:
        if not shape.part.casts_shadow:
            continue
        reach = shape.radius + 2 * _OCCLUSION_REACH[-1]
        near = ((points - shape.centre) ** 2).sum(0) < reach**2
        chosen = near.nonzero()[:, 0]
        if not len(chosen):
            continue
        probes = [points[:, chosen] + normals[:, chosen] * height for height in _OCCLUSION_REACH]
        values = shape.distance_local(shape.local(torch.cat(probes, 1)))
        gaps[:, chosen] = torch.minimum(gaps[:, chosen], values.reshape(len(probes), -1))
    total = torch.ones(points.shape[1])
    for height, gap, weight in zip(_OCCLUSION_REACH, gaps, (0.4, 0.5), strict=True):
        total = total - weight * ((height - gap) / height).clamp(0, 1)
    return total.clamp(0.08, 1)
