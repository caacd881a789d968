"""A checkpoint tells its architecture, whatever its number of classes and its file's name."""

import pytest

from xai_core.models.recognising import architecture_of
from xai_core.models.torchvision_networks import build_network


@pytest.mark.parametrize(
    "architecture", ["resnet18", "squeezenet1_1", "mobilenet_v3_small", "regnet_y_400mf"]
)
@pytest.mark.parametrize("stem", ["weights", "resnet50_of_ours"])
def test_it_is_the_one_that_made_the_weights(architecture: str, stem: str) -> None:
    weights = build_network(architecture, 7).state_dict()
    assert architecture_of(weights, stem) == architecture


def test_counters_do_not_count_and_foreign_weights_are_nobodys() -> None:
    weights = build_network("resnet18", 3).state_dict()
    without = {key: value for key, value in weights.items() if "num_batches" not in key}
    assert architecture_of(without) == "resnet18"
    del without["layer1.0.conv1.weight"]
    assert architecture_of(without) == ""
