"""What every method on the CAM head shares: the maps at the feature resolution."""

from __future__ import annotations

from torch import Tensor, nn

from xai_core.methods.base import Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.titles import joined

MOST_NAMED = 4
"""Layers behind the last feature maps that a sentence lists."""


class HeadMethod(Method):
    """A method on the class activation maps at the feature resolution."""

    cost = 1

    def unfit(self, classifier: Classifier) -> str | None:
        return no_cam_head(classifier)


def no_cam_head(classifier: Classifier) -> str | None:
    """Why the model has no class activation maps, or None where it has."""
    if classifier.head is not None:
        return None
    layers = classifier.layers_behind()
    found = f": behind them stand {joined(layers)}" if 1 < len(layers) <= MOST_NAMED else ""
    return (
        f"{classifier.name} has no CAM head: its class scores are not one linear layer on the "
        f"global average of its last feature maps{found}. Use grad_cam, integrated_gradients or "
        "lime."
    )


def feature_cam(batch: Batch, targets: Tensor) -> Tensor:
    """M_c(x, y) = sum_k w_k^c f_k(x, y): (N, T, h, w) for targets (N, T), without the bias."""
    weights = head_of(batch.classifier).weight[targets]
    grid = batch.activations.shape[2:]
    return (weights @ batch.activations.flatten(2)).view(*targets.shape, *grid)


def head_of(classifier: Classifier) -> nn.Linear:
    """The final Linear; raises ValueError where there is no CAM head."""
    if classifier.head is None:
        raise ValueError(no_cam_head(classifier))
    return classifier.head
