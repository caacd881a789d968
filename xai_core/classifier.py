"""Classifier: a frozen network with what explaining it needs, and how to load one."""

from __future__ import annotations

import copy
import hashlib
import operator
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from xai_core.devices import compute_exactly
from xai_core.images import Framing, InputFormat, framed, normalised
from xai_core.inference import quick_copy
from xai_core.interruption import checkpoint
from xai_core.tracing import trace

CAM_TOLERANCE = 1e-3
"""Largest error of the CAM identity, relative to the largest logit without its bias."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """A network in eval mode with frozen parameters; make one with `Classifier.of`.

    `stage` names the last convolutional stage and `stages` all that can be explained; `head` is
    the final Linear where logits = head(global average of the stage), else None. `source` is the
    name that `load_classifier` finds it by; empty for a network made otherwise.
    """

    name: str
    network: nn.Module
    categories: tuple[str, ...]
    form: InputFormat
    stage: str
    stages: tuple[str, ...]
    head: nn.Linear | None
    device: torch.device
    fingerprint: str
    _nodes: dict[str, str] = field(repr=False)
    source: str = ""
    _twins: dict[str, fx.GraphModule] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=threading.RLock, repr=False)
    _exclusive: list[nn.Module] = field(default_factory=list, repr=False)
    _quick_copies: dict[bool, nn.Module] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        network: nn.Module,
        categories: tuple[str, ...],
        *,
        name: str = "network",
        form: InputFormat | None = None,
        device: str | torch.device = "cpu",
    ) -> Classifier:
        """Freeze `network` and find its stages and CAM head.

        Raises ValueError where the number of categories differs from the network's outputs.
        """
        form = form or InputFormat()
        device = torch.device(device)
        compute_exactly(device)
        network = network.eval().requires_grad_(False).to(device)
        network = network.to(memory_format=torch.channels_last)
        probe = torch.rand(2, 3, form.size, form.size, generator=torch.Generator().manual_seed(0))
        probe = probe.to(device)
        with torch.no_grad():
            logits = network(probe)
        if logits.shape[1] != len(categories):
            raise ValueError(
                f"the network has {logits.shape[1]} outputs but {len(categories)} category names"
            )
        nodes = _stages(network, probe)
        stage = list(nodes)[-1]
        made = cls(
            name=name,
            network=network,
            categories=categories,
            form=form,
            stage=stage,
            stages=tuple(nodes),
            head=None,
            device=device,
            fingerprint=_fingerprint(network),
            _nodes=nodes,
        )
        head = _cam_head(made, probe)
        object.__setattr__(made, "head", head)
        return made

    def prepare(
        self, rgb: np.ndarray[Any, np.dtype[np.uint8]], framing: Framing = "whole"
    ) -> Tensor:
        """(H, W, 3) uint8 -> (3, size, size) float32 on the classifier's device."""
        values = normalised(framed(rgb, self.form, framing), self.form)
        return torch.from_numpy(values).to(self.device)

    def logits(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) -> logits (N, K), on a CPU by a quick copy of the network."""
        checkpoint()
        is_plain = images.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        network = self._quick(torch.is_grad_enabled()) if is_plain else self.network
        logits: Tensor = network(images)
        return logits

    def stage_and_logits(self, images: Tensor, stage: str = "") -> tuple[Tensor, Tensor]:
        """Activations (N, C, h, w) of a stage (default: the last) and logits (N, K), in one pass.

        Uses a traced twin without hooks, so threads share nothing. Raises ValueError for a stage
        that the network does not have.
        """
        stage = stage or self.stage
        if stage not in self._nodes:
            raise ValueError(
                f"{self.name} has no stage {stage!r}; it has: {', '.join(self.stages)}"
            )
        checkpoint()
        both = self._twin(stage)(images)
        return both["stage"], both["logits"]

    def logits_from(self, activations: Tensor, images: Tensor, stage: str = "") -> Tensor:
        """Logits (N, K) from the activations (N, C, h, w) of a stage on; the rest is not run again.

        The images (N, 3, H, W) are only looked at where a path goes around the stage.
        """
        checkpoint()
        logits: Tensor = self._tail(stage or self.stage)(images, activations)
        return logits

    @contextmanager
    def exclusive(self) -> Iterator[nn.Module]:
        """A copy of the network that shares its weights and may be hooked, one thread at a time.

        Whatever is hooked there is never met by `logits` or `stage_and_logits`.
        """
        with self._lock:
            if not self._exclusive:
                self._exclusive.append(self.private_copy())
            try:
                yield self._exclusive[0]
            except BaseException:
                self._exclusive.clear()  # its hooks may have been left behind
                raise

    def private_copy(self) -> nn.Module:
        """A new network object on the same weights: its modules can be hooked or replaced."""
        tensors = [*self.network.parameters(), *self.network.buffers()]
        twin: nn.Module = copy.deepcopy(self.network, {id(tensor): tensor for tensor in tensors})
        return twin

    def module_of(self, network: nn.Module, stage: str = "") -> nn.Module:
        """The module of `network` (a copy of this one) whose output is the stage.

        Raises ValueError where the stage is computed by a function, not by a module.
        """
        node = self._nodes[stage or self.stage]
        modules: dict[str, nn.Module] = dict(network.named_modules())
        for path in (stage or self.stage, node):
            if path in modules:
                return modules[path]
        raise ValueError(
            f"the stage {stage or self.stage!r} of {self.name} is no module of its own"
        )

    def node_of(self, stage: str = "") -> str:
        """The path of the traced graph's node that gives the stage."""
        return self._nodes[stage or self.stage]

    def _quick(self, with_gradients: bool) -> nn.Module:
        with self._lock:
            if with_gradients not in self._quick_copies:
                size = self.form.size
                generator = torch.Generator().manual_seed(0)
                probe = torch.randn(4, 3, size, size, generator=generator)
                quick = quick_copy(self.network, probe, with_gradients)
                self._quick_copies[with_gradients] = quick or self.network
            return self._quick_copies[with_gradients]

    def _twin(self, stage: str) -> fx.GraphModule:
        with self._lock:
            if stage not in self._twins:
                twin, nodes = trace(self.network)
                output = next(iter(reversed(twin.graph.nodes)))
                logits, node = output.args[0], nodes[self._nodes[stage]]
                if node is logits:
                    raise ValueError(f"the stage {stage!r} is the network's output")
                output.args = ({"stage": node, "logits": logits},)
                twin.recompile()
                self._twins[stage] = twin.requires_grad_(False)
            return self._twins[stage]

    def _tail(self, stage: str) -> fx.GraphModule:
        with self._lock:
            name = f"from {stage}"
            if name not in self._twins:
                twin = self._twin(stage)
                graph = copy.deepcopy(twin.graph)
                output = next(iter(reversed(graph.nodes)))
                returned = output.args[0]
                with graph.inserting_after(next(iter(graph.nodes))):
                    start = graph.placeholder("activations")
                returned["stage"].replace_all_uses_with(start)
                output.args = (returned["logits"],)
                tail = fx.GraphModule(twin, graph).eval()
                tail.graph.eliminate_dead_code()
                tail.recompile()
                self._twins[name] = tail
            return self._twins[name]


