"""Light on surfaces: relief, diffuse light with shadow and occlusion, specular highlights."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from xai_core.orchard.distances import Shape
from xai_core.orchard.materials import Spot, relief_height
from xai_core.orchard.scene import Scene
from xai_core.orchard.tracing import local_normals, openness, soft_shadow
from xai_core.orchard.view import View


def facing(normals: Tensor, rays: Tensor) -> Tensor:
    """Turn the few normals that a strong relief bends away from the viewer back to the rim."""
    behind = (normals * rays).sum(0).clamp(min=0)
    return torch.nn.functional.normalize(normals - 1.02 * behind * rays, dim=0)


def bumpy_normals(spot: Spot) -> Tensor:
    """(3,N) world normals: of the shape, bent by the material's relief."""
    shape = spot.shape
    normals = local_normals(shape, spot.points)
    if shape.part.material.bump:
        step = 0.012
        count = spot.points.shape[1]
        offsets = torch.cat([torch.zeros(3, 1), torch.eye(3) * step], 1)
        around = (spot.points[:, None, :] + offsets[:, :, None]).reshape(3, -1)
        height = relief_height(replace(spot, points=around, footprint=spot.footprint.repeat(4)))
        if height is not None:
            levels = height.reshape(4, count)
            slope = (levels[1:] - levels[:1]) / step
            bent = normals - (slope - normals * (normals * slope).sum(0))
            normals = torch.nn.functional.normalize(bent, dim=0)
    return shape.to_local.T @ normals * shape.scale


def arriving_light(
    scene: Scene,
    view: View,
    shapes: list[Shape],
    points: Tensor,
    normals: Tensor,
    is_thing: Tensor,
) -> Tensor:
    """(3,N) light that arrives: key with shadow, fill, sky and ground with occlusion."""
    lighting = scene.lighting
    key, fill = _unit(lighting.key_direction), _unit(lighting.fill_direction)
    cosine = (normals * key).sum(0)
    # a little wrap round the terminator: fruit flesh scatters light
    direct = torch.where(is_thing, (cosine + 0.12) / 1.12, cosine).clamp(min=0)
    open_sky = torch.ones_like(cosine)
    reached = torch.ones_like(cosine)
    solid = is_thing | (view.is_floor if scene.shadow else torch.zeros_like(is_thing))
    chosen = solid.nonzero()[:, 0]
    open_sky[chosen] = openness(shapes, points[:, chosen], normals[:, chosen])
    if scene.shadow:
        lit = (solid & (direct > 0)).nonzero()[:, 0]
        start = points[:, lit] + 0.03 * normals[:, lit]
        reached[lit] = soft_shadow(shapes, start, key, lighting.softness)
    half = 0.5 + 0.5 * normals[1]
    ambient = _column(lighting.ground_colour) * (1 - half) + _column(lighting.sky_colour) * half
    light = _column(lighting.key_colour) * (direct * reached)
    light = light + _column(lighting.fill_colour) * (normals * fill).sum(0).clamp(min=0)
    # the wall hangs in even light of its own, a little darker towards its sides
    wall = (~view.is_floor & ~is_thing).float()
    even = 0.75 * _column(lighting.key_colour) + _column(lighting.sky_colour) * 0.6
    return (light + ambient * open_sky) * (1 - wall) + even * wall


def mirrored_light(
    scene: Scene,
    view: View,
    normals: Tensor,
    gloss: Tensor,
    shininess: Tensor,
) -> Tensor:
    """(3,N) mirrored light: the key light (round or a window) and a faint rim of sky."""
    lighting = scene.lighting
    shiny = (gloss > 0).nonzero()[:, 0]
    total = torch.zeros_like(normals)
    if not len(shiny):
        return total
    n, ray, sharp = normals[:, shiny], view.rays[:, shiny], shininess[shiny]
    mirrored = ray - 2 * (n * ray).sum(0) * n
    key = _unit(lighting.key_direction)
    cosine = (mirrored * key).sum(0)
    if lighting.window:
        side = torch.nn.functional.normalize(
            torch.linalg.cross(key, torch.tensor([[0.0], [1.0], [0.01]]), dim=0), dim=0
        )
        over = torch.linalg.cross(side, key, dim=0)
        u, v = (mirrored * side).sum(0).abs(), (mirrored * over).sum(0).abs()
        blur = (6 / sharp).clamp(0.04, 0.4)
        edge = torch.maximum(u, v * 0.8)
        frame = ((u.minimum(v) - 0.012) / 0.03).clamp(0.25, 1)
        spot = ((0.24 + blur - edge) / (2 * blur)).clamp(0, 1) * frame * (cosine > 0)
    else:
        spot = cosine.clamp(min=0) ** sharp + 0.25 * cosine.clamp(min=0) ** (sharp / 4)
    fill = (mirrored * _unit(lighting.fill_direction)).sum(0).clamp(min=0) ** sharp
    rim = (1 + (n * ray).sum(0)).clamp(0, 1) ** 4 * (0.5 + 0.5 * mirrored[1])
    mirror = _column(lighting.key_colour) * (spot * 1.1)
    mirror = mirror + _column(lighting.fill_colour) * (fill * 0.6)
    mirror = mirror + _column(lighting.sky_colour) * (rim * 0.7)
    total[:, shiny] = mirror * gloss[shiny]
    return total


def _unit(direction: tuple[float, float, float]) -> Tensor:
    return torch.nn.functional.normalize(torch.tensor(direction), dim=0)[:, None]


def _column(colour: tuple[float, float, float]) -> Tensor:
    return torch.tensor(colour)[:, None]
