"""Classifier: a frozen model with what explaining it needs, and how to load one."""

from __future__ import annotations

import copy
import hashlib
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, fx, nn

from xai_core.images.reading import Framing, InputFormat, framed, normalised
from xai_core.models.adapting import adapted
from xai_core.models.cam_head import cam_head, random_activations
from xai_core.models.devices import compute_exactly
from xai_core.models.inference import quick_copy
from xai_core.models.interruption import checkpoint
from xai_core.models.layouts import Layout, moved_squares
from xai_core.models.outputs import OUTPUTS, Outputs, named, probabilities
from xai_core.models.own_copy import Watch, own_copy, unpacked
from xai_core.models.probing import arranged, has_gradients, run_once
from xai_core.models.running import running
from xai_core.models.stages import Layouts, Nodes, hooked_stages, traced_stages
from xai_core.models.tracing import trace

RANDOM = "two passes on one image differ: dropout or another random step is always on"

Way = Literal["traced", "hooked", "black box"]
WAYS: dict[Way, str] = {
    "traced": "traced: every method may look inside",
    "hooked": "run with hooks on a private copy, one thread at a time",
    "black box": "a black box: nothing inside of it is looked at",
}


@dataclass(frozen=True, eq=False)
class Classifier:
    """A model in eval mode with frozen parameters; make one with `Classifier.of`.

    `stage` names the last stage with a grid and `stages` all that can be explained, none for a
    black box; `head` is the final Linear where logits = head(global average of the stage) (the
    identity where that average is the logits), else None. `source` is the name that
    `load_classifier` finds it by; empty for a model made otherwise. `notes` are sentences about
    what was recognised; `kind` is what the categories are ("fruits"), where a card tells.
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
    outputs: Outputs = "softmax"
    way: Way = "traced"
    untraceable: str = ""
    layouts: dict[str, Layout] = field(default_factory=dict)
    has_gradients: bool = True
    is_repeatable: bool = True
    allow_random: bool = False
    notes: tuple[str, ...] = ()
    kind: str = ""
    _watch: Watch | None = field(default=None, repr=False)
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
        preprocessing: InputFormat | None = None,
        outputs: Outputs | None = None,
        allow_random: bool = False,
        device: str | torch.device = "cpu",
    ) -> Classifier:
        """A frozen copy of `model` with its stages and CAM head; the object stays as it was.

        `outputs` are "softmax", "sigmoid" (each label by itself; one logit is two classes) or
        "none" (regression); guessed by their number if not given, which `notes` say.
        `preprocessing` is another word for `form`. Raises ValueError where the number of
        categories differs from the model's outputs, or the model gives no row of scores.
        """
        if outputs is not None and outputs not in OUTPUTS:
            raise ValueError(f"outputs must be one of {', '.join(OUTPUTS)}, got {outputs!r}")
        form = form or preprocessing or InputFormat()
        device = torch.device(device)
        compute_exactly(device)
        inner = unpacked(network)
        generator = torch.Generator().manual_seed(0)
        with torch.random.fork_rng(devices=[]):  # a dropout that is always on draws from it
            probe = torch.rand(2, *form.shape, generator=generator).to(device)
            found = adapted(own_copy(inner).to(device), probe, outputs)
            own, is_repeatable = arranged(found.network, probe)
            count = 1 if found.single else run_once(own, probe).shape[1]
            made = cls(
                name=name,
                network=own,
                categories=named(tuple(categories), count, found.outputs),
                form=form,
                stage="",
                stages=(),
                head=None,
                device=device,
                fingerprint=_fingerprint(own),
                _nodes={},
                outputs=found.outputs,
                has_gradients=has_gradients(own, probe),
                is_repeatable=is_repeatable,
                allow_random=allow_random,
                notes=(*found.notes, *(() if is_repeatable else (RANDOM,))),
                _watch=Watch.over(inner),
            )
            return made._with_stages(moved_squares(form.shape, generator).to(device), probe)

    def _with_stages(self, squares: Tensor, probe: Tensor) -> Classifier:
        """This classifier with its stages, found by tracing or else by running it."""
        way: Way = "traced"
        reason = ""
        try:
            nodes, layouts, ends_in_tokens = traced_stages(self.network, squares)
        except Exception as error:  # whatever a model of somebody else's does while traced
            way, reason = "hooked", (str(error).strip().splitlines() or [type(error).__name__])[0]
            nodes, layouts = self._hooked_stages(squares)
            ends_in_tokens = False
        if ends_in_tokens:
            found = self._hooked_stages(squares)
            way, (nodes, layouts) = ("hooked", found) if found[0] else (way, (nodes, layouts))
        made = replace(
            self,
            stages=tuple(nodes),
            stage=list(nodes)[-1] if nodes else "",
            _nodes=nodes,
            layouts=layouts,
            way=way if nodes else "black box",
            untraceable=reason[:200],
        )
        if nodes:
            object.__setattr__(made, "head", made._cam_head(probe))
        return made

    def _hooked_stages(self, squares: Tensor) -> tuple[Nodes, Layouts]:
        try:
            network = self.private_copy()
        except Exception:  # a module of somebody else's that cannot be copied
            return {}, {}
        return hooked_stages(network, squares, has_gradients=self.has_gradients)

    def _cam_head(self, probe: Tensor) -> nn.Linear | None:
        with torch.no_grad():
            activations = random_activations(self.stage_and_logits(probe)[0].shape, probe.device)
            return cam_head(self.network, activations, self.logits_from(activations, probe))

    def rebuilt(self, network: nn.Module) -> Classifier:
        """The same kind of classifier with other weights: `model` is a changed copy of its own.

        Stages, layouts and the place of the CAM head are taken over, not looked for again.
        """
        network = network.eval().requires_grad_(False).to(self.device)
        if self.memory_format is torch.channels_last:
            network = network.to(memory_format=torch.channels_last)
        heads = [name for name, module in self.network.named_modules() if module is self.head]
        head: Any = network.get_submodule(heads[0]) if heads else self.head
        return replace(
            self, network=network, head=head, fingerprint=_fingerprint(network), source="",
            _watch=None, _twins={}, _lock=threading.RLock(), _exclusive=[], _quick_copies={},
        )  # fmt: skip

    @property
    def memory_format(self) -> torch.memory_format:
        """How the model wants its images to lie; decided by comparing logits."""
        is_plain = getattr(self.network, "_wants_contiguous", False)
        return torch.contiguous_format if is_plain else torch.channels_last

    def probabilities(self, logits: Tensor) -> Tensor:
        """Logits (..., K) -> probabilities (..., K) as the model means them; values stay."""
        return probabilities(logits, self.outputs)

    def layout_of(self, stage: str = "") -> Layout:
        return self.layouts.get(stage or self.stage, Layout())

    def notice_changes(self) -> None:
        """Warn once where the object that this is a copy of has other weights by now."""
        if self._watch and not self._watch.is_told and self._watch.changed():
            self._watch.is_told = True
            warnings.warn(
                f"{self.name}: the model has changed since Classifier.of; what is explained are "
                "its weights of then. Call Classifier.of again for those of now",
                stacklevel=3,
            )

    def prepare(
        self, rgb: np.ndarray[Any, np.dtype[np.uint8]], framing: Framing = "whole"
    ) -> Tensor:
        """(H, W, 3) uint8 -> (C, height, width) float32 on the classifier's device."""
        values = normalised(framed(rgb, self.form, framing), self.form)
        return torch.from_numpy(values).to(self.device)

    def logits(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) -> logits (N, K), on a CPU by a quick copy of the model."""
        checkpoint(len(images))
        is_plain = images.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        network = self._quick(torch.is_grad_enabled()) if is_plain else self.network
        logits: Tensor = network(images)
        return logits

    def stage_and_logits(self, images: Tensor, stage: str = "") -> tuple[Tensor, Tensor]:
        """Activations (N, C, h, w) of a stage (default: the last) and logits (N, K), in one pass.

        Uses a traced twin without hooks, so threads share nothing; where the model cannot be
        traced, a copy with hooks, one thread at a time. Raises ValueError for a stage that the
        model does not have.
        """
        stage = stage or self.stage
        if stage not in self._nodes:
            raise ValueError(
                f"{self.name} has no stage {stage!r}; it has: {', '.join(self.stages) or 'none'}"
            )
        checkpoint(len(images))
        layout = self.layout_of(stage)
        if self.way == "hooked":
            with self.exclusive() as network:
                output, logits = running(network, self._nodes[stage], images)
            return layout.grid(output), logits
        both = self._twin(stage)(images)
        return layout.grid(both["stage"]), both["logits"]

    def logits_from(self, activations: Tensor, images: Tensor, stage: str = "") -> Tensor:
        """Logits (N, K) from the activations (N, C, h, w) of a stage on; the rest is not run again.

        The images (N, 3, H, W) are only looked at where a path goes around the stage.
        """
        checkpoint(len(activations))
        layout, stage = self.layout_of(stage), stage or self.stage
        if self.way == "hooked":
            with self.exclusive() as network:
                return running(
                    network, self._nodes[stage], images,
                    lambda output: layout.back(activations, output),
                )[1]  # fmt: skip
        start = layout.back(activations, activations)
        if self.memory_format is torch.contiguous_format:
            start = start.contiguous()
        logits: Tensor = self._tail(stage)(images, start)
        return logits

    @contextmanager
    def exclusive(self) -> Iterator[nn.Module]:
        """A copy of the model that shares its weights and may be hooked, one thread at a time.

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
        """A new model object on the same weights: its modules can be hooked or replaced."""
        tensors = [*self.network.parameters(), *self.network.buffers()]
        twin: nn.Module = copy.deepcopy(self.network, {id(tensor): tensor for tensor in tensors})
        return twin

    def module_of(self, network: nn.Module, stage: str = "") -> nn.Module:
        """The module of `model` (a copy of this one) whose output is the stage.

        Raises ValueError where the stage is computed by a function, not by a module.
        """
        node = self._nodes[stage or self.stage]
        modules: dict[str, nn.Module] = dict(network.named_modules())
        for path in (stage or self.stage, node) if self.way == "traced" else (node,):
            if path in modules:
                return modules[path]
        raise ValueError(
            f"the stage {stage or self.stage!r} of {self.name} is no module of its own"
        )

    def node_of(self, stage: str = "") -> str:
        """The path of the traced graph's node that gives the stage."""
        return self._nodes[stage or self.stage]

    def layers_behind(self) -> list[str]:
        """The layers with weights behind the last stage: `fc (Linear)`; only of a traced model."""
        if self.way != "traced" or not self.stage:
            return []
        nodes = list(self._twin(self.stage).graph.nodes)
        behind = nodes[nodes.index(nodes[-1].args[0]["stage"]) + 1 :]
        called = [str(node.target) for node in behind if node.op == "call_module"]
        used = [str(n.target).rpartition(".")[0] for n in behind if n.op == "get_attr"]
        modules = {p: m for p, m in self.network.named_modules() if p in {*called, *used}}
        return [
            f"{path} ({type(module).__name__})"
            for path, module in modules.items()
            if next(module.parameters(recurse=False), None) is not None
        ]

    def _quick(self, with_gradients: bool) -> nn.Module:
        with self._lock:
            if with_gradients not in self._quick_copies:
                generator = torch.Generator().manual_seed(0)
                probe = torch.randn(4, *self.form.shape, generator=generator)
                quick = quick_copy(self.network, probe, with_gradients, self.memory_format)
                self._quick_copies[with_gradients] = quick or self.network
            return self._quick_copies[with_gradients]

    def _twin(self, stage: str) -> fx.GraphModule:
        with self._lock:
            if stage not in self._twins:
                twin, nodes = trace(self.network)
                output = next(iter(reversed(twin.graph.nodes)))
                logits, node = output.args[0], nodes[self._nodes[stage]]
                if node is logits:
                    raise ValueError(f"the stage {stage!r} is the model's output")
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


def _fingerprint(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().contiguous().numpy()).tobytes())
    return digest.hexdigest()
