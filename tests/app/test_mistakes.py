"""Mistakes: the numbers by hand, and the page on a run of one's own and on the shipped one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from compute.questions import NO_PHOTO, MeanMap
from compute.workplace import Workplace
from drawing import mistake_charts
from mistakes import mistakes_wording
from PIL import Image
from runs import confusions, jobs, run_folders
from streamlit.testing.v1 import AppTest

from tests.conftest import picture
from tests.evaluation.test_clusters import blobs
from tests.report.conftest import write_run
from xai_core import DATA
from xai_core.evaluation.dataset import load_folder
from xai_core.evaluation.run import run_evaluation
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.tables import load_scores
from xai_core.images.heatmap import limit_of
from xai_core.images.reading import framed, open_image
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier
from xai_core.models.torchvision_networks import build_network
from xai_core.training.trainer import save_network

Page = Callable[..., AppTest]
NAMES = ("AC/DC", "Wässermelöne", "sweet *corn*")
FORM = {"size": 64, "resize": 64, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
CARD = {"architecture": "squeezenet1_1", "categories": NAMES, "form": FORM}
shipped = pytest.mark.skipif(
    not (DATA / "runs" / "shipped" / "gallery" / "index.json").is_file(),
    reason="data/runs/shipped is not here: make it with campare",
)


def table_of(*rows: tuple[int, int, float]) -> pd.DataFrame:
    images = [
        {"image": f"{n}.png", "sha256": f"{n}", "label": t, "predicted": p, "probability": s}
        for n, (t, p, s) in enumerate(rows)
    ]
    return confusions.predictions({"images": [*images, {"image": "unlabelled", "predicted": 0}]})


TABLE = table_of((0, 0, 0.95), (0, 1, 0.55), (1, 0, 0.85), (0, 1, 0.75), (2, 2, 1.0))


def test_the_matrix_counts_and_the_most_confident_errors_come_first() -> None:
    assert confusions.confusion(TABLE, 3).tolist() == [[1, 2, 0], [1, 0, 0], [0, 0, 1]]
    assert list(confusions.confident_mistakes(TABLE)["image"]) == ["2.png", "3.png", "1.png"]
    assert confusions.confusion_pairs(TABLE, ["a", "b", "c"]) == {
        "0-1": "a → b: 2",
        "1-0": "b → a: 1",
        "0-0": "a, right: 1",
        "2-2": "c, right: 1",
    }


def test_calibration_by_hand() -> None:
    many = pd.concat([TABLE] * 10)
    bins = confusions.calibration(many, 2)  # one bin holds all: nothing is below a half
    assert bins.to_dict("records") == [
        {"bin": 1, "probability": pytest.approx(0.82), "accuracy": 0.4, "n": 50, "enough": True}
    ]
    four = confusions.calibration(many, 4)  # 0.55 alone below 0.75
    assert list(four["n"]) == [10, 40]
    assert confusions.calibration_error(four) == pytest.approx((0.55 + 4 * (0.8875 - 0.5)) / 5)
    sure = [(0, 0, 1.0)] * 10 + [(1, 1, 1.0)] * 10
    perfect = pd.concat([confusions.calibration(table_of(*sure), n) for n in (2, 4)])
    assert confusions.calibration_error(perfect) == 0.0


def test_of_many_classes_those_with_mistakes_are_shown_and_else_those_that_occur() -> None:
    many = table_of((30, 31, 0.9), (40, 31, 0.9), *((c, c, 0.9) for c in range(25)))
    assert confusions.shown_classes(many) == [30, 31, 40]
    assert confusions.left_out_says(many, 3, 50) == (
        "Of 28 classes, the 3 that most mistakes are about."
    )
    few = table_of((7, 7, 0.9), (9, 8, 0.9))
    assert confusions.shown_classes(few) == [7, 8, 9]
    assert confusions.left_out_says(few, 3, 50) == "The model knows 50 classes; 3 occur here."
    assert confusions.left_out_says(few, 3, 3) == ""
    assert confusions.told_apart(["crane", "hen", "crane"]) == ["crane (0)", "hen", "crane (2)"]


def test_attention_off_the_object_is_what_the_mask_does_not_hold() -> None:
    scores = pd.DataFrame(
        {
            "metric": ["relevance_mass"] * 4 + ["deletion"],
            "method": ["cam", "cam", "cam", "lime", "cam"],
            "image": list("abcde"),
            "score": [0.9, 0.25, np.nan, 0.1, 0.0],
        }
    )
    found = confusions.off_object(scores, "cam")
    assert list(found["image"]) == ["b", "a"]
    assert list(found["outside"]) == pytest.approx([0.75, 0.1])


def test_the_mean_map_weighs_every_picture_alike(
    tiny_classifier: Classifier, tmp_path: Path
) -> None:
    files = []
    for seed in range(3):
        files.append(tmp_path / f"{seed}.png")
        Image.fromarray(picture(seed).rgb).save(files[-1])
    workplace = Workplace()
    workplace._classifiers.put("tiny", tiny_classifier)
    asked = MeanMap("tiny", "all", "whole", NO_PHOTO, "cam", 2, tuple(files))
    found = asked.compute(workplace)
    maps, seen = [], []
    for file in files:
        photo = open_image(file)
        batch = Batch.of(tiny_classifier, [photo])
        values = METHODS["cam"]().attribute(batch, torch.tensor([[2]]))[0, 0].numpy()
        maps.append(values / limit_of(values))
        seen.append(framed(photo.rgb, tiny_classifier.form).astype(float))
    assert found["n"] == 3
    assert found["map"] == pytest.approx(np.mean(maps, axis=0), rel=1e-4, abs=1e-5)
    assert np.abs(found["image"] - np.mean(seen, axis=0)).max() <= 0.5


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model as `train` leaves it, and a folder with masks whose labels it often misses."""
    root = tmp_path_factory.mktemp("own")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build_network("squeezenet1_1", len(NAMES))
    save_network(network, CARD, root / "network", "fruits")
    for seed in range(6):
        name = ("ac_dc", "Wa\u0308ssermelo\u0308ne", "Sweet *Corn*")[seed % 3]
        photo = picture(seed)
        mask = np.zeros(photo.rgb.shape[:2], np.uint8)
        mask[20:70, 30:90] = 255
        for part, pixels in ((".", photo.rgb), ("masks", mask)):
            (root / "pictures" / part / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / "pictures" / part / name / f"{seed}.png")
    return root / "network", root / "pictures"


