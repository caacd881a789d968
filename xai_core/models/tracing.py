"""Tracing: a model as a graph, while other threads go on computing with theirs.

torch.fx replaces `Module.__call__` and `Module.__getattr__` of the whole process while it traces.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from torch import fx, nn
from torchvision.models.feature_extraction import NodePathTracer

from xai_core.models.interruption import checkpoint

_ONE_AT_A_TIME = threading.RLock()


def trace(network: nn.Module) -> tuple[fx.GraphModule, dict[str, fx.Node]]:
    """A model in eval mode as a graph, and the graph's nodes by their paths, in order.

    The graph's modules are the model's own objects; a path is the module's, and below it the
    function's (`layer4.2.add`). Raises what torch.fx raises where a model cannot be traced.
    """
    tracer = _Tracer()
    with _ONE_AT_A_TIME:
        graph = tracer.trace(network)
    nodes = {path: node for node, path in tracer.node_to_qualname.items()}
    return fx.GraphModule(network, graph).eval(), nodes


class _Tracer(NodePathTracer):  # type: ignore[misc]
    """Records what its own thread calls; to all others modules are what they always were."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        checkpoint()
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)
