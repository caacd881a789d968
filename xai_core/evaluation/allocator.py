"""The C allocator of a process that evaluates: keep big blocks instead of returning them."""

from __future__ import annotations

import ctypes
import platform

_MMAP_THRESHOLD, _TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -3, -1, -4, -8


def keep_blocks() -> bool:
    """Let glibc reuse the memory of large activations; True where that was possible.

    Returned to the system, it would be faulted in again at every layer: a forward pass of 32
    images takes about half as long again. Call it before the first tensor, and only in a process
    whose purpose is to evaluate: it keeps its peak memory until it ends.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    largest = 2**31 - 1
    wanted = (
        (_MMAP_MAX, 0),
        (_MMAP_THRESHOLD, largest),
        (_TRIM_THRESHOLD, largest),
        (_ARENA_MAX, 1),
    )
    done = [mallopt(option, value) == 1 for option, value in wanted]
    return bool(done[0] and done[2])


def share_blocks() -> None:
    """Have Arrow use the C allocator too: what it or torch frees, both use again."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