def evaluated(run_dir: Path, own: tuple[Path, Path]) -> dict[str, Any]:
    classifier = load_classifier(own[0])
    methods, metrics = [METHODS["grad_cam"]()], [METRICS["relevance_mass"]()]
    run_evaluation(
        run_dir, classifier, load_folder(own[1], classifier.categories), methods, metrics
    )
    return load_manifest(run_dir)


def texts(app: AppTest) -> str:
    return "\n".join(html.proto.body for html in app.get("html"))


def until(app: AppTest, ready: Callable[[], bool], seconds: float = 90) -> AppTest:
    end = time.monotonic() + seconds
    while not ready() and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    assert ready(), texts(app)[-2000:]
    assert not app.exception
    return app


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run_folders, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def test_the_page_works_with_a_network_and_pictures_of_ones_own(
    own: tuple[Path, Path], runs: Path, open_page: Page
) -> None:
    manifest = evaluated(runs / "mine", own)
    wrong = [image for image in manifest["images"] if not image["correct"]]
    assert 0 < len(wrong) < 6
    app = open_page("mistakes", run="mine", methods="grad_cam random")
    until(app, lambda: "computing" not in texts(app) and " more than " in texts(app))
    surest = max(wrong, key=lambda image: image["probability"])
    said, true = NAMES[surest["predicted"]], NAMES[surest["label"]]
    assert "n = 6 images): too few images to tell how often the model is right" in texts(app)
    assert f"<b>{said}</b>" in texts(app)
    assert f"<b>{true}</b>" in texts(app)
    assert f"{said} more than {true}" in texts(app)
    # a map that is the same for every class has no difference to show: one contrast, not two
    assert texts(app).split(" more than ")[1].count("class='card'><h3>Random") == 0
    scores = load_scores(runs / "mine")
    least = scores.loc[scores["metric"] == "relevance_mass", "score"].min()
    assert f"{100 - 100 * least:.0f} % outside" in texts(app)
    pair = f"{surest['label']}-{surest['predicted']}"
    app.selectbox(key="confusion").set_value(pair).run()
    same = [i for i in wrong if f"{i['label']}-{i['predicted']}" == pair]
    assert f"n = {len(same)} images. Choose one" in texts(app)
    assert app.query_params["confusion"] == pair
    look = next(button for button in app.button if button.label == "Look")
    look.click().run()
    seen = app.query_params["mistake"]
    assert seen in {image["image"] for image in manifest["images"]}
    image = next(image for image in manifest["images"] if image["image"] == seen)
    assert app.query_params["confusion"] == f"{image['label']}-{image['predicted']}"


