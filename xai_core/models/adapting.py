"""A forward of somebody's own, made one that takes images and gives logits (N, K)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from xai_core.models.outputs import Outputs, guessed, probabilities

Step = Callable[[Any], Any]
KEYS = ("logits", "out", "output", "outputs", "prediction", "predictions", "scores", "y")
TOLERANCE = 1e-5
SOFTENED: dict[Outputs, tuple[str, type[nn.Module]]] = {
    "softmax": ("SoftmaxBackward0", nn.Softmax),
    "sigmoid": ("SigmoidBackward0", nn.Sigmoid),
}


class Adapted(NamedTuple):
    """A model from images to logits (N, K), what they mean, and what was noticed."""

    network: nn.Module
    outputs: Outputs
    single: bool  # one logit was given, and is two classes now
    notes: tuple[str, ...]


class Held(nn.Module):
    """Something that takes images, as a module: scripted models cannot be changed themselves."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Any:
        return self.network(images)


def adapted(network: nn.Module, images: Tensor, outputs: Outputs | None) -> Adapted:
    """The model (a copy of our own, which is changed) with logits (N, K) as its output.

    `images` (N, C, H, W) are tried. Raises ValueError where there is no row of scores per image.
    """
    if isinstance(network, torch.jit.ScriptModule | fx.GraphModule) or "forward" in vars(network):
        network = Held(network)
    given = _tried(network, images)
    steps = _picking(given, len(images))
    scores = _applied(steps, given)
    count = scores.shape[1]
    meaning = outputs or guessed(count)
    softened = _softened(network, images, scores, steps, meaning)
    if softened:
        module, said = softened
        note = f"its forward ends in {said}: probabilities are used as they are"
        if module and _taken_off(network, module, images, steps, scores, meaning):
            again = adapted(network, images, meaning)
            extra = f"{note}, logits are from the layer before"
            return again._replace(notes=(extra, *again.notes))
        steps.append(_log if meaning == "softmax" else _logit)
    notes = [f"{note}, logits are their logarithms"] if softened else []
    single = count == 1 and meaning == "sigmoid"
    if single:
        told = "one logit: two classes by sigmoid"
        expected = _both(_applied(steps, given))
        if not softened and _widened(network, images, expected):
            return adapted(network, images, meaning)._replace(single=True, notes=(told,))
        steps.append(_both)
        notes.append(told)
    if steps or _asks_for_more(network):
        network = with_forward(network, steps)
    return Adapted(network, meaning, single, tuple(notes))


def with_forward(network: nn.Module, steps: list[Step], before: Step | None = None) -> nn.Module:
    """The model, whose forward takes images alone and has `steps` behind it.

    Its class changes, not its parts, so that names and types stay what they were.
    """
    kind, after = type(network), tuple(steps)

    def forward(self: nn.Module, images: Tensor) -> Any:
        result = kind.forward(self, images if before is None else before(images))
        for step in after:
            result = step(result)
        return result

    network.__class__ = type(kind.__name__, (kind,), {"forward": forward})
    return network


def contiguous(images: Tensor) -> Tensor:
    return images.contiguous()


def _asks_for_more(network: nn.Module) -> bool:
    try:
        return len(inspect.signature(network.forward).parameters) != 1
    except (TypeError, ValueError):
        return True


def _tried(network: nn.Module, images: Tensor) -> Any:
    with torch.enable_grad():  # the last step of the outputs is known by its gradient's name
        return network(images.detach().clone().requires_grad_())


def _applied(steps: list[Step], result: Any) -> Tensor:
    for step in steps:
        result = step(result)
    scores: Tensor = result
    return scores


def _picking(given: Any, count: int) -> list[Step]:
    """The steps from what a forward returns to scores (N, K)."""
    steps: list[Step] = []
    if not isinstance(given, Tensor):
        step = _pick(given, count)
        steps.append(step)
        given = step(given)
    if given.ndim == 1 and len(given) == count:
        steps.append(_column)
    elif given.ndim > 2 and len(given) == count and given[0, 0].numel() == 1:
        steps.append(_flat)
    elif given.ndim != 2 or len(given) != count:
        raise ValueError(
            f"the model gives {tuple(given.shape)} for {count} images, not one row of class "
            "scores for each"
        )
    return steps


