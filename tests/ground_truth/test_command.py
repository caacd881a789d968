from pathlib import Path

import pytest
import torch

from xai_core.__main__ import main
from xai_core.evaluation.tables import load_scores
from xai_core.models.torchvision_networks import build_network
from xai_core.orchard import CLASSES
from xai_core.training.trainer import save_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("network")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        untrained = build_network("shufflenet_v2_x0_5", len(CLASSES))
    form = {"size": 64, "resize": 64, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    card = {"architecture": "shufflenet_v2_x0_5", "categories": list(CLASSES), "form": form}
    save_network(untrained, card, folder, "untrained")
    return str(folder)


def evaluate(network: str, *more: object) -> int:
    return main(["evaluate", "--classifier", network, "--methods", "uniform", *map(str, more)])


def test_localisation_on_exact_masks_with_the_oracle(
    network: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--benchmark", "localisation", "--limit", 3, "--run-dir", tmp_path]
    assert evaluate(network, *options) == 0
    scores = load_scores(tmp_path).set_index(["method", "metric"])["score"]
    assert (scores["oracle", "relevance_mass"] == 1).all()
    assert (scores["oracle", "pointing_game"] == 1).all()
    shares = load_scores(tmp_path / "parts" / "scenes")
    assert shares["image"].nunique() == 3
    printed = capsys.readouterr().out
    assert "Oracle" in printed
    assert f"results in {tmp_path}" in printed


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--benchmark", "parts"], "unknown benchmark 'parts'; known: distractibility"),
        (["--benchmark", "all", "--dataset", "photos"], "--benchmark needs --dataset orchard"),
        (["--benchmark", "all", "--framing", "center_crop"], "--benchmark needs --framing whole"),
    ],
)
def test_bad_options_give_one_sentence(
    network: str, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert evaluate(network, *options) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert sentence in lines[0]
