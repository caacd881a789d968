"""Fine-tune or train a torchvision model: one loop for folders of images and for Orchard."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from glob import escape
from pathlib import Path
from typing import Any, Protocol

import torch
import torchvision
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms import v2

from xai_core.files import write_whole
from xai_core.images.reading import InputFormat
from xai_core.recipe import Recipe, setting
from xai_core.titles import percent

Progress = Callable[[str, float], None]
"""Called with a line for people and the fraction of all epochs that is done."""


class TrainingData(Protocol):
    """Images with labels: `read(index)` gives (3, H, W) uint8; `labels` are int64 (N,), or float
    (N, K) shares of the classes where an image shows several."""

    labels: Tensor

    def read(self, index: int) -> Tensor: ...


@dataclass(frozen=True)
class Phase:
    """Some epochs on one source at one input size (px); the last phase sets the final size."""

    data: TrainingData
    size: int
    epochs: int


@dataclass(frozen=True)
class TrainingPlan(Recipe):
    """AdamW with a short warm-up and a cosine schedule; equal plan and seed, equal weights."""

    name = "training"
    title = "Training"
    reference = "Loshchilov & Hutter, ICLR 2019, arXiv 1711.05101"

    learning_rate: float = setting(1e-3, "largest step of AdamW", low=1e-7, high=1.0)
    weight_decay: float = setting(0.05, "decay of the weights", low=0.0, high=1.0)
    batch_size: int = setting(32, "images in one step", low=2, high=1024)
    label_smoothing: float = setting(0.05, "probability dealt to other classes", low=0.0, high=0.5)
    smallest_crop: float = setting(0.7, "smallest area of a random crop", low=0.05, high=1.0)
    colour_jitter: float = setting(0.2, "change of brightness and contrast", low=0.0, high=1.0)
    flip: bool = setting(True, "mirror half of the images")
    freeze_until: str = setting("", "first part of the model that is trained; empty: all of it")
    patience: int = setting(0, "epochs without progress until it stops; 0: never", low=0, high=999)
    balance: bool = setting(True, "weight classes by their rarity")
    precision: str = setting("auto", "number format of passes", choices=("auto", "fp32", "bf16"))
    seed: int = setting(0, "of order, augmentation and new layers", low=0, high=2**31 - 1)


@dataclass
class _State:
    epoch: int
    network: dict[str, Tensor]
    optimiser: dict[str, Any]
    best: dict[str, Tensor]
    best_accuracy: float
    best_epoch: int
    history: list[dict[str, float]]


def run_training(
    network: nn.Module,
    phases: Sequence[Phase],
    validation: TrainingData,
    plan: TrainingPlan,
    form: InputFormat,
    out: Path,
    name: str,
    progress: Progress | None = None,
) -> list[dict[str, float]]:
    """Train `model` in place, to the weights of its best epoch in the last phase; give the log.

    Continues from `out/name.checkpoint.pt` where that is of the same plan, with the result of an
    undisturbed run. Writes `out/name.log.csv` after every epoch. Raises ValueError for a
    `freeze_until` that the model lacks.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _arrange(network, form, phases[0].size, device)
    frozen = _freeze(network, plan.freeze_until)
    optimiser = _optimiser(network, plan)
    epochs = [phase for phase in phases for _ in range(phase.epochs)]
    identity = _identity(plan, phases, network)
    checkpoint = out / f"{name}.checkpoint.pt"
    for unfinished in out.glob(f"{escape(name)}.*.tmp"):  # of a process that was killed
        unfinished.unlink(missing_ok=True)
    state = _resume(checkpoint, identity, network, optimiser)
    if state.history:  # the process may have ended before it wrote the last row
        _write_log(out / f"{name}.log.csv", state.history)
    steps = [math.ceil(len(phase.data.labels) / plan.batch_size) for phase in epochs]
    first_of_last = len(epochs) - phases[-1].epochs
    for epoch in range(state.epoch, len(epochs)):
        if plan.patience and state.best and epoch - 1 - state.best_epoch >= plan.patience:
            break
        phase = epochs[epoch]
        with torch.random.fork_rng():
            torch.manual_seed(plan.seed * 100_003 + epoch)
            loss = _train_epoch(
                network, phase, plan, form, optimiser, frozen, sum(steps[:epoch]), sum(steps),
                lambda part, e=epoch: progress and progress(  # type: ignore[misc]
                    f"epoch {e + 1} of {len(epochs)}", (e + part) / len(epochs)
                ),
            )  # fmt: skip
        accuracy = accuracy_of(network, validation, replace(form, size=phase.size), plan)
        row = {"epoch": epoch + 1, "size": phase.size, "loss": loss, "accuracy": accuracy}
        state.history.append(row)
        if epoch >= first_of_last and accuracy > state.best_accuracy:
            state.best = {k: v.detach().clone() for k, v in network.state_dict().items()}
            state.best_accuracy, state.best_epoch = accuracy, epoch
        state.epoch = epoch + 1
        state.network, state.optimiser = network.state_dict(), optimiser.state_dict()
        _save(checkpoint, {"identity": identity, **vars(state)})
        _write_log(out / f"{name}.log.csv", state.history)
        if progress:
            progress(f"epoch {epoch + 1}: loss {loss:.3f}, validation {percent(accuracy, 1)}", 0.0)
    network.load_state_dict(state.best or state.network)
    return state.history


