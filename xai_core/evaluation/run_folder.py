"""Run folders: what they hold, how they are found, and why one cannot be used.

manifest.json        the settings of what was evaluated, written once by each call
images.jsonl         one line per image, in the order of their computing
parts.jsonl          the journal: a line for what was finished within a second
scores/*.parquet     one row per image, method and metric
curves/*.parquet     one row per point of a curve
maps/*.safetensors   float16 maps, a tensor for each method and unit of images
"""

from __future__ import annotations

import errno
from pathlib import Path

from xai_core.evaluation.image_list import ImageList
from xai_core.evaluation.manifest import Manifest


class RunFolderError(RuntimeError):
    """A run folder that cannot be read or written; the message is one sentence for people."""


def load_manifest(run_dir: str | Path) -> Manifest:
    """What was evaluated; raises RunFolderError where there is no readable run."""
    path = Path(run_dir) / "manifest.json"
    try:
        manifest, listed = Manifest.read(path), ImageList(Path(run_dir))
        if len(listed) or listed.bad:
            manifest.images, manifest.bad_images = listed.in_order(), listed.bad
        return manifest
    except FileNotFoundError:
        raise RunFolderError(f"{run_dir}: no evaluation run in this folder") from None
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise RunFolderError(str(error)) from None


def find_runs(folder: str | Path) -> list[Path]:
    """The run folders in a folder, sorted by name."""
    return sorted(path.parent for path in Path(folder).glob("*/manifest.json"))


def explained(root: Path, error: OSError) -> str:
    """What went wrong with a folder, and what to do, in one sentence."""
    kept = "finished results are kept"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{root}: the disk is full; {kept}: free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{root}: cannot be written ({error.strerror}); {kept}: choose another run folder"
    return f"{root}: {error.strerror or error}; {kept}: run the same command again"