class _Shapes(fx.Interpreter):
    """Runs a traced network and notes which nodes give a grid (N, C, h, w) with h, w > 1."""

    grids: list[str]

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        grid = isinstance(result, Tensor) and result.ndim == 4 and min(result.shape[2:]) > 1
        if grid and not any(_in_place(user, self.module) for user in n.users):
            self.grids.append(n.name)
        return result


def _in_place(node: fx.Node, network: nn.Module) -> bool:
    """Whether the node overwrites what it is given, as most ReLUs do."""
    if node.op == "call_module":
        return bool(getattr(network.get_submodule(str(node.target)), "inplace", False))
    return bool(node.kwargs.get("inplace")) or node.target in (operator.iadd, operator.imul)


def _stages(network: nn.Module, probe: Tensor) -> dict[str, str]:
    """Stage name -> graph node, in order: each top-level block with a grid, the last grid last."""
    traced, nodes = trace(network)
    shapes = _Shapes(traced)
    shapes.grids = []
    with torch.no_grad():
        shapes.run(probe)
    names = {node.name: path for path, node in nodes.items()}
    grids = [names[name] for name in shapes.grids if name in names][1:]  # the first is the image
    if not grids:
        raise ValueError("the network gives no feature maps with height and width")
    blocks: dict[str, str] = {}
    for path in grids:
        blocks[_block(path, network)] = path
    last = _block(grids[-1], network)
    return {name: path for name, path in blocks.items() if name != last} | {last: blocks[last]}


def _block(path: str, network: nn.Module) -> str:
    """The module a person would name: `layer4` for layer4.2.relu_2, `features.18` as it is.

    Of a ModuleList, whose modules are called one by one, each module: `body.stages.1`.
    """
    first, *rest = parts = path.split(".")
    modules = dict(network.named_modules(remove_duplicate=False))
    for length in range(1, len(parts)):
        if isinstance(modules.get(".".join(parts[:length])), nn.ModuleList):
            return ".".join(parts[: length + 1])
    top = getattr(network, first, None)
    if rest and isinstance(top, nn.Sequential) and (first == "features" or not rest[0].isdigit()):
        return f"{first}.{rest[0]}"
    return first


def _cam_head(classifier: Classifier, probe: Tensor) -> nn.Linear | None:
    """The final Linear, where mean over the grid of sum_k w_k f_k + b gives the logits.

    Tried on random activations f, so that a network whose own are tiny is judged like any other.
    """
    linears = [m for m in classifier.network.modules() if isinstance(m, nn.Linear)]
    if not linears:
        return None
    head = linears[-1]
    with torch.no_grad():
        shape = classifier.stage_and_logits(probe)[0].shape
        generator = torch.Generator().manual_seed(0)
        scales = torch.rand(*shape[:2], 1, 1, generator=generator)
        activations = (scales * torch.rand(shape, generator=generator)).to(probe.device)
        logits = classifier.logits_from(activations, probe)
        if shape[1] != head.in_features or logits.shape[1] != head.out_features:
            return None
        rebuilt = head(activations.mean(dim=(2, 3)))
        evidence = rebuilt if head.bias is None else rebuilt - head.bias
    error, largest = float((rebuilt - logits).abs().max()), float(evidence.abs().max())
    if largest <= 1e-5 * float(logits.abs().max()):  # a head of zeros fulfils any identity
        return None
    rounding = 1e-6 * float(logits.abs().max())
    return head if error <= CAM_TOLERANCE * largest + rounding else None


def _fingerprint(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().contiguous().numpy()).tobytes())
    return digest.hexdigest()