def _arrange(network: nn.Module, form: InputFormat, size: int, device: torch.device) -> None:
    """On the device in channels_last, or as it was where the model's own `view` forbids that."""
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    blank = torch.zeros(2, len(form.mean), size, size, device=device)
    try:
        with torch.no_grad():
            network.eval()(blank.contiguous(memory_format=torch.channels_last))
    except RuntimeError:
        network.to(memory_format=torch.contiguous_format)


def _lies(network: nn.Module) -> torch.memory_format:
    """How the model's weights lie, and so its images."""
    last = torch.channels_last
    kernels = [weight for weight in network.parameters() if weight.ndim == 4]
    is_last = any(w.is_contiguous(memory_format=last) and not w.is_contiguous() for w in kernels)
    return last if is_last else torch.contiguous_format


def accuracy_of(
    network: nn.Module, data: TrainingData, form: InputFormat, plan: TrainingPlan
) -> float:
    """Share of images whose prediction is a class they show, at the form's size, as they are."""
    return float(is_right(network, data, form, plan).double().mean()) if len(data.labels) else 0.0


def is_right(
    network: nn.Module, data: TrainingData, form: InputFormat, plan: TrainingPlan
) -> Tensor:
    """(N,) bool: whether the prediction for each image is a class that it shows."""
    network.eval()
    device = next(network.parameters()).device
    right = []
    with torch.inference_mode(), _autocast(plan, device):
        for indices in torch.split(torch.arange(len(data.labels)), plan.batch_size):
            images = torch.stack(
                [v2.functional.resize(data.read(int(i)), [form.size] * 2) for i in indices]
            )
            logits = network(_normalised(images, form, device, _lies(network)))
            right.append(_is_shown(data.labels[indices], logits.argmax(1).cpu()))
    return torch.cat(right)


def save_network(network: nn.Module, card: dict[str, Any], out: Path, name: str) -> Path:
    """Write `out/name.safetensors` in half precision and `out/name.json`, the model card."""
    weights = {
        key: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for key, value in network.state_dict().items()
    }
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.safetensors"
    write_whole(path, save(weights))
    content = {
        **card,
        "name": name,
        "weights": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__},
        "date": date.today().isoformat(),
    }
    write_card(out / f"{name}.json", content)
    return path


def write_card(path: Path, content: dict[str, Any]) -> None:
    """Write a model card (JSON) atomically."""
    write_whole(path, json.dumps(content, indent=1) + "\n")


