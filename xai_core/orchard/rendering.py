"""Draw a scene: RGB pixels and, for every pixel, which part is seen there."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xai_core.orchard.distances import compile_shape
from xai_core.orchard.materials import Spot, surface_colour
from xai_core.orchard.scene import Scene, part_names
from xai_core.orchard.shading import arriving_light, bumpy_normals, facing, mirrored_light
from xai_core.orchard.stickers import sticker_colour
from xai_core.orchard.tracing import trace
from xai_core.orchard.view import View

BLANK_COLOUR = (124, 116, 104)
GRID = 4
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Rendering:
    """`image` (S,S,3) and `part_ids` (S,S), both uint8; `names[i]` is the part with id i."""

    image: Image
    part_ids: Image
    names: tuple[str, ...]

    def mask(self, prefix: str) -> NDArray[np.bool_]:
        """(S,S) where a part ("apple.body"), a whole fruit ("apple") or a distractor is seen."""
        wanted = [name == prefix or name.startswith(f"{prefix}.") for name in self.names]
        return np.asarray(wanted)[self.part_ids]


def render(scene: Scene, size: int = 224, supersample: int = 1) -> Rendering:
    """Draw a scene at size x size pixels; the same scene gives the same pixels on one machine.

    With supersample 2, four rays a pixel are averaged and the part id is that of one of them.
    Raises ValueError for a supersample other than 1 or 2.
    """
    if supersample not in (1, 2):
        raise ValueError(f"render.supersample must be 1 or 2, got {supersample}")
    fine = size * supersample
    with torch.no_grad():
        colours, ids, edges = _draw(scene, fine)
        grid = colours.reshape(1, 3, fine, fine)
        if supersample > 1:
            grid = torch.nn.functional.avg_pool2d(grid, supersample)
        else:
            grid = _soft_edges(grid, edges.reshape(fine, fine))
        pixels = (grid[0].clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(1, 2, 0)
    image: Image = np.ascontiguousarray(pixels.numpy())
    part_ids = ids.reshape(fine, fine).to(torch.uint8).numpy()[::supersample, ::supersample].copy()
    for cell in scene.blanked:
        rows, columns = _cell(cell, size)
        image[rows, columns] = BLANK_COLOUR
        part_ids[rows, columns] = 0
    return Rendering(image, part_ids, part_names(scene))


def render_many(
    scenes: Sequence[Scene],
    size: int,
    workers: int = 2,
    supersample: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Rendering]:
    """Draw scenes in order with `workers` spawned processes of one thread each.

    `progress` is called with the number drawn so far.
    """
    jobs = [(scene, size, supersample) for scene in scenes]
    if workers <= 1:
        for count, job in enumerate(jobs, 1):
            yield render_job(job)
            if progress is not None:
                progress(count)
        return
    with multiprocessing.get_context("spawn").Pool(workers, initializer=use_one_thread) as pool:
        for count, drawn in enumerate(pool.imap(render_job, jobs, chunksize=4), 1):
            yield drawn
            if progress is not None:
                progress(count)


def use_one_thread() -> None:
    """Initialiser of worker processes: torch must not start threads of its own there."""
    torch.set_num_threads(1)


def render_job(job: tuple[Scene, int, int]) -> Rendering:
    """`render` with its arguments in one tuple, for pools of processes."""
    scene, size, supersample = job
    return render(scene, size, supersample)


def _cell(cell: int, size: int) -> tuple[slice, slice]:
    if not 0 <= cell < GRID * GRID:
        raise ValueError(f"Scene.blanked must hold cells 0..15, got {cell}")
    row, column = divmod(cell, GRID)
    edges = [round(i * size / GRID) for i in range(GRID + 1)]
    return slice(edges[row], edges[row + 1]), slice(edges[column], edges[column + 1])


def _soft_edges(grid: Tensor, ids: Tensor) -> Tensor:
    """Blend neighbours where parts meet: one ray a pixel without jagged outlines."""
    edge = torch.zeros_like(ids, dtype=torch.bool)
    across, down = ids[:, 1:] != ids[:, :-1], ids[1:] != ids[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    kernel = torch.tensor([0.22, 0.56, 0.22])
    weights = (kernel[:, None] * kernel).expand(3, 1, 3, 3)
    padded = torch.nn.functional.pad(grid, (1, 1, 1, 1), mode="replicate")
    return torch.where(edge, torch.nn.functional.conv2d(padded, weights, groups=3), grid)


def _draw(scene: Scene, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """sRGB colours (3,N), part ids (N,) and surfaces (N,) of size*size rays, row by row."""
    things = (*scene.fruits, *scene.distractors)
    shapes = [compile_shape(part, thing) for thing in things for part in thing.parts]
    names = part_names(scene)
    # all pieces of a distractor share one id, and ids count in the order of the names
    id_of_owner = [0]
    id_of_owner += [
        names.index(f"{fruit.name}.{part.name}") for fruit in scene.fruits for part in fruit.parts
    ]
    id_of_owner += [names.index(thing.name) for thing in scene.distractors for _ in thing.parts]
    view = View(scene, size)
    depth, owner = trace(shapes, view.origin, view.rays, view.limit, view.pixel)
    points = view.origin + view.rays * depth
    footprint = depth * view.pixel
    normals, albedo = view.flat_normals(), view.flat_albedo()
    gloss, shininess = torch.zeros_like(depth), torch.full_like(depth, 20.0)
    for index, shape in enumerate(shapes):
        mine = (owner == index + 1).nonzero()[:, 0]
        if len(mine):
            spot = Spot(shape.local(points[:, mine]), footprint[mine] / shape.scale, shape)
            normals[:, mine] = facing(bumpy_normals(spot), view.rays[:, mine])
            albedo[:, mine] = surface_colour(spot)
            gloss[mine] = shape.part.material.gloss
            shininess[mine] = shape.part.material.shininess
    ids = torch.tensor(id_of_owner)[owner]
    if scene.sticker is not None:
        disc, u, v = view.sticker_disc(points, ids)
        albedo[:, disc] = sticker_colour(scene.sticker.pattern, u, v)
        gloss[disc] = 0.12
        ids[disc] = names.index("sticker")
    lit = arriving_light(scene, view, shapes, points, normals, owner > 0)
    linear = albedo.clamp(0, 1) ** 2.2 * lit
    if scene.highlight:
        linear = linear + mirrored_light(scene, view, normals, gloss, shininess)
    linear = linear * scene.lighting.exposure
    mapped = linear * (1 + 0.12 * linear) / (1 + 0.45 * linear) * 1.22
    surfaces = 2 * ids + ((ids == 0) & view.is_floor)
    return mapped.clamp(1e-5, 1) ** (1 / 2.2), ids, surfaces
