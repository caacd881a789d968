"""Units of an image: what can be removed from it, where that is seen, what the model loses."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from xai_core.metrics.base import Case, Scores
from xai_core.models.batch import image_seed
from xai_core.models.classifier import Classifier
from xai_core.orchard.interventions import only, removable_units, without
from xai_core.orchard.redrawing import logits_of_shots, redrawn
from xai_core.orchard.scene import Scene
from xai_core.orchard.shot import Shot

LIGHT = ("highlight", "shadow")
LEAST_SEEN = 5e-4
"""Smallest share of the image that a unit must cover to be scored (25 px at 224 px)."""
LEAST_CHANGE = 12
"""Change of a colour value, of 255, that makes a pixel part of a light effect."""
WIDENED = 2 / 224
"""What the region of a thing is widened by on each side, as a share of the image's side: maps
light up edges, half of which lie outside; FunnyBirds does the same."""
TIE_SEED = 1
LEVELS = 1e5
"""Steps from 0 to the largest attribution: what is closer counts as equal."""


@dataclass(frozen=True, eq=False)
class Units:
    """The units of one image that are seen.

    `regions` (U, H, W) bool; `whole` (K,) logits of the redrawn image; `left` (U, K) logits
    without each unit. Parts and distractors overlap where they are widened; light effects lie on
    them.
    """

    shot: Shot
    names: tuple[str, ...]
    regions: Tensor
    whole: Tensor
    left: Tensor

    def importance(self, target: int) -> Tensor:
        """(U,) z_c(x) - z_c(x without u): what the class score loses with each unit."""
        return (self.whole[target] - self.left[:, target]).double()

    @property
    def areas(self) -> Tensor:
        """(U,) pixels of each region."""
        return self.regions.flatten(1).sum(dim=1).double()

    def sums(self, values: Tensor) -> Tensor:
        """(U,) sums of a map (H, W) over the regions."""
        return self.regions.flatten(1).double() @ values.flatten().cpu().double()

    def attribution(self, values: Tensor, per_pixel: bool) -> Tensor:
        """(U,) what a map (H, W) gives each unit, sum or mean; rounding errors are levelled."""
        found = self.sums(values)
        if per_pixel:
            found = found / self.areas
        largest = found.abs().amax() if len(found) else torch.ones(())
        return (found / largest * LEVELS).round() if largest > 0 else found

    def things(self) -> Units:
        """Only what has a surface of its own: parts, distractors, the sticker."""
        keep = [index for index, name in enumerate(self.names) if name not in LIGHT]
        names = tuple(self.names[index] for index in keep)
        return Units(self.shot, names, self.regions[keep], self.whole, self.left[keep])


def units_of(case: Case) -> list[Units]:
    """The units of every image of the case, at the maps' resolution."""
    side = case.maps.shape[-1]
    return [units_in(case.batch.classifier, shot, side) for shot in shots_of(case)]


def shots_of(case: Case) -> tuple[Shot, ...]:
    """How each image was drawn; raises ValueError where that is not known."""
    if case.shots is None:
        raise ValueError("this benchmark needs scenes that can be drawn again: use Orchard's")
    return case.shots


@functools.lru_cache(maxsize=128)
def units_in(classifier: Classifier, shot: Shot, side: int) -> Units:
    """The units of one image at (side, side) pixels."""
    names, regions = [], []
    for name in removable_units(shot.scene):
        region = resized(region_of(shot, name), side)
        if region.mean() >= LEAST_SEEN:
            names.append(name)
            regions.append(region if name in LIGHT else widened(region))
    edited = [shot.of(without(shot.scene, name)) for name in names]
    logits = logits_of_shots(classifier, [shot, *edited])
    stacked = np.stack(regions) if regions else np.zeros((0, side, side), bool)
    return Units(shot, tuple(names), torch.from_numpy(stacked), logits[0], logits[1:])


