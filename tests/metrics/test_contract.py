"""What every discovered metric keeps to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.metrics.conftest import World, fixed
from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case, Metric
from xai_core.metrics.base import RANKED
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

NAMES = sorted(name for name, metric in METRICS.items() if metric.kind != "ground truth")
CHEAP: dict[str, Any] = {"steps": 8, "samples": 4, "segments": 16}
MakeBatch = Callable[[Classifier], Batch]
MakeWorld = Callable[[], World]


def cheap(name: str, **changes: Any) -> Metric:
    """The metric with few steps, removing towards 0 where that can be chosen."""
    declared = METRICS[name].declared()
    wanted = CHEAP | {"imputer": "zero"} | changes
    return METRICS[name](**{key: value for key, value in wanted.items() if key in declared})


def cam_case(batch: Batch) -> Case:
    method = METHODS["cam"]()
    masks = torch.zeros(len(batch), *batch.images.shape[2:], dtype=torch.bool)
    masks[:-1, 10:30, 20:50] = True
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    return Case(batch, batch.predicted, maps, method, masks)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_one_per_image_and_nan_has_a_reason(
    name: str, tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    case = cam_case(batch)
    before = case.maps.clone()
    scores = cheap(name).score(case)
    assert scores.values.shape == (4,)
    assert len(scores.reasons) == 4
    undefined = scores.values.isnan().tolist()
    assert undefined == [bool(reason) for reason in scores.reasons]
    low, high = METRICS[name].bounds
    defined = scores.values[~scores.values.isnan()]
    assert bool(((defined >= low - 1e-6) & (defined <= high + 1e-6)).all())
    assert torch.equal(case.maps, before)
    assert not scores.values.requires_grad
    if METRICS[name].needs_masks:
        assert undefined == [False, False, False, True]
    for curve in scores.curves.values():
        assert scores.fractions is not None
        assert curve.shape[0] == 4
        assert curve.shape[1] == scores.fractions.shape[-1]


@pytest.mark.parametrize("name", NAMES)
def test_the_maps_scale_does_not_matter(name: str, make_world: MakeWorld) -> None:
    world = make_world()
    maps = world.evidence + 0.001 * world.random
    plain = cheap(name).score(world.case(maps)).values
    scaled = cheap(name).score(make_world().case(maps * 256.0)).values
    torch.testing.assert_close(scaled, plain, rtol=1e-4, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_forward_passes_are_as_declared(
    name: str, tiny_classifier: Classifier, tiny_batch: MakeBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric, method = cheap(name), METHODS["cam"]()
    metric.score(cam_case(tiny_batch(tiny_classifier)))  # copies of the model are made once
    case = cam_case(tiny_batch(tiny_classifier))
    seen = {"images": 0}

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def count(self: Classifier, images: Tensor, *rest: Any) -> Any:
            seen["images"] += len(images)
            return function(self, images, *rest)

        return count

    for call in ("logits", "stage_and_logits"):
        monkeypatch.setattr(Classifier, call, counted(getattr(Classifier, call)))
    metric.score(case)
    declared = metric.passes(tiny_classifier, method) * len(case.batch)
    if name in ("irof", "class_sensitivity"):  # SLIC may give fewer; CAM has its features already
        assert seen["images"] <= declared
    else:
        assert seen["images"] == declared


def best_and_worst(name: str, world: World) -> tuple[Tensor, Tensor | None]:
    """Each metric's own best and worst map on the cell model."""
    evidence, masks = world.evidence, world.masks.float()
    return {
        "average_drop": ((evidence > 0).float(), (evidence < 0).float()),
        "average_gain": ((evidence > 0).float(), (evidence < 0).float()),
        "increase_in_confidence": ((evidence > 0).float(), (evidence < 0).float()),
        "adcc": ((evidence > evidence.mean()).float(), (evidence < 0).float()),
        "infidelity": (evidence, None),
        "best_iou": (masks, None),
        "pointing_game": (masks, 1 - masks),
        "relevance_mass": (masks, 1 - masks),
        "relevance_rank": (masks, 1 - masks),
    }.get(name, (evidence, -evidence))


@pytest.mark.parametrize(
    "name", [n for n in NAMES if METRICS[n].kind in RANKED and n != "max_sensitivity"]
)
def test_best_beats_random_beats_worst(name: str, make_world: MakeWorld) -> None:
    world = make_world()
    best, worst = best_and_worst(name, world)
    metric = cheap(name, samples=48, tolerance_px=1.0)
    sign = 1 if METRICS[name].higher_is_better else -1
    found = sign * metric.score(world.case(best)).values.mean()
    chance = sign * metric.score(world.case(world.random)).values.mean()
    row = f"give {name} its best and worst map in best_and_worst"
    assert found > chance, row
    if worst is not None:
        against = sign * metric.score(world.case(worst)).values.nan_to_num(-9 if sign > 0 else 9)
        never_negative = name in ("average_gain", "increase_in_confidence", "pointing_game")
        lower = chance >= against.mean() if never_negative else chance > against.mean()
        assert lower, f"{row}; or name it in never_negative"


@pytest.mark.parametrize("name", NAMES)
def test_describes_itself(name: str) -> None:
    metric = METRICS[name]
    assert metric.title
    assert metric.reference
    assert metric.formula
    assert metric.caveat.endswith(".")
    assert (metric.kind in RANKED) == (metric.higher_is_better is not None)
    json.dumps(metric().settings())
    for field in dataclasses.fields(metric):
        rule = field.metadata["setting"]
        assert rule.help
        bounded = rule.low is not None or rule.high is not None
        assert bounded or rule.choices is not None or isinstance(rule.default, bool)


@pytest.mark.parametrize("name", [n for n in NAMES if METRICS[n].needs_masks])
def test_masks_are_asked_for(name: str, make_world: MakeWorld) -> None:
    world = make_world()
    case = Case(world.batch, torch.zeros(3, dtype=torch.int64), world.random, fixed(world.random))
    with pytest.raises(ValueError, match="needs masks of the object"):
        METRICS[name]().score(case)
