"""Batch: prepared images of one classifier, and what is computed once for all who need it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from xai_core.images.reading import Framing, Photo
from xai_core.images.superpixels import Slic, slic_labels
from xai_core.models.classifier import Classifier

if TYPE_CHECKING:
    from xai_core.models.imputers import Imputer

Precision = Literal["fp32", "bf16"]


class Batch:
    """N images (N, C, H, W), normalised, with their sha256; everything else is lazy and kept."""

    def __init__(self, classifier: Classifier, images: Tensor, sha256s: Sequence[str]) -> None:
        channels = classifier.form.shape[0]
        if images.ndim != 4 or images.shape[1] != channels or len(images) != len(sha256s):
            raise ValueError(
                f"images must be (N, {channels}, H, W) with one sha256 each, "
                f"got {tuple(images.shape)} and {len(sha256s)}"
            )
        classifier.notice_changes()
        self.classifier = classifier
        self.images = images.to(classifier.device).contiguous(memory_format=torch.channels_last)
        self.sha256s = tuple(sha256s)
        self._stages: dict[str, Tensor] = {}
        self._segments: dict[Slic, Tensor] = {}
        self._kept: dict[Hashable, Tensor] = {}
        self.forward_size = 32
        """Perturbed images in one forward pass: bounds the memory of metrics."""
        self.precision: Precision = "fp32"
        """Of the forward passes on perturbed images; everything else is computed in fp32."""

    @classmethod
    def of(
        cls, classifier: Classifier, photos: Sequence[Photo], framing: Framing = "whole"
    ) -> Batch:
        """The batch of some photos, framed for the classifier."""
        images = torch.stack([classifier.prepare(photo.rgb, framing) for photo in photos])
        return cls(classifier, images, [photo.sha256 for photo in photos])

    def __len__(self) -> int:
        return len(self.images)

    def part(self, index: int) -> Batch:
        """A batch of the one image at `index`, sharing nothing but its pixels."""
        chosen = slice(index, index + 1)
        return Batch(self.classifier, self.images[chosen], self.sha256s[chosen])

    @cached_property
    def _last_stage_and_logits(self) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            return self.classifier.stage_and_logits(self.images)

    @cached_property
    def logits(self) -> Tensor:
        """(N, K), from the forward pass that all methods share."""
        if not self.classifier.stages:
            with torch.no_grad():
                return self.classifier.logits(self.images)
        return self._last_stage_and_logits[1]

    @property
    def activations(self) -> Tensor:
        """(N, C, h, w) of the last stage, from the same forward pass."""
        return self._last_stage_and_logits[0]

    def stage_activations(self, stage: str = "") -> Tensor:
        """(N, C, h, w) of any stage; a forward pass for each stage other than the last."""
        if stage in ("", self.classifier.stage):
            return self.activations
        if stage not in self._stages:
            with torch.no_grad():
                self._stages[stage] = self.classifier.stage_and_logits(self.images, stage)[0]
        return self._stages[stage]

    @cached_property
    def probabilities(self) -> Tensor:
        """(N, K) of the logits, as the model means them: softmax, or sigmoid of each."""
        return self.classifier.probabilities(self.logits)

    @cached_property
    def predicted(self) -> Tensor:
        """(N,) the most probable class of each image."""
        return self.logits.argmax(dim=1)

    def top(self, count: int) -> Tensor:
        """(N, count) the most probable classes, most probable first."""
        return self.logits.topk(min(count, self.logits.shape[1]), dim=1).indices

    @cached_property
    def rgb(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """(N, H, W, 3) uint8: the images as shown to the model, before normalisation."""
        form = self.classifier.form
        mean = torch.tensor(form.mean, device=self.images.device)[:, None, None]
        std = torch.tensor(form.std, device=self.images.device)[:, None, None]
        values = ((self.images * std + mean) * 255.0).round().clamp(0, 255).to(torch.uint8)
        colours = values[:, :3] if values.shape[1] >= 3 else values[:, :1].expand(-1, 3, -1, -1)
        return colours.permute(0, 2, 3, 1).cpu().numpy()

    def segments(self, recipe: Slic) -> Tensor:
        """(N, H, W) int64 superpixel labels of each image, 0 .. count - 1."""
        if recipe not in self._segments:
            labels = np.stack([slic_labels(rgb, recipe) for rgb in self.rgb])
            self._segments[recipe] = torch.from_numpy(labels).to(self.images.device)
        return self._segments[recipe]

    def once(self, key: Hashable, compute: Callable[[], Tensor]) -> Tensor:
        """What `compute` gives, computed on the first call with this key only."""
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def imputed(self, imputer: Imputer) -> Tensor:
        """(N, C, H, W): the images with every pixel removed, towards which metrics remove."""
        key = ("imputed", imputer)
        return self.once(key, lambda: imputer.baseline(self.images, self.classifier))

    def generator(self, seed: int, index: int) -> torch.Generator:
        """A CPU generator for image `index` that does not depend on the rest of the batch."""
        return torch.Generator().manual_seed(image_seed(seed, self.sha256s[index]))


def image_seed(seed: int, sha256: str) -> int:
    """A 63-bit seed from a setting and an image, equal in every process."""
    digest = hashlib.sha256(f"{seed}/{sha256}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
