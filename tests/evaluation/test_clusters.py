"""Clusters: planted groups come out, a planted shortcut does, and nothing where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.report.conftest import write_run
from xai_core import DATA
from xai_core.__main__ import main
from xai_core.evaluation.clusters import (
    SIDE_PX,
    cluster_table,
    clustered,
    clusters_by_gap,
    neighbour_graph,
    shrunk,
    spectrum,
)
from xai_core.evaluation.statistics import holm
from xai_core.findings.cluster_wording import clusters_say

PLACES = ((20, 20), (20, 70), (70, 45))


def blobs(groups: list[int], side: int = 96) -> np.ndarray:
    """A spot for each image at its group's place, with noise of its own and any strength."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    maps = []
    for group in groups:
        top, left = PLACES[group]
        spot = np.exp(-((y - top) ** 2 + (x - left) ** 2) / 300)
        noise = np.kron(rng.uniform(0, 0.3, (SIDE_PX, SIDE_PX)), np.ones((6, 6)))
        maps.append(rng.uniform(0.1, 50) * (spot + noise))
    return np.stack(maps).astype(np.float32)


GROUPS = [0] * 30 + [1] * 20 + [2] * 15


def test_planted_groups_come_out_the_largest_first() -> None:
    found = clustered(blobs(GROUPS))
    assert found.count == 3
    assert list(found.labels) == GROUPS
    np.testing.assert_allclose(found.eigenvalues[:3], 0, atol=1e-9)  # three parts, three zeros
    for mean, (top, left) in zip(found.means, PLACES, strict=True):
        assert mean.sum() == pytest.approx(1)
        peak = np.unravel_index(mean.argmax(), mean.shape)
        assert np.abs(np.array(peak) * 96 / SIDE_PX + 3 - (top, left)).max() < 8


def test_order_strength_and_contradiction_do_not_matter() -> None:
    maps = blobs(GROUPS)
    turn = np.random.default_rng(1).permutation(len(maps))
    again = clustered(maps[turn] * 7)
    np.testing.assert_array_equal(again.labels, np.array(GROUPS)[turn])
    negative = np.where(maps < maps.max(axis=(1, 2), keepdims=True) / 20, -3, maps)
    assert clustered(negative).count == 3


