"""The model that training starts from: torchvision's, timm's, or one from a Python file."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xai_core.images.reading import InputFormat
from xai_core.models.adapting import adapted
from xai_core.models.sources import python, timm
from xai_core.models.starting_weights import classes_of, starting_weights, with_more_classes
from xai_core.models.torchvision_networks import (
    BadClassifier,
    build_network,
    first_line,
    real_counts,
)

USUAL_SIZE = 224


def checked_architecture(name: str) -> str:
    """The name by which the result is known, wherever it is loaded from; raises BadClassifier."""
    if not python.claims(name):
        return name
    spelled, weights = python.split(name)
    if weights:
        raise BadClassifier(f"--architecture {name}: name the weights by --weights {weights}")
    file, _, function = spelled.rpartition(":")
    return f"{Path(file).resolve()}:{function}"


def form_for(architecture: str, size: int | None) -> InputFormat:
    """The preprocessing to train with, of this size or the architecture's own."""
    usual = InputFormat()
    if timm.claims(architecture):
        with torch.device("meta"), real_counts():  # takes no memory
            usual = timm.form_of(timm.built(architecture, 2))
    own = usual.size if timm.claims(architecture) else USUAL_SIZE
    side = own if size is None else size
    return replace(usual, size=side, resize=side, width=None)


def start(
    options: argparse.Namespace, seed: int, classes: Sequence[str], arguments: dict[str, Any]
) -> tuple[nn.Module, dict[str, Any]]:
    """The model before training, its new layers drawn by the seed, and what it is built with."""
    weights: dict[str, Tensor] = {}
    if options.weights != "none":
        weights, own = starting_weights(options.weights, options.architecture)
        arguments = {**arguments, **own}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network, arguments = _built(options.architecture, len(classes), arguments)
    wanted = network.state_dict()
    weights = with_more_classes(weights, wanted, classes_of(options.weights), classes)
    fitting = {k: v for k, v in weights.items() if k in wanted and v.shape == wanted[k].shape}
    if weights and len(fitting) < 0.9 * len(wanted):
        raise BadClassifier(
            f"--weights {options.weights}: only {len(fitting)} of {len(wanted)} tensors fit "
            f"{options.architecture}; is this the right --architecture?"
        )
    network.load_state_dict(fitting, strict=False)
    return network, arguments


def fitted(network: nn.Module, options: argparse.Namespace, size: int, count: int) -> nn.Module:
    """The model, which gives one row of `count` scores for images of this size, or a sentence."""
    try:
        with torch.random.fork_rng(devices=[]):
            found = adapted(network.eval(), torch.zeros(2, 3, size, size), "softmax").network
            with torch.no_grad():
                outputs = found(torch.zeros(2, 3, size, size)).shape[1]
    except (RuntimeError, ValueError, AssertionError, TypeError) as error:
        raise ValueError(
            f"--size {size}: {options.architecture} cannot take images of this size "
            f"({first_line(error)}); most models take 224"
        ) from None
    if outputs != count:
        raise ValueError(
            f"{options.architecture}: gives {outputs} outputs, but there are {count} classes; give "
            f"the function an argument num_classes, or say --argument NAME={count}"
        )
    return found


def _built(
    architecture: str, classes: int, arguments: dict[str, Any]
) -> tuple[nn.Module, dict[str, Any]]:
    if timm.claims(architecture):
        return timm.built(architecture, classes, **arguments), arguments
    if not python.claims(architecture):
        return build_network(architecture, classes, **arguments), arguments
    function = python.function_of(architecture)
    if "num_classes" in inspect.signature(function).parameters:
        arguments = {"num_classes": classes, **arguments}
    return python.made(architecture, function, arguments), arguments
