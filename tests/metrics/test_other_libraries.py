"""Scores agree with Captum, and with torch-cam and pytorch-grad-cam where these are installed.

The last two are in tests/benchmarks/requirements.txt, which says how to install them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case
from xai_core.metrics._curves import target_probabilities
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import NoisyLinear

MakeBatch = Callable[[Classifier], Batch]
pytestmark = pytest.mark.filterwarnings("default")


def tie_free_case(classifier: Classifier, batch: Batch) -> Case:
    """CAM in equal steps from 1 down to 0, so that all libraries remove the same pixels."""
    method = METHODS["cam"]()
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    ranks = Case(batch, batch.predicted, maps, method).ranks
    return Case(batch, batch.predicted, 1 - ranks.view(maps.shape) / ranks.shape[1], method)


def test_infidelity_agrees_with_captum(tiny_classifier: Classifier, tiny_batch: MakeBatch) -> None:
    from captum.metrics import infidelity

    batch = tiny_batch(tiny_classifier)
    maps = METHODS["cam"]().attribute(batch, batch.predicted[:, None])[:, 0]
    metric = METRICS["infidelity"](samples=10)
    ours = metric.score(Case(batch, batch.predicted, maps, METHODS["cam"]())).values
    squares = metric.squares(batch)  # type: ignore[attr-defined]
    turn = iter(range(10))

    def perturb(images: Tensor) -> tuple[Tensor, Tensor]:
        square = squares[:, next(turn)].view(4, 1, 64, 64).float()
        # captum weighs each channel: a third each, so that a pixel counts once
        return square.expand(-1, 3, -1, -1) / 3, images * (1 - square)

    theirs = infidelity(
        tiny_classifier.network,
        perturb,
        batch.images,
        maps[:, None].expand(-1, 3, -1, -1),
        target=batch.predicted,
        n_perturb_samples=10,
        max_examples_per_batch=4,
        normalize=True,
    )
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-3, atol=1e-9)


def test_max_sensitivity_agrees_with_captum(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    from captum.metrics import sensitivity_max

    batch = tiny_batch(tiny_classifier)
    method, metric = METHODS["saliency"](), METRICS["max_sensitivity"](samples=3, radius=0.1)
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    ours = metric.score(Case(batch, batch.predicted, maps, method)).values
    noise = torch.stack([metric.noise(batch, sample) for sample in range(3)], dim=1)  # type: ignore[attr-defined]

    def explain(images: tuple[Tensor, ...] | Tensor, target: Tensor) -> tuple[Tensor]:
        (images,) = images if isinstance(images, tuple) else (images,)
        names = [f"{index:064x}" for index in range(len(images))]
        # a tuple: of a plain tensor Captum would take the images for several inputs
        return (method.attribute(Batch(tiny_classifier, images, names), target[:, None])[:, 0],)

    theirs = sensitivity_max(
        explain,
        batch.images,
        perturb_func=lambda images: images + noise.flatten(0, 1),
        n_perturb_samples=3,
        target=batch.predicted,
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("name", ["deletion", "insertion"])
def test_curves_agree_with_torch_cam(
    name: str, tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    library = pytest.importorskip("torchcam.metrics", reason="torch-cam is not installed")
    case = tie_free_case(tiny_classifier, tiny_batch(tiny_classifier))

    class Given:
        """Gives the maps as they are, where the library expects an extractor of its own."""

        model = tiny_classifier.network

        def __call__(self, *arguments: object, **rest: object) -> list[Tensor]:
            return [case.maps]

        def fuse_cams(self, maps: list[Tensor]) -> Tensor:
            return maps[0]

        @contextlib.contextmanager
        def _hooks_off(self) -> Iterator[None]:
            yield

    theirs = library.DeletionInsertionMetric(Given(), lambda logits: logits.softmax(-1), steps=16)
    theirs.update(case.batch.images, case.targets.tolist())
    ours = METRICS[name](steps=16, imputer="zero").score(case).values
    assert float(ours.mean()) == pytest.approx(theirs.summary()[f"{name}_auc"], abs=1e-3)


def test_road_agrees_with_pytorch_grad_cam(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    road = pytest.importorskip(
        "pytorch_grad_cam.metrics.road", reason="pytorch-grad-cam is not installed"
    )
    case = tie_free_case(tiny_classifier, tiny_batch(tiny_classifier))
    wanted = [
        lambda logits, target=int(target): logits.softmax(-1)[target] for target in case.targets
    ]
    imputer = road.NoisyLinearImputer(noise=0)
    pixels = case.ranks.shape[1]
    for percent in (20, 50, 90):
        count = torch.tensor([round(percent / 100 * pixels)])
        for order, removal in (
            ("morf", road.RemoveMostRelevantFirst),
            ("lerf", road.RemoveLeastRelevantFirst),
        ):
            measure = road.PerturbationConfidenceMetric(removal(100 - percent, imputer))
            theirs = measure(
                case.batch.images.contiguous(), case.maps.numpy(), wanted,
                tiny_classifier.network, return_diff=False,
            )  # fmt: skip
            ours = target_probabilities(case, NoisyLinear(noise=0.0), count, order)[:, 0]
            torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=0, atol=1e-3)