def shots_for_units(shot: Shot) -> list[Shot]:
    """The images that `units_of` asks for, to be drawn ahead."""
    return [shot, *(shot.of(without(shot.scene, name)) for name in removable_units(shot.scene))]


def shots_alone(shot: Shot) -> list[Shot]:
    """The scene with nothing in it, and with each of its things alone, in the order of units."""
    things = [name for name in removable_units(shot.scene) if name not in LIGHT]
    return [shot.of(only(shot.scene, ())), *(shot.of(only(shot.scene, [t])) for t in things)]


def importance_both_ways(classifier: Classifier, things: Units, target: int) -> Tensor:
    """(U,) mean of what the class score loses without a thing, and of what the empty scene gains
    with it: parts that stand in for each other then count, too."""
    scenes = [only(things.shot.scene, ()), *(only(things.shot.scene, [n]) for n in things.names)]
    scores = logits_of_shots(classifier, [things.shot.of(scene) for scene in scenes])[:, target]
    gained = (scores[1:] - scores[0]).double()
    return (things.importance(target) + gained) / 2


def region_of(shot: Shot, unit: str) -> NDArray[np.bool_]:
    """(S, S) where a unit is seen; of a light effect, the pixels that change without it."""
    if unit not in LIGHT:
        return redrawn(shot).mask(unit)
    before = redrawn(shot).image.astype(np.int16)
    after = redrawn(shot.of(without(shot.scene, unit))).image.astype(np.int16)
    changed: NDArray[np.bool_] = np.abs(before - after).max(axis=2) >= LEAST_CHANGE
    return changed


def resized(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """A mask (S, S) at (side, side), by nearest pixel."""
    if mask.shape[0] == side:
        return mask
    picture = Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST)
    return np.asarray(picture, dtype=np.bool_)


def widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask (S, S) with all pixels that lie up to WIDENED beside it, diagonals included."""
    reach = round(WIDENED * mask.shape[0])
    pixels = torch.tensor(mask).float()[None]
    wide = functional.max_pool2d(pixels, 2 * reach + 1, stride=1, padding=reach)
    return wide[0].bool().numpy()


def spread(values: Tensor, regions: Tensor) -> Tensor:
    """The smallest map (H, W) whose sums over `regions` (U, H, W) are `values` (U,)."""
    flat = regions.flatten(1).double()
    map_: Tensor = flat.T @ (torch.linalg.pinv(flat @ flat.T) @ values.double())
    return map_.view(regions.shape[1:]).float()


def importance_maps(case: Case, per_pixel: bool = False) -> Tensor:
    """Maps (N, H, W) whose sum (or mean) over each unit is the unit's importance."""
    maps = []
    for units, target in zip(units_of(case), case.targets.tolist(), strict=True):
        importance = units.importance(target)
        maps.append(spread(importance * units.areas if per_pixel else importance, units.regions))
    return torch.stack(maps).to(case.maps)


def most_first(sums: Tensor, sha256: str) -> list[int]:
    """Positions by decreasing value; ties in an order that depends on the image alone."""
    seed = image_seed(TIE_SEED, sha256)
    shuffle = torch.randperm(len(sums), generator=torch.Generator().manual_seed(seed))
    return [int(i) for i in shuffle[sums[shuffle].argsort(descending=True, stable=True)]]


def probability(classifier: Classifier, shot: Shot, scenes: Sequence[Scene], target: int) -> Tensor:
    """(M,) softmax probability of the target on each scene, drawn like `shot`."""
    logits = logits_of_shots(classifier, [shot.of(scene) for scene in scenes])
    return logits.double().softmax(dim=1)[:, target]


def scored(values: Sequence[float | str], case: Case) -> Scores:
    """Scores from one value per image, or the reason why it has none."""
    numbers = [float("nan") if isinstance(value, str) else value for value in values]
    reasons = tuple(value if isinstance(value, str) else "" for value in values)
    return Scores(torch.tensor(numbers, device=case.maps.device), reasons)
