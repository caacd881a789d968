"""What methods on gradients share: targets one by one, gradients at a stage, completeness."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from xai_core.methods.base import Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.interruption import checkpoint

Explain = Callable[[Tensor, Tensor], Tensor]


class GradientMethod(Method):
    """A method on the gradient by the image."""

    def unfit(self, classifier: Classifier) -> str | None:
        return no_gradients(classifier)


def no_gradients(classifier: Classifier) -> str | None:
    """Why there is no gradient by the image, or None where there is."""
    if classifier.has_gradients:
        return None
    return f"{classifier.name} gives no gradients by the image. Use lime, occlusion or rise."


def leaf(images: Tensor) -> Tensor:
    """A copy of the images that gradients can be taken with respect to, for the next pass."""
    checkpoint()
    return images.detach().clone().requires_grad_()


def each_target(batch: Batch, targets: Tensor, batch_size: int, explain: Explain) -> Tensor:
    """Maps (N, T, h, w) from `explain(images (n, 3, H, W), classes (n,)) -> (n, h, w)`.

    The images come as leaves, at most `batch_size` at a time.
    """
    rows = []
    for start in range(0, len(batch), batch_size):
        part = slice(start, start + batch_size)
        columns = [explain(leaf(batch.images[part]), column) for column in targets[part].T]
        rows.append(torch.stack([column.detach() for column in columns], dim=1))
    return torch.cat(rows)


def each_image(batch: Batch, targets: Tensor, explain: Callable[[int, Tensor], Tensor]) -> Tensor:
    """Maps (N, T, h, w) from `explain(index, classes (T,)) -> (T, h, w)`, one image at a time."""
    return torch.stack([explain(index, targets[index]).detach() for index in range(len(batch))])


def logit_change(classifier: Classifier, images: Tensor, baselines: Tensor) -> Tensor:
    """f(image) - f(baseline) for every class: (N, K)."""
    with torch.no_grad():
        after = classifier.logits(images)
        return after - classifier.logits(baselines)


def completeness_errors(batch: Batch, targets: Tensor, maps: Tensor, baselines: Tensor) -> Tensor:
    """|sum of the map - (f_c(x) - f_c(x'))| in logits: (N, T), for baselines x' (N, 3, H, W)."""
    with torch.no_grad():
        change = batch.logits - batch.classifier.logits(baselines)
    return (maps.sum(dim=(2, 3)) - change.gather(1, targets)).abs()