def test_a_search_is_shown_though_the_browser_has_an_older_address(
    own: tuple[Path, Path], runs: Path, open_page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated(runs / "mine", own)
    monkeypatch.setattr(jobs, "start", lambda order: jobs.Job("mine", runs / "mine", "done"))
    app = open_page("mistakes", folder=str(own[1]))
    app.slider(key="opacity").set_value(0.3).run()
    del app.query_params["opacity"]
    next(button for button in app.button if button.label == "Find the mistakes").click().run()
    assert "n = 6 images" in texts(app)
    assert (app.query_params["run"], app.query_params["opacity"]) == ("mine", "0.3")


def test_what_has_changed_since_the_run_is_said(
    own: tuple[Path, Path], runs: Path, open_page: Page, tmp_path: Path
) -> None:
    network, pictures = (shutil.copytree(folder, tmp_path / folder.name) for folder in own)
    evaluated(runs / "mine", (network, pictures))
    save_network(build_network("squeezenet1_1", 3), CARD, network, "fruits")
    app = open_page("mistakes", run="mine", methods="grad_cam")
    until(app, lambda: mistakes_wording.OTHER_NETWORK in texts(app))
    gone = Path(shutil.copytree(own[1], tmp_path / "gone"))
    evaluated(runs / "moved", (own[0], gone))
    gone.rename(tmp_path / "elsewhere")
    app = open_page("mistakes", run="moved", methods="grad_cam")
    assert "None of these images is where it was" in texts(app)
    assert "n = 6 images" in texts(app)  # the numbers stay


def test_pictures_without_labels_and_a_failed_search_give_one_sentence(
    own: tuple[Path, Path], runs: Path, open_page: Page, tmp_path: Path
) -> None:
    (tmp_path / "flat").mkdir()
    Image.fromarray(picture(0).rgb).save(tmp_path / "flat" / "0.png")
    classifier = load_classifier(own[0])
    data = load_folder(tmp_path / "flat", classifier.categories)
    metrics = [METRICS["sparseness"]()]
    run_evaluation(runs / "flat", classifier, data, [METHODS["random"]()], metrics)
    app = open_page("mistakes")
    app.selectbox(key="run").set_value("flat").run()
    assert mistakes_wording.NO_LABELS in texts(app)
    assert app.query_params["run"] == "flat"

    order = jobs.Order("flat", "resnet50@gone.pth", ("grad_cam",), ("sparseness",), 1)
    (runs / "failed").mkdir()
    (runs / "failed" / "log.txt").write_text("error: gone.pth: no such file")
    (runs / "failed" / "job.json").write_text(json.dumps({"order": asdict(order), "started": 1}))
    app = open_page("mistakes", run="failed")
    assert "<div class='problem' role='alert'>gone.pth: no such file</div>" in texts(app)


@shipped
def test_the_shipped_mistakes_have_maps_at_once(open_page: Page) -> None:
    app = open_page("mistakes")
    images = load_manifest(DATA / "runs" / "shipped")["images"]
    wrong = sum(not image["correct"] for image in images)
    said = texts(app)
    assert f"On orchard (model orchard, n = {len(images)} images)" in said
    assert f"the model is right on {len(images) - wrong}: " in said
    assert "outside" in texts(app)
    if wrong:
        until(app, lambda: " more than " in texts(app))


def test_clusters_of_heatmaps_are_shown_with_their_shares_of_errors(
    runs: Path, open_page: Page, tables: Callable[[AppTest], list[pd.DataFrame]]
) -> None:
    runs.mkdir()
    maps = blobs([0] * 25 + [1] * 15)
    write_run(runs / "planted", wrong_from=25, maps=maps)  # wrong on all of the second group
    app = open_page("mistakes", run="planted")
    app.session_state["_seen"] = "Explained alike"
    app.run()
    assert not app.exception
    assert "the heatmaps of CAM make 2 clusters." in texts(app)
    assert "In cluster 2 the model is wrong on 15 of 15 images, more often than" in texts(app)
    assert "Cluster 1: 25 images, wrong on 0 of 25" in texts(app)
    table = next(table for table in tables(app) if "Share of errors" in table)
    assert list(table["Share of errors"]) == ["0.000", "1.000"]
    assert list(table["n"]) == ["25", "15"]


@shipped
def test_a_run_that_keeps_no_heatmaps_says_what_to_do(open_page: Page) -> None:
    app = open_page("mistakes")
    app.session_state["_seen"] = "Explained alike"
    app.run()
    assert "This run keeps no heatmaps of this method" in texts(app)


def test_a_single_mistake_among_many_hits_is_redder_than_pale() -> None:
    """The square root: 1 of 24 would be 4 % of the scale, which is the page's own colour."""
    chart = mistake_charts.draw_confusion(np.array([[23, 1], [0, 24]]), ["a", "b"])
    (first, second) = chart.data[0].z
    assert first[1] == pytest.approx((1 / 24) ** 0.5)
    assert second[0] == 0
    assert first[0] == pytest.approx(-0.6 * 23 / 24)
