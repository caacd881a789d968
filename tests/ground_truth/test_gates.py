"""Gates on masks and importances whose right values are known."""

import json
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from xai_core.__main__ import main
from xai_core.ground_truth import gates
from xai_core.ground_truth.benchmarks import _units
from xai_core.ground_truth.gates import (
    Gate,
    centre_auroc,
    centre_points,
    importance_gates,
    importances,
    model_gates,
    scene_gates,
)
from xai_core.orchard import sample_scene
from xai_core.orchard.fruits.gourd import PARTS, alike
from xai_core.orchard.scene import CLASSES, VARIETIES
from xai_core.orchard.shot import Shot
from xai_core.orchard.table import sample_table
from xai_core.orchard.variety import sample_variety


def test_auroc_of_the_middle_is_one_for_a_disc_there_and_nought_for_the_corners():
    steps = np.arange(40) - 19.5
    away = np.hypot(steps[:, None], steps[None])
    assert centre_auroc(away < 9) == 1
    assert centre_auroc(away > 25) == 0
    assert centre_points(away < 9)
    assert not centre_points(away > 25)


def test_auroc_agrees_with_counting_pairs():
    mask = np.random.default_rng(1).random((9, 9)) < 0.3
    steps = np.arange(9) - 4.0
    away = np.hypot(steps[:, None], steps[None])
    pairs = away[mask][:, None], away[~mask][None]
    wins = (pairs[0] < pairs[1]) + 0.5 * (pairs[0] == pairs[1])
    assert centre_auroc(mask) == pytest.approx(wins.mean())


def test_any_place_in_turn_gives_one_half():
    """Over all single pixels the AUROC is one half on average, as for uniform places."""
    found = []
    for index in range(81):
        mask = np.zeros(81, bool)
        mask[index] = True
        found.append(centre_auroc(mask.reshape(9, 9)))
    assert np.mean(found) == pytest.approx(0.5)


def test_importances_decide_their_gates():
    one_body = np.array([9.0, 0.2, 0.1, 0.0, 0.0])
    many_parts = np.array([-1.0, 2.0, 2.5, 2.0, 1.5])
    areas = np.array([100.0, 5.0, 4.0, 3.0, 2.0])
    poor = importance_gates([one_body] * 3, [areas] * 3)
    assert [gate.holds for gate in poor] == [False, False, False]
    assert poor[1].value == pytest.approx(9 / 9.3)
    good = importance_gates([many_parts] * 3, [areas] * 3)
    assert [gate.holds for gate in good] == [True, True, True]
    assert good[1].value == pytest.approx(2.5 / 9)


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict"),
    [
        (0.45, 0.55, 0.5, "0.500 (at least 0.45 and at most 0.55), 7 scenes: holds"),
        (None, 0.15, 0.2, "0.200 (at most 0.15), 7 scenes: DOES NOT HOLD"),
        (None, None, 0.2, "0.200, 7 scenes: reported"),
    ],
)
def test_a_gate_says_what_was_wanted(low, high, value, verdict):
    assert Gate("centre", value, 7, low, high).sentence == f"centre: {verdict}"


def test_a_fruit_in_the_middle_fails_where_tables_pass():
    central = scene_gates("table", [Shot(sample_scene("apple", 1, seed), 48) for seed in range(3)])
    assert [gate.holds for gate in central[:3]] == [False, False, False]
    tables = scene_gates("table", [Shot(sample_table(1, seed), 48) for seed in range(24)])
    assert tables[1].holds


def test_the_command_prints_and_stores_the_gates(tmp_path, capsys):
    main(["orchard", "gates", "--kind", "table", "--limit", "2", "--out", str(tmp_path)])
    stored = json.loads((tmp_path / "facts.json").read_text())["gates"]["table"]
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in printed[:4]] == [gate["name"] for gate in stored]


def looks_up_parts(classifier, shots):
    """Logits that count, for every variety, the parts in the scene that are as it has them."""
    rows = []
    for shot in shots:
        gourd = shot.scene.fruits[0]
        own = [part.name for part in gourd.parts if part.name in PARTS]
        same = [sum(name in alike(gourd.kind, [part]) for part in own) for name in VARIETIES]
        rows.append(torch.tensor([0.0] * 12 + same))
    return torch.stack(rows)


def test_a_model_that_looks_up_parts_passes_all_gates_of_varieties(monkeypatch):
    """Each of four parts is worth one, both ways; body and distractors nothing."""
    _units.units_in.cache_clear()
    for module in (_units, gates):
        monkeypatch.setattr(module, "logits_of_shots", looks_up_parts)
    shots = [Shot(sample_variety(1 + n % 4, n, VARIETIES[n]), 64) for n in range(8)]
    model = Mock(categories=CLASSES)
    lost, _ = importances(model, shots)
    for shot, values in zip(shots, lost, strict=True):
        assert values.tolist() == [0.0, 1.0, 1.0, 1.0, 1.0] + [0.0] * len(shot.scene.distractors)
    found = {gate.name: gate for gate in model_gates(model, shots)}
    _units.units_in.cache_clear()
    assert found["prediction is a fruit shown"].value == 1
    assert found["largest thing is the most important"].value == 0
    assert found["most important thing's share, median"].value == 0.25
    assert all(gate.holds is not False for gate in found.values())
    scene = {gate.name: gate for gate in scene_gates("variety", shots)}
    assert scene["parts that cover 0.7 to 3 %"].holds
