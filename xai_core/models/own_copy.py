"""A copy of our own of somebody's model, which stays as it was; and whether that changes later."""

from __future__ import annotations

import copy
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

PACKAGING = ("_orig_mod", "module")
"""Where torch.compile, DataParallel and DistributedDataParallel keep what they wrap."""
HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
)  # fmt: skip


def unpacked(network: nn.Module) -> nn.Module:
    """The model inside of torch.compile's and DataParallel's packaging, in any nesting."""
    packed = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while isinstance(network, packed) or type(network).__name__ == "OptimizedModule":
        network = next(getattr(network, key) for key in PACKAGING if hasattr(network, key))
    return network


def own_copy(network: nn.Module) -> nn.Module:
    """A frozen fp32 copy in eval mode, without hooks that people have set.

    Raises ValueError where the object cannot be copied.
    """
    try:
        with (
            torch.no_grad()
        ):  # else a scripted module's copied weights remember where they are from
            made: nn.Module = copy.deepcopy(network)
    except (RuntimeError, TypeError, AttributeError, NotImplementedError) as error:
        raise ValueError(
            f"the model cannot be copied ({str(error).strip().splitlines()[0][:200]}); build it "
            "anew and load its state_dict"
        ) from None
    for module in made.modules():
        _without_hooks(module)
    tensors = [*made.parameters(), *made.buffers()]
    if any(t.is_floating_point() and t.dtype != torch.float32 for t in tensors):
        made = made.float()
    for parameter in made.parameters():  # scripted modules refuse requires_grad_ of their own
        parameter.requires_grad_(False)
    return made.eval()


def _without_hooks(module: nn.Module) -> None:
    """Only torch's own hooks stay: weight norm, spectral norm and pruning need them."""
    if isinstance(module, torch.jit.ScriptModule):
        return
    for name in HOOKS:
        hooks: Mapping[int, object] = vars(module).get(name) or {}
        kept = {key: hook for key, hook in hooks.items() if _is_torchs(hook)}
        if len(kept) < len(hooks):
            setattr(module, name, OrderedDict(kept))


def _is_torchs(hook: object) -> bool:
    origin = getattr(hook, "__module__", None) or type(hook).__module__
    return str(origin).partition(".")[0] == "torch"


@dataclass
class Watch:
    """Notices by torch's version counters that weights of an object have changed since."""

    network: weakref.ref[nn.Module]
    versions: tuple[int, ...]
    is_told: bool = field(default=False)

    @classmethod
    def over(cls, network: nn.Module) -> Watch:
        return cls(weakref.ref(network), _versions(network))

    def changed(self) -> bool:
        """Whether a weight or buffer of the object is another one, or has been written to."""
        network = self.network()
        return network is not None and _versions(network) != self.versions


def _versions(network: nn.Module) -> tuple[int, ...]:
    def version(tensor: Tensor) -> int:
        return 0 if tensor.is_inference() else tensor._version

    return tuple(
        number
        for tensor in (*network.parameters(), *network.buffers())
        for number in (id(tensor), tensor.data_ptr(), version(tensor))
    )
