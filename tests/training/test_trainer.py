"""Training learns, continues after an interruption bit by bit, and keeps frozen parts."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.conftest import write_colours
from xai_core.images.reading import InputFormat
from xai_core.training.curriculum import labels_of
from xai_core.training.examples import split_folder
from xai_core.training.trainer import (
    Phase,
    Progress,
    TrainingPlan,
    _batches,
    _class_weights,
    accuracy_of,
    run_training,
    save_network,
)

FORM = InputFormat(size=24, resize=24)
PLAN = TrainingPlan(learning_rate=0.02, batch_size=8, precision="fp32")


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal to the last bit is promised per device; here it is the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


class Discs:
    """Images whose class is the colour that is strongest: red, green or blue."""

    def __init__(self, count: int, seed: int, size: int = 24) -> None:
        random = np.random.default_rng(seed)
        self.labels = torch.arange(count) % 3
        pixels = random.integers(0, 120, (count, 3, size, size), dtype=np.uint8)
        for picture, label in zip(pixels, self.labels.tolist(), strict=True):
            picture[label] += 100
        self.pixels = torch.from_numpy(pixels)

    def read(self, index: int) -> Tensor:
        return self.pixels[index]


class Narrow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())
        self.fc = nn.Linear(8, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.body(self.stem(images)).mean((2, 3)))


def narrow(seed: int = 0) -> Narrow:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Narrow()


def train(
    out: Path,
    plan: TrainingPlan = PLAN,
    phases: Sequence[Phase] | None = None,
    validation: Discs | None = None,
    progress: Progress | None = None,
) -> tuple[Narrow, list[dict[str, float]]]:
    network = narrow()
    phases = phases or [Phase(Discs(48, 0), 24, 3)]
    history = run_training(
        network, phases, validation or Discs(30, 1), plan, FORM, out, "run", progress
    )
    return network, history


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_separable_task_is_learnt(tmp_path: Path) -> None:
    network, history = train(tmp_path, phases=[Phase(Discs(96, 0), 24, 5)])
    assert history[-1]["loss"] < history[0]["loss"]
    assert max(row["accuracy"] for row in history) >= 0.95
    unseen = Discs(60, 2)
    assert accuracy_of(network, unseen, FORM, PLAN) >= 0.95


def test_accuracy_is_the_share_of_right_answers() -> None:
    class Brightest(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, images: Tensor) -> Tensor:
            return images.mean((2, 3)) * self.scale

    discs = Discs(30, 1)
    form = replace(FORM, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    assert accuracy_of(Brightest(), discs, form, PLAN) == 1.0
    discs.labels[:6] = (discs.labels[:6] + 1) % 3
    assert accuracy_of(Brightest(), discs, form, PLAN) == 24 / 30


def test_equal_plans_give_equal_weights_and_another_seed_others(tmp_path: Path) -> None:
    first, log = train(tmp_path / "a")
    second, again = train(tmp_path / "b")
    assert same(first, second)
    assert log == again
    assert not same(first, train(tmp_path / "c", replace(PLAN, seed=1))[0])


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("epoch", [1, 3])
def test_an_interrupted_run_ends_with_the_weights_of_an_undisturbed_one(
    tmp_path: Path, epoch: int
) -> None:
    phases = [Phase(Discs(40, 0), 16, 2), Phase(Discs(40, 0), 24, 2)]
    whole, log = train(tmp_path / "whole", phases=phases)

    def stop(message: str, fraction: float) -> None:
        if message.startswith(f"epoch {epoch}: "):
            raise Interrupted

    with pytest.raises(Interrupted):
        train(tmp_path / "parts", phases=phases, progress=stop)
    continued, again = train(tmp_path / "parts", phases=phases)
    assert same(continued, whole)
    assert again == log
    finished, once_more = train(tmp_path / "parts", phases=phases)  # nothing is left to do
    assert same(finished, whole)
    assert once_more == log


def test_an_interruption_inside_an_epoch_repeats_that_epoch(tmp_path: Path) -> None:
    whole, _ = train(tmp_path / "whole")

    def stop(message: str, fraction: float) -> None:
        if message == "epoch 2 of 3":
            raise Interrupted

    with pytest.raises(Interrupted):
        train(tmp_path / "parts", progress=stop)
    assert same(train(tmp_path / "parts")[0], whole)


@pytest.mark.parametrize("change", ["plan", "labels", "network"])
def test_a_checkpoint_of_something_else_is_not_continued(tmp_path: Path, change: str) -> None:
    train(tmp_path)
    data, plan, network = Discs(48, 0), PLAN, narrow()
    if change == "plan":
        plan = replace(PLAN, label_smoothing=0.1)
    elif change == "labels":
        data.labels = data.labels.flip(0)
    else:
        network = narrow(seed=5)
    epochs: list[str] = []
    run_training(
        network, [Phase(data, 24, 3)], Discs(30, 1), plan, FORM, tmp_path, "run",
        lambda message, _: epochs.append(message),
    )  # fmt: skip
    assert "epoch 1 of 3" in epochs


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.checkpoint.pt").write_bytes(b"half of a file")
    with pytest.raises(ValueError, match=r"run\.checkpoint\.pt: is damaged; delete it"):
        train(tmp_path)


def test_the_frozen_part_is_unchanged_its_batch_norm_included(tmp_path: Path) -> None:
    before = narrow()
    after, _ = train(tmp_path, replace(PLAN, freeze_until="body"))
    assert same(before.stem, after.stem)
    assert not same(before.body, after.body)
    assert not same(before.fc, after.fc)
    only_head, _ = train(tmp_path / "head", replace(PLAN, freeze_until="fc"))
    assert same(before.stem, only_head.stem)
    assert same(before.body, only_head.body)
    assert not same(before.fc, only_head.fc)


def test_an_unknown_part_lists_the_parts(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="freeze_until must be one of stem, body, fc, got 'layer4'"
    ):
        train(tmp_path, replace(PLAN, freeze_until="layer4"))


def test_training_stops_when_it_no_longer_gets_better(tmp_path: Path) -> None:
    hopeless = Discs(30, 1)
    hopeless.labels = torch.full((30,), 3)  # a class that the model does not have
    still = replace(PLAN, patience=2)
    phases = [Phase(Discs(16, 0), 24, 9)]
    network, history = train(tmp_path, still, phases, hopeless)
    assert len(history) == 3
    again, log = train(tmp_path, still, phases, hopeless)  # a finished run stays finished
    assert log == history
    assert same(again, network)


def test_the_weights_of_the_best_epoch_of_the_last_phase_are_kept(tmp_path: Path) -> None:
    validation = Discs(30, 1)
    phases = [Phase(Discs(48, 0), 16, 1), Phase(Discs(48, 0), 24, 4)]
    network, history = train(tmp_path, phases=phases, validation=validation)
    last = [row["accuracy"] for row in history if row["size"] == 24]
    assert len(last) == 4
    assert accuracy_of(network, validation, FORM, PLAN) == max(last)


def test_every_epoch_reads_all_pictures_in_an_order_of_its_own(tmp_path: Path) -> None:
    class Noted(Discs):
        read_indices: list[int] = []  # noqa: RUF012

        def read(self, index: int) -> Tensor:
            self.read_indices.append(index)
            return super().read(index)

    train(tmp_path, phases=[Phase(Noted(16, 0), 24, 2)])
    first, second = Noted.read_indices[:16], Noted.read_indices[16:]
    assert sorted(first) == sorted(second) == list(range(16))
    assert first != second


def test_the_log_has_a_row_for_each_epoch(tmp_path: Path) -> None:
    _, history = train(tmp_path)
    with (tmp_path / "run.log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [{key: float(value) for key, value in row.items()} for row in rows] == history
    assert [row["epoch"] for row in history] == [1, 2, 3]


def test_the_last_row_is_written_where_the_process_ended_before_it(tmp_path: Path) -> None:
    train(tmp_path)
    log = tmp_path / "run.log.csv"
    whole = log.read_text()
    log.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    train(tmp_path)  # nothing is left to train
    assert log.read_text() == whole


def test_training_leaves_the_global_random_numbers_alone(tmp_path: Path) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    train(tmp_path, phases=[Phase(Discs(16, 0), 24, 1)])
    assert torch.equal(torch.rand(3), expected)


def test_the_card_says_what_was_written(tmp_path: Path) -> None:
    path = save_network(narrow(), {"title": "Narrow", "extra": [1, 2]}, tmp_path / "new", "n")
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["title"] == "Narrow"
    assert card["extra"] == [1, 2]
    assert card["weights"] == "n.safetensors"
    assert set(card["versions"]) == {"torch", "torchvision"}
    assert sorted(p.name for p in path.parent.iterdir()) == ["n.json", "n.safetensors"]


def test_a_folder_of_pictures_is_learnt(tmp_path: Path) -> None:
    colours = {"lime": (20, 200, 20), "plum": (120, 10, 120), "sky": (40, 80, 220)}
    write_colours(tmp_path / "fruit", colours, 12)
    training, validation, _, _ = split_folder(tmp_path / "fruit", 24, 0.25, 0)
    network = narrow()
    plan = replace(PLAN, smallest_crop=0.9)
    run_training(network, [Phase(training, 24, 5)], validation, plan, FORM, tmp_path / "out", "n")
    assert accuracy_of(network, validation, FORM, plan) == 1.0


class SharedDiscs(Discs):
    """The same images with the label as shares of the classes."""

    def __init__(self, count: int, seed: int) -> None:
        super().__init__(count, seed)
        self.labels = labels_of(nn.functional.one_hot(self.labels).bool())
        if self.labels.ndim == 1:  # one class in each: shares on purpose
            self.labels = nn.functional.one_hot(self.labels).float()


def test_shares_that_name_one_class_train_as_its_label_does(tmp_path: Path) -> None:
    plan = replace(PLAN, balance=False)
    logs = []
    for data in (Discs(24, 0), SharedDiscs(24, 0)):
        network = narrow()
        phases = [Phase(data, 24, 2)]
        log = run_training(network, phases, data, plan, FORM, tmp_path, type(data).__name__)
        logs.append([(row["loss"], row["accuracy"]) for row in log])
    # both forms of the same sum, in another order
    np.testing.assert_allclose(logs[0], logs[1], rtol=1e-4)


def test_several_classes_share_the_label_and_any_of_them_is_right() -> None:
    shown = torch.tensor([[True, True, False], [False, False, True]])
    assert labels_of(shown).tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    assert labels_of(shown[1:]).tolist() == [2]
    data = SharedDiscs(2, 0)
    for first, accuracy in ((0, 1.0), (1, 1.0), (2, 0.0)):
        data.labels = labels_of(torch.tensor([[True, True, False]] * 2))
        network = narrow()
        nn.init.zeros_(network.fc.weight)
        network.fc.bias.data = nn.functional.one_hot(torch.tensor(first), 3).float()
        assert accuracy_of(network, data, FORM, PLAN) == accuracy


def test_images_are_augmented_where_the_model_is() -> None:
    data = Discs(12, 0)
    elsewhere = list(_batches(Phase(data, 16, 1), PLAN, torch.device("meta")))
    assert [tuple(images.shape) for images, _ in elsewhere] == [(8, 3, 16, 16), (4, 3, 16, 16)]
    assert {t.device.type for batch in elsewhere for t in batch} == {"meta"}


def test_classes_weigh_by_rarity_and_those_that_no_image_shows_weigh_nothing() -> None:
    indices = torch.tensor([0, 0, 0, 1])
    assert _class_weights(indices, 4).tolist() == pytest.approx([2 / 3, 2, 0, 0])
    shares = torch.eye(4)[indices]
    assert _class_weights(shares, 4).tolist() == pytest.approx([2 / 3, 2, 0, 0])
    soft = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])
    assert _class_weights(soft, 3).tolist() == pytest.approx([4 / 3, 8 / 9, 8 / 9])


def test_a_network_learns_some_of_its_classes(tmp_path: Path) -> None:
    network = Narrow()
    network.fc = nn.Linear(8, 5)
    data = Discs(12, 0)
    log = run_training(network, [Phase(data, 16, 1)], data, PLAN, FORM, tmp_path, "some")
    assert np.isfinite(log[0]["loss"])


def test_a_class_that_is_never_shown_gains_nothing_by_smoothing() -> None:
    """As with stickers: without its images the weight of a class would be the largest of all."""
    labels = torch.tensor([0, 1] * 40)
    weights = _class_weights(labels, 3)
    logits = torch.zeros(80, 3, requires_grad=True)
    nn.functional.cross_entropy(logits, labels, weights, label_smoothing=0.05).backward()
    assert logits.grad is not None
    assert (logits.grad[:, 2] > 0).all()  # a step down
