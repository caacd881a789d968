"""Orchard: procedurally drawn fruit scenes in which every pixel's part is known exactly.

What a scene is (no torch needed):
    scene          frozen dataclasses <-> JSON; FRUITS, VARIETIES, CLASSES; part_names(scene)
    fruits         one file per fruit: its named parts and how it lies
    distractors    stones, leaves, cups, balls, blocks, rings
    settings       floors, backdrops and lights
    sampling       sample_scene(fruit, level, seed), sample_pair(...), training_scene(seed)
    table          sample_table(level, seed): several small fruits anywhere
    variety        sample_variety(level, seed): one gourd of nine kinds
    mixture        mixed_scene(seed): training scenes of all kinds
    interventions  removable_units, without, only, with_material, with_floor, with_sticker, ...
    placement      where a sticker lies
    frame          what a camera sees, without drawing
    geometry       rotations, profiles, bounding spheres; the list of primitives
    dataset        load_orchard() -> OrchardSplit, generate(), contact_sheet()

How it is drawn (torch):
    rendering      render(scene, size, supersample) -> Rendering, render_many(...)
    pool           training_pool(...): training scenes drawn once, in resumable chunks
    view, tracing, distances, shading, materials, surroundings, stickers, noise
"""

from xai_core.orchard.dataset import OrchardSplit, load_orchard
from xai_core.orchard.sampling import sample_pair, sample_scene, training_scene
from xai_core.orchard.scene import CLASSES, Scene, Sticker

__all__ = [
    "CLASSES",
    "OrchardSplit",
    "Scene",
    "Sticker",
    "load_orchard",
    "sample_pair",
    "sample_scene",
    "training_scene",
]
