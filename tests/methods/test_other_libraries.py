"""The CAM variants agree with torch-cam and pytorch-grad-cam, where these are installed.

They are in tests/benchmarks/requirements.txt, which says how to install them.

Grad-CAM++ is left to its own test: torch-cam 0.5.0 leaves out the division by alpha's denominator,
and pytorch-grad-cam 1.5.7 adds 1e-6 to it, which is larger than the squared gradients themselves.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

MakeBatch = Callable[[Classifier], Batch]
pytestmark = pytest.mark.filterwarnings("default")


def shown(values: Any) -> np.ndarray:
    """The positive part from 0 to 1, as both libraries scale their maps."""
    positive = np.maximum(np.asarray(values, dtype=np.float64), 0)
    return (positive - positive.min()) / (positive.max() - positive.min() + 1e-12)


def ours(name: str, batch: Batch, target: int, **settings: Any) -> np.ndarray:
    method = METHODS[name](stage="layer3", **settings)
    return shown(method._maps(batch, torch.tensor([[target]]), {})[0, 0].detach())


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("grad_cam", "GradCAM"),
        ("layer_cam", "LayerCAM"),
        ("xgrad_cam", "XGradCAM"),
        ("score_cam", "ScoreCAM"),
    ],
)
def test_torch_cam(
    name: str, theirs: str, tiny_resnet_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    library = pytest.importorskip("torchcam.methods", reason="torch-cam is not installed")
    batch = tiny_batch(tiny_resnet_classifier).part(0)
    network = copy.deepcopy(tiny_resnet_classifier.network).requires_grad_()
    extractor = getattr(library, theirs)(network, target_layer="layer3")
    logits = network(batch.images.clone().requires_grad_())
    scores = {} if name == "score_cam" else {"scores": logits}
    map_ = extractor(2, **scores)[0][0].detach()
    settings = {"channels": 0} if name == "score_cam" else {}
    assert np.abs(ours(name, batch, 2, **settings) - shown(map_)).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("hires_cam", "HiResCAM"), ("eigen_cam", "EigenCAM"), ("ablation_cam", "AblationCAM")],
)
def test_pytorch_grad_cam(
    name: str, theirs: str, tiny_resnet_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    library = pytest.importorskip("pytorch_grad_cam", reason="pytorch-grad-cam is not installed")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    batch = tiny_batch(tiny_resnet_classifier).part(0)
    network = copy.deepcopy(tiny_resnet_classifier.network).requires_grad_()
    explainer = getattr(library, theirs)(model=network, target_layers=[network.layer3])
    logits = explainer.activations_and_grads(batch.images.clone().requires_grad_())
    logits[0, 2].backward(retain_graph=True)
    map_ = explainer.get_cam_image(
        batch.images.clone(),
        network.layer3,
        [ClassifierOutputTarget(2)],
        explainer.activations_and_grads.activations[0].numpy(),
        explainer.activations_and_grads.gradients[0].numpy(),
        False,
    )[0]
    if name == "eigen_cam":  # the library centres, and leaves the sign to chance
        mine = ours(name, batch, 2, centred=True)
        error = min(np.abs(mine - shown(sign * map_)).max() for sign in (1, -1))
    else:
        error = np.abs(ours(name, batch, 2) - shown(map_)).max()
    if name == "ablation_cam" and batch.logits[0, 2] < 0:  # it divides by a negative score
        error = np.abs(ours(name, batch, 2) - shown(-map_)).max()
    assert error < 1e-4