def _pick(given: Any, count: int) -> Step:
    """How to take the scores out of a tuple, a dictionary or an object."""

    def fits(value: Any) -> bool:
        return isinstance(value, Tensor) and value.ndim <= 2 and value.shape[:1] == (count,)

    if isinstance(given, Mapping):
        keys = [*KEYS, *given]
        found = [key for key in keys if key in given and fits(given[key])]
        if found:
            return lambda result: result[found[0]]
    names = [key for key in KEYS if fits(getattr(given, key, None))]
    if names:
        return lambda result: getattr(result, names[0])
    if isinstance(given, tuple | list):
        places = [index for index, value in enumerate(given) if fits(value)]
        if places:
            return lambda result: result[places[0]]
    raise ValueError(
        f"the model gives a {type(given).__name__} without a row of class scores for each image"
    )


def _column(scores: Tensor) -> Tensor:
    return scores.unsqueeze(1)


def _flat(scores: Tensor) -> Tensor:
    return scores.flatten(1)


def _both(logit: Tensor) -> Tensor:
    """One logit z (N, 1) -> (-z, z): the sigmoid of both is the probability of not X and of X."""
    return torch.cat([-logit, logit], dim=1)


def _log(values: Tensor) -> Tensor:
    return torch.log(values.clamp(min=torch.finfo(torch.float32).tiny))


def _logit(values: Tensor) -> Tensor:
    return torch.logit(values, eps=1e-7)


def _softened(
    network: nn.Module, images: Tensor, scores: Tensor, steps: list[Step], outputs: Outputs
) -> tuple[str, str] | None:
    """The name of the last module ("" for a function) and "softmax" or "sigmoid", if it is one."""
    if outputs == "none":
        return None
    gradient, kind = SOFTENED[outputs]
    name = scores.grad_fn.name() if scores.grad_fn is not None else ""
    sums = scores.detach().sum(dim=1)
    is_share = bool((scores >= 0).all()) and float((sums - 1).abs().max()) < 1e-4
    module = _last(network, images, kind, scores, steps)
    if module or name == gradient or (outputs == "softmax" and scores.shape[1] > 1 and is_share):
        return module, outputs
    return None


def _last(
    network: nn.Module, images: Tensor, kind: type[nn.Module], scores: Tensor, steps: list[Step]
) -> str:
    """The name of the module of that kind whose output is the model's; "" for none."""
    found = ""
    for name, module in network.named_modules():
        if isinstance(module, kind) and name and not isinstance(module, torch.jit.ScriptModule):
            seen = _output_of(network, module, images)
            if seen is not None and torch.equal(seen.flatten(), scores.detach().flatten()):
                found = name
    return found


def _output_of(network: nn.Module, module: nn.Module, images: Tensor) -> Tensor | None:
    seen: list[Tensor] = []
    handle = module.register_forward_hook(lambda _, __, output: seen.append(output))
    try:
        with torch.no_grad():
            network(images)
    finally:
        handle.remove()
    return seen[-1].detach().clone() if seen and isinstance(seen[-1], Tensor) else None


def _taken_off(
    network: nn.Module,
    name: str,
    images: Tensor,
    steps: list[Step],
    scores: Tensor,
    outputs: Outputs,
) -> bool:
    """Take the softmax or sigmoid off, where its input then is what the model gives."""
    module = network.get_submodule(name)
    network.set_submodule(name, nn.Identity())
    with torch.no_grad():
        rebuilt = probabilities(_applied(steps, network(images)), outputs)
    if torch.allclose(rebuilt, scores.detach(), atol=TOLERANCE):
        return True
    network.set_submodule(name, module)
    return False


def _widened(network: nn.Module, images: Tensor, expected: Tensor) -> bool:
    """Let the last Linear give -z and z by itself, so that every method sees a plain head."""
    linears = [
        (name, module) for name, module in network.named_modules()
        if type(module) is nn.Linear and module.out_features == 1 and name
    ]  # fmt: skip
    if not linears:
        return False
    name, narrow = linears[-1]
    wide = nn.Linear(narrow.in_features, 2, bias=narrow.bias is not None)
    wide.weight = nn.Parameter(torch.cat([-narrow.weight, narrow.weight]), requires_grad=False)
    if narrow.bias is not None:
        wide.bias = nn.Parameter(torch.cat([-narrow.bias, narrow.bias]), requires_grad=False)
    network.set_submodule(name, wide.eval().to(narrow.weight.device))
    try:
        with torch.no_grad():
            given = network(images)
            found = _applied(_picking(given, len(images)), given)
        if found.shape == expected.shape and torch.allclose(found, expected, atol=TOLERANCE):
            return True
    except (RuntimeError, ValueError, IndexError):
        pass
    network.set_submodule(name, narrow)
    return False
