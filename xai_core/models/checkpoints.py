"""Weights out of checkpoint files in any packaging; no code in a file is ever run."""

from __future__ import annotations

import argparse
import collections
import pathlib
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from xai_core.files import is_file
from xai_core.models.torchvision_networks import BadClassifier

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".tar", ".bin", ".pkl")
UNREADABLE = (
    *(SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError),
    *(TypeError, AttributeError, AssertionError, ArithmeticError, MemoryError, struct.error),
)
"""What damaged weights raise in torch's and safetensors' readers."""
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights",
    "model_ema",
)  # fmt: skip
INFLATED, INFLATED_BYTES = 2, 256 * 2**20
"""torch stores without compression; an archive that unpacks to so much more is no checkpoint."""
MOST_OF = 0.9
"""Of the names, with one prefix: the others are a criterion's or a metric's."""


def is_checkpoint(path: Path) -> bool:
    """Whether the name is that of a checkpoint file, in any case."""
    return path.suffix.lower() in SUFFIXES


def read_weights(path: Path) -> dict[str, Tensor]:
    """The finite tensors of a checkpoint by the model's own names.

    Raises BadClassifier where the file holds code, objects, no weights, or other than it claims.
    """
    if not is_file(path):
        raise BadClassifier(f"{path}: no such file")
    weights = _state_in(_content(path))
    if weights is None:
        raise BadClassifier(f"{path}: not a state dict (names to tensors)")
    weights = stripped(weights)
    for name, tensor in weights.items():
        _check(path, name, tensor)
    return weights


def stripped(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights without the prefixes of packaging, in any nesting."""
    for prefix in PREFIXES:
        inside = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        if inside and len(inside) >= MOST_OF * len(weights):
            return stripped(inside)
    return weights


def _content(path: Path) -> Any:
    if path.suffix.lower() == ".safetensors":
        try:
            return dict(load_file(path))
        except UNREADABLE:
            raise BadClassifier(f"{path}: damaged, incomplete or not a checkpoint") from None
    if is_script(path):
        raise BadClassifier(
            f"{path}: is TorchScript, not a checkpoint; name it without an architecture"
        )
    _check_unpacked(path)
    try:
        with torch.serialization.safe_globals(_harmless()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise BadClassifier(
            f"{path}: holds Python objects besides weights, not loaded because they could "
            "run code; save model.state_dict() instead"
        ) from None
    except UNREADABLE:
        raise BadClassifier(f"{path}: damaged, incomplete or not a checkpoint") from None


def _check_unpacked(path: Path) -> None:
    """Raises BadClassifier where an archive would fill the memory before it could be looked at."""
    packed = path.stat().st_size
    unpacked = sum(entry.file_size for entry in _entries(path))
    if unpacked > max(INFLATED * packed, INFLATED_BYTES):
        raise BadClassifier(
            f"{path}: {packed / 2**20:,.1f} MB that unpack to {unpacked / 2**20:,.0f} MB are no "
            "checkpoint; save model.state_dict() with torch.save"
        )


def is_script(path: Path) -> bool:
    """Whether a file is a TorchScript archive."""
    return any("/code/" in entry.filename for entry in _entries(path))


def _entries(path: Path) -> list[zipfile.ZipInfo]:
    """Of an archive; none where it is no archive or a damaged one: torch's reader says so."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (*UNREADABLE, zipfile.BadZipFile):
        return []


def _harmless() -> list[Any]:
    """Classes that training scripts save beside weights and that only hold values."""
    paths = [
        (pathlib.PureWindowsPath if "Windows" in kind else pathlib.PurePosixPath, f"{home}.{kind}")
        for home in ("pathlib", "pathlib._local")
        for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    ]
    kinds = {type(np.dtype(code)) for code in "?bBhHiIlLqQefdSU"}
    scalar: Any = np.float64(0).__reduce__()[0]
    names = [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    return [
        argparse.Namespace, collections.defaultdict, dict, np.dtype, *kinds, *paths, *names,
    ]  # fmt: skip


def _state_in(content: Any, depth: int = 4) -> dict[str, Tensor] | None:
    """The state dict in nested dictionaries."""
    if not isinstance(content, dict) or not content:
        return None
    if all(isinstance(value, Tensor) for value in content.values()):
        return {str(key): value for key, value in content.items()}
    for key in WRAPPERS if depth else ():
        found = _state_in(content.get(key), depth - 1)
        if found is not None:
            return found
    return None


def _check(path: Path, name: str, tensor: Tensor) -> None:
    held = tensor.untyped_storage().nbytes() // tensor.element_size()
    if tensor.numel() > held:
        size = " x ".join(f"{side:,}" for side in tensor.shape)
        raise BadClassifier(
            f"{path}: {name} claims {size} values, but the file holds {held:,} of them"
        )
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise BadClassifier(f"{path}: {name} holds values that are not finite (NaN or infinite)")
