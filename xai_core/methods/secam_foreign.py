"""SeCAM with another image's superpixels: CAM averaged over superpixels of something else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from xai_core import DATA
from xai_core.images.reading import InputFormat, framed, open_image
from xai_core.images.regions import region_means
from xai_core.images.superpixels import Labels, Slic, slic_labels
from xai_core.methods._cam import HeadMethod, feature_cam
from xai_core.methods.base import Diagnostics, enlarged
from xai_core.models.batch import Batch, image_seed
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting

SCENES = DATA / "orchard" / "images"


@dataclass(frozen=True)
class SeCAMForeign(HeadMethod):
    """The mean of the upsampled CAM over the superpixels of an unrelated image.

    The image is an Orchard scene, drawn by the seed for each image and never the image itself.
    A control of SeCAM: superpixels of the same kind whose outlines belong elsewhere.
    """

    title = "SeCAM with another image's superpixels"
    reference = "control of SeCAM in this project; SeCAM: arXiv 2307.04137"
    family = "CAM"
    formula = (
        r"S_c(s') = \frac{1}{|s'|} \sum_{(x,y) \in s'} M_c(x,y),"
        r"\quad s' \text{ a superpixel of another image}"
    )
    caveat = (
        "A control, not an explanation of its own: SeCAM's outlines have gained something only "
        "where SeCAM beats the outlines of an image that has nothing to do with it."
    )
    signed = True

    segments: int = setting(50, "number of superpixels", low=10, high=400)
    compactness: float = setting(
        10.0, "squareness of the superpixels; low values follow colours", low=0.1, high=100.0
    )
    seed: int = setting(0, "seed of the choice of the other image", low=0)

    def unfit(self, classifier: Classifier) -> str | None:
        if len(_scenes()) < 2:
            return f"another image's superpixels need the Orchard images, absent in {SCENES}"
        return super().unfit(classifier)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        slic, form = Slic(self.segments, self.compactness), batch.classifier.form
        labels = [
            _labels(_other_scene(image_seed(self.seed, sha256), sha256), form, slic)
            for sha256 in batch.sha256s
        ]
        segments = torch.from_numpy(np.stack(labels)).to(batch.images.device)
        cams = enlarged(feature_cam(batch, targets), *batch.images.shape[-2:])
        return region_means(cams, segments)


@lru_cache(maxsize=1)
def _scenes() -> tuple[Path, ...]:
    return tuple(sorted(path for path in SCENES.glob("*.*") if path.suffix in (".jpg", ".png")))


def _other_scene(draw: int, sha256: str) -> Path:
    """The scene at place `draw` of the list, or the next one where that is the image itself."""
    scenes = _scenes()
    chosen = scenes[draw % len(scenes)]
    if hashlib.sha256(chosen.read_bytes()).hexdigest() == sha256:
        chosen = scenes[(draw + 1) % len(scenes)]
    return chosen


@lru_cache(maxsize=512)
def _labels(path: Path, form: InputFormat, slic: Slic) -> Labels:
    return slic_labels(framed(open_image(path).rgb, form), slic)
