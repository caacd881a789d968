"""Forward passes on perturbed images: planned as full batches over all images and all steps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from xai_core.models.batch import Batch
from xai_core.models.imputers import Imputer


def logits_of(batch: Batch, images: Tensor) -> Tensor:
    """Images (B, 3, H, W) -> logits (B, K), at the batch's precision, at most its size at once."""
    parts = []
    with torch.inference_mode(), _autocast(batch):
        for part in torch.split(images, batch.forward_size):
            parts.append(batch.classifier.logits(_channels_last(part)).float())
    return torch.cat(parts).clone()  # a normal tensor, usable outside inference mode


def perturbed_logits(
    batch: Batch, imputer: Imputer, index: Tensor, removed: Callable[[Tensor], Tensor]
) -> Tensor:
    """Logits (M, K) of images `index` (M,) without some pixels, built on the device in batches.

    `removed(positions)` gives, for positions (B,) in `index`, the removed pixels (B, H*W) bool.
    """
    logits = torch.empty(len(index), len(batch.classifier.categories), device=index.device)
    batch.imputed(imputer)
    with torch.inference_mode(), _autocast(batch):
        positions = torch.arange(len(index), device=index.device)
        for part in torch.split(positions, batch.forward_size) if len(index) else ():
            images = imputer.replaced(batch, index[part], removed(part))
            logits[part] = batch.classifier.logits(_channels_last(images)).float()
    return logits


def removal_logits(
    batch: Batch,
    imputer: Imputer,
    steps: int,
    removed: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Logits (N, steps, K) of every image at every step.

    `removed(index, step)` gives the removed pixels (B, H*W) bool of images `index` (B,) at the
    steps `step` (B,), counted from 0.
    """
    pairs = torch.arange(len(batch) * steps, device=batch.images.device)
    logits = perturbed_logits(
        batch, imputer, pairs // steps, lambda part: removed(part // steps, part % steps)
    )
    return logits.view(len(batch), steps, -1)


def imputed_logits(batch: Batch, imputer: Imputer) -> Tensor:
    """Logits (N, K) of the images with every pixel removed, once per batch."""
    return batch.once(("imputed_logits", imputer), lambda: logits_of(batch, batch.imputed(imputer)))


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def _autocast(batch: Batch) -> torch.autocast:
    return torch.autocast(
        batch.images.device.type, dtype=torch.bfloat16, enabled=batch.precision == "bf16"
    )