def _train_epoch(
    network: nn.Module,
    phase: Phase,
    plan: TrainingPlan,
    form: InputFormat,
    optimiser: torch.optim.Optimizer,
    frozen: Sequence[nn.Module],
    done: int,
    total: int,
    progress: Callable[[float], object],
) -> float:
    """One pass over the data; the mean loss."""
    network.train()
    for module in frozen:
        module.eval()
    device, lies = next(network.parameters()).device, _lies(network)
    weights: Tensor | None = None
    losses = 0.0
    for step, (images, labels) in enumerate(_batches(phase, plan, device)):
        for group in optimiser.param_groups:
            group["lr"] = plan.learning_rate * _schedule(done + step, total)
        with _autocast(plan, device):
            logits = network(_normalised(images, form, device, lies))
            if plan.balance and weights is None:
                weights = _class_weights(phase.data.labels, logits.shape[1]).to(device)
            loss = functional.cross_entropy(
                logits.float(), labels, weights, label_smoothing=plan.label_smoothing
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses += float(loss.detach()) * len(labels)
        if step % 10 == 0:
            progress(step * plan.batch_size / len(phase.data.labels))
    return losses / len(phase.data.labels)


def _batches(
    phase: Phase, plan: TrainingPlan, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Augmented images (uint8) with labels, changed on the device: a CPU would starve a GPU."""
    steps: list[Any] = [
        v2.RandomResizedCrop(
            phase.size, scale=(plan.smallest_crop, 1.0), ratio=(0.9, 1.1), antialias=True
        )
    ]
    if plan.flip:
        steps.append(v2.RandomHorizontalFlip())
    if plan.colour_jitter:
        steps.append(v2.ColorJitter(plan.colour_jitter, plan.colour_jitter, plan.colour_jitter))
    augment = v2.Compose(steps)
    for indices in torch.split(torch.randperm(len(phase.data.labels)), plan.batch_size):
        if len(indices) < 2:  # batch norm needs two
            continue
        images = torch.stack([augment(phase.data.read(int(i)).to(device)) for i in indices])
        yield images, phase.data.labels[indices].to(device)


def _normalised(
    images: Tensor, form: InputFormat, device: torch.device, lies: torch.memory_format
) -> Tensor:
    mean = torch.tensor(form.mean, device=device)[:, None, None]
    std = torch.tensor(form.std, device=device)[:, None, None]
    values = (images.to(device).float() / 255.0 - mean) / std
    return values.contiguous(memory_format=lies)


def _schedule(step: int, total: int) -> float:
    """Warm-up over the first 5 % of the steps, then half a cosine down to zero."""
    warm = max(1, total // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _is_shown(labels: Tensor, predicted: Tensor) -> Tensor:
    if labels.ndim == 1:
        return labels == predicted
    return labels.gather(1, predicted[:, None])[:, 0] > 0


def _class_weights(labels: Tensor, classes: int) -> Tensor:
    """(K,) by rarity; 0 for a class that no image shows: smoothing would else favour it most."""
    counts = torch.bincount(labels, minlength=classes) if labels.ndim == 1 else labels.sum(dim=0)
    there = counts > 0
    return torch.where(there, counts[there].float().mean() / counts.where(there, 1), 0.0)


def _freeze(network: nn.Module, until: str) -> list[nn.Module]:
    """Freeze all parts before `until`; the parts, whose batch norm must stay in eval mode."""
    parts = list(network.named_children())
    if not until:
        return []
    names = [name for name, _ in parts]
    if until not in names:
        raise ValueError(f"freeze_until must be one of {', '.join(names)}, got {until!r}")
    frozen = [module for _, module in parts[: names.index(until)]]
    for module in frozen:
        module.requires_grad_(False)
    return frozen


def _optimiser(network: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    trained = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": plan.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.learning_rate)


def _autocast(plan: TrainingPlan, device: torch.device) -> torch.autocast:
    wanted = plan.precision == "bf16"
    if plan.precision == "auto":
        on_cpu = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
        wanted = device.type == "cuda" or bool(on_cpu())
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def _identity(plan: TrainingPlan, phases: Sequence[Phase], network: nn.Module) -> str:
    """A checkpoint of another plan, data set or starting point is not continued."""
    digest = hashlib.sha256(plan.key().encode())
    for phase in phases:
        digest.update(f"{phase.size}/{phase.epochs}".encode() + phase.data.labels.numpy().tobytes())
    for key, value in network.state_dict().items():
        digest.update(key.encode() + str(float(value.double().sum())).encode())
    return digest.hexdigest()


def _resume(
    path: Path, identity: str, network: nn.Module, optimiser: torch.optim.Optimizer
) -> _State:
    fresh = _State(0, {}, {}, {}, -1.0, 0, [])
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        return fresh
    device = next(network.parameters()).device
    try:
        saved = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError):
        raise ValueError(f"{path}: is damaged; delete it to train from the beginning") from None
    if saved.pop("identity") != identity:
        return fresh
    state = _State(**saved)
    network.load_state_dict(state.network)
    optimiser.load_state_dict(state.optimiser)
    return state


def _save(path: Path, content: dict[str, Any]) -> None:
    saved = io.BytesIO()
    torch.save(content, saved)
    write_whole(path, saved.getvalue())


def _write_log(path: Path, history: Sequence[dict[str, float]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(history[0]))
    writer.writeheader()
    writer.writerows(history)
    write_whole(path, text.getvalue())
