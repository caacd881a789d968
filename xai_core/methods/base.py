"""Method: the one interface of everything that explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import Recipe, setting

Family = Literal["CAM", "gradients", "SHAP", "LRP", "perturbation", "attention", "baseline"]
Diagnostics = dict[str, Tensor]


@dataclass(frozen=True)
class Method(Recipe):
    """A configured explanation method; the model is an argument and is never stored."""

    family: ClassVar[Family]
    formula: ClassVar[str]  # LaTeX
    caveat: ClassVar[str]  # when it misleads, one sentence for people
    signed: ClassVar[bool]
    cost: ClassVar[float]  # forward passes per image where every model needs as many
    class_sensitive: ClassVar[bool] = True
    backed_by: ClassVar[str] = "own"
    knows_truth: ClassVar[bool] = False  # the oracle: each metric puts in the known answer

    def unfit(self, classifier: Classifier) -> str | None:
        """Why this method cannot explain that model, in one sentence; None where it can."""
        return None

    def passes(self, classifier: Classifier) -> float:
        """What the definition costs per image, in forward passes (a backward pass counts 2)."""
        return self.cost

    def attribute(
        self, batch: Batch, targets: Tensor, diagnostics: Diagnostics | None = None
    ) -> Tensor:
        """Targets (N, T) int64 -> maps (N, T, H, W) float32: signed, unnormalised, detached.

        `diagnostics` is filled with what the method can say about its own maps, (N, T) each.
        Raises ValueError where the method does not fit the model or a class is out of range,
        ArithmeticError where a map is not finite.
        """
        reason = self.unfit(batch.classifier)
        if reason:
            raise ValueError(reason)
        if targets.ndim != 2 or len(targets) != len(batch):
            raise ValueError(
                f"targets must be (N, T) for N = {len(batch)}, got {tuple(targets.shape)}"
            )
        classes = len(batch.classifier.categories)
        if targets.numel() and not (int(targets.min()) >= 0 and int(targets.max()) < classes):
            raise ValueError(
                f"a target class must be from 0 to {classes - 1}, got {targets.tolist()}"
            )
        found = {} if diagnostics is None else diagnostics
        with torch.inference_mode(False):  # which forbids gradients, where the caller has set it
            maps = self._finite(batch, targets.to(batch.images.device), found)
        maps = enlarged(maps.detach().float(), batch.images.shape[-2], batch.images.shape[-1])
        maps = maps.contiguous()
        if not bool(torch.isfinite(maps).all()):
            raise ArithmeticError(f"{self.title} gave values that are not finite")
        return maps

    def _finite(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        """The maps; what a solver raises over numbers that are not finite is told as such."""
        try:
            return self._maps(batch, targets, diagnostics)
        except (RuntimeError, ValueError):
            if bool(batch.logits.isfinite().all()) and bool(batch.activations.isfinite().all()):
                raise
        raise ArithmeticError(f"{self.title}: the model's values here are not finite")

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        """Maps (N, T, h, w) at any resolution; `attribute` enlarges and checks them."""
        raise NotImplementedError


@dataclass(frozen=True)
class SignedPixels(Method):
    """A method whose pixels support or contradict the class; `magnitude` leaves only how much."""

    magnitude: bool = setting(
        False,
        "the absolute value of the map: how much a pixel counts, not whether for or against",
        added_later=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "signed", not self.magnitude)

    def attribute(
        self, batch: Batch, targets: Tensor, diagnostics: Diagnostics | None = None
    ) -> Tensor:
        """As `Method.attribute`; with `magnitude` the maps are absolute values."""
        maps = super().attribute(batch, targets, diagnostics)
        return maps.abs() if self.magnitude else maps


def enlarged(maps: Tensor, height: int, width: int) -> Tensor:
    """Maps (N, T, h, w) at (height, width), bilinear with align_corners=False."""
    if maps.shape[-2:] == (height, width):
        return maps
    return functional.interpolate(maps, size=(height, width), mode="bilinear", align_corners=False)