def test_the_graph_and_its_spectrum_by_hand() -> None:
    points = np.array([[0.0], [0.1], [5.0], [5.1]])  # two pairs; 2 neighbours each join them
    graph = neighbour_graph(points)
    np.testing.assert_array_equal(graph, graph.T)
    assert graph.diagonal().sum() == 0
    pairs = np.kron(np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(spectrum(pairs), [0, 0, 2, 2], atol=1e-12)
    assert clusters_by_gap(np.array([0, 0, 0, 0.9, 1, 1, 1, 1, 1])) == 3


def test_maps_without_evidence_are_no_error() -> None:
    maps = blobs(GROUPS)
    maps[:4] = -1.0
    assert (shrunk(maps)[:4] == 0).all()
    assert len(clustered(maps).labels) == len(maps)


def test_few_maps_are_one_sentence() -> None:
    with pytest.raises(ValueError, match="5 heatmaps are too few to cluster: at least 20"):
        clustered(blobs([0] * 5))


def test_shares_of_errors_and_what_is_said() -> None:
    images = pd.DataFrame({"label": [0] * 30 + [1] * 35, "predicted": [0] * 50 + [1] * 15})
    table = cluster_table(images, clustered(blobs(GROUPS)), ["a", "b"])
    assert list(table["n"]) == [30, 20, 15]
    assert list(table["wrong"]) == [0, 20, 0]
    assert list(table["predicted"]) == ["a", "a", "b"]
    manifest = {
        "dataset": "own", "classifier": {"name": "net"},
        "methods": {"1": {"spec": "cam", "label": "CAM"}},
    }  # fmt: skip
    said = clusters_say(table, "cam", manifest)
    assert said[0] == "On own (model net, n = 65 images), the heatmaps of CAM make 3 clusters."
    more = "In cluster 2 the model is wrong on 20 of 20 images, more often than on the others"
    assert any(sentence.startswith(more) for sentence in said)
    right = cluster_table(
        images.assign(predicted=images["label"]), clustered(blobs(GROUPS)), ["a"] * 2
    )
    assert clusters_say(right, "cam", manifest)[1].startswith("No cluster's share of errors")


def test_the_command_prints_clusters_and_writes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = [0] * 25 + [1] * 15
    run_dir = write_run(tmp_path / "run", images=40, maps=blobs(groups))
    out = tmp_path / "clusters.csv"
    assert main(["clusters", "--run-dir", str(run_dir), "--method", "cam", "--csv", str(out)]) == 0
    assert "the heatmaps of CAM make 2 clusters" in capsys.readouterr().out
    assert list(pd.read_csv(out)["cluster"]) == [group + 1 for group in groups]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "lime"], "has no method 'lime'; it has: cam"),
        (["--class", "moon"], "the model knows no class 'moon'"),
        (["--class", "漢字"], "13 heatmaps are too few to cluster"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    run_dir = write_run(tmp_path / "run", images=40)
    assert main(["clusters", "--run-dir", str(run_dir), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_run_without_heatmaps_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = write_run(tmp_path / "run", images=12)
    for path in (run_dir / "maps").iterdir():
        path.unlink()
    assert main(["clusters", "--run-dir", str(run_dir)]) == 2
    assert "keeps no heatmaps of cam; evaluate this method here again" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(
    not (DATA / "models" / "orchard_shortcut.safetensors").is_file(),
    reason="data/models/orchard_shortcut is not here",
)
def test_the_stickers_come_out_on_the_shortcut_and_not_on_its_control(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """80 scenes with their class's sticker beside the fruit and the same 80 without: where the
    model uses the sticker, some cluster is of stickers; chance is one half."""
    shares = {name: sticker_shares(name) for name in ("orchard_shortcut", "orchard_control")}
    with capsys.disabled():
        for name, table in shares.items():
            purity = (table["n"] * table["stickers"].clip(lower=1 - table["stickers"])).sum()
            print(f"\n{name}: purity {purity / table['n'].sum():.3f}")
            print(table.to_string(index=False, float_format="%.4f"))
    best = shares["orchard_shortcut"].sort_values("stickers").iloc[-1]
    assert best["stickers"] >= 0.8
    assert best["p"] < 0.01
    assert (shares["orchard_control"]["p"] > 0.05).all()


def sticker_shares(name: str) -> pd.DataFrame:
    """Each cluster's n, its share of images with a sticker, and Holm's p against one half."""
    from xai_core.images.reading import Photo
    from xai_core.methods import METHODS
    from xai_core.models.batch import Batch
    from xai_core.models.loading import load_classifier
    from xai_core.orchard import load_orchard
    from xai_core.orchard.interventions import with_sticker
    from xai_core.orchard.redrawing import redrawn
    from xai_core.orchard.scene import Sticker
    from xai_core.orchard.shortcut import SHORTCUTS, stickered_pictures

    photos = []
    for scene in stickered_pictures(load_orchard()):
        sticker = Sticker(SHORTCUTS[scene.fruit], "beside", (0.0, 0.0), 0.65)
        shots = scene.plain.of(with_sticker(scene.plain.scene, sticker)), scene.plain
        photos += [Photo(shot.key, redrawn(shot).image, shot.key) for shot in shots]
    has_sticker = np.arange(len(photos)) % 2 == 0
    classifier = load_classifier(name)
    parts = []
    for start in range(0, len(photos), 16):
        batch = Batch.of(classifier, photos[start : start + 16], "whole")
        parts.append(METHODS["layer_cam"]().attribute(batch, batch.top(1))[:, 0].cpu().numpy())
    labels = clustered(np.concatenate(parts)).labels
    rows = [
        {"cluster": label + 1, "n": int((labels == label).sum()),
         "stickers": has_sticker[labels == label].mean(),
         "p": stats.binomtest(int(has_sticker[labels == label].sum()),
                              int((labels == label).sum()), 0.5).pvalue}
        for label in range(labels.max() + 1)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(p=holm(table["p"].to_numpy()))
