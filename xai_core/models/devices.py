"""Devices: where models compute, how exactly, and what that is called."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch
from torch.nn import functional

VARIABLE = "CAMPARE_DEVICE"
"""The environment variable that overrules `default_device`, e.g. `cpu` or `cuda:1`."""


def default_device() -> str:
    """`cuda` where a GPU really computes, else `cpu`; what CAMPARE_DEVICE says, if it is set."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen or not torch.cuda.is_available():
        return chosen or "cpu"
    try:  # a GPU too old for this build of torch is there and yet fails
        ones = torch.ones(1, 1, 3, 3, device="cuda")
        float(functional.conv2d(ones, ones))
    except RuntimeError:
        return "cpu"
    return "cuda"


def compute_exactly(device: torch.device) -> None:
    """Make fp32 mean fp32: cuDNN's convolutions otherwise round what they multiply to 10 bits.

    For the whole process, as torch has no narrower switch that holds for every thread.
    """
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False


def device_name(device: torch.device) -> str:
    """For people: the GPU's own name, or the processor's and how many threads compute."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    name = processor_name() if device.type == "cpu" else device.type
    return f"{name}, {threads} thread{'s' if threads != 1 else ''}"


def processor_name() -> str:
    """The processor's name where the system tells it, else "cpu"."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "cpu"
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or "cpu"
