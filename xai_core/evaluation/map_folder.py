"""Map folder: maps of many images in shards, and an append-only record, safe against a kill."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.float32]]
ABOUT, RECORD, SHARDS = "explain.json", "images.jsonl", "maps"
NOTED = ("date", "versions")
OWN = ("lock", f"{ABOUT}.tmp")
LONGEST_STEM, LONGEST_FILE = 80, 200


class MapFolder:
    """`explain.json` says how, `images.jsonl` has a line per image, `maps/00000.npz` a batch each.

    Nothing exists before `open`. A batch counts once its lines are appended, which is last.
    """

    def __init__(self, root: Path, about: Mapping[str, Any]) -> None:
        self.root, self._about = root, dict(about)
        self._names: set[str] = set()
        self._done: dict[tuple[str, str], str] = {}
        self._shards = 0

    def check(self) -> None:
        """Raises ValueError where the folder holds something else; changes nothing."""
        path = self.root / ABOUT
        if path.is_file():
            self._compare(path)
        elif self.root.is_dir() and any(e.name not in OWN for e in self.root.iterdir()):
            raise ValueError(f"{self.root}: holds other files; name a new or an empty folder")

    def open(self) -> None:
        """Creates the folder, or continues it; raises ValueError for one made otherwise."""
        self.check()
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / ABOUT).is_file():
            _replace(self.root / ABOUT, json.dumps(self._about, indent=1).encode() + b"\n")
        (self.root / SHARDS).mkdir(exist_ok=True)
        self._read()

    def _compare(self, path: Path) -> None:
        try:
            earlier = json.loads(path.read_text("utf-8"))
            keys = (earlier.keys() | self._about.keys()) - set(NOTED)
        except (ValueError, AttributeError):
            raise ValueError(f"{path}: damaged; choose another folder") from None
        differing = sorted(key for key in keys if earlier.get(key) != self._about.get(key))
        if differing:
            what = ", ".join(differing)
            raise ValueError(
                f"{self.root}: holds maps that were made with other settings ({what}); choose "
                "another folder"
            )

    def _read(self) -> None:
        """Takes in the record; a line that a power cut tore is cut off."""
        path = self.root / RECORD
        if not path.exists():
            return
        whole = 0
        with path.open("rb") as file:
            for line in file:
                try:
                    entry = json.loads(line) if line.endswith(b"\n") else None
                    self._remember(entry or {})
                except (ValueError, KeyError, TypeError, AttributeError):
                    break
                if entry is None:
                    break
                whole += len(line)
        if whole < path.stat().st_size:
            os.truncate(path, whole)

    def _remember(self, entry: Mapping[str, Any]) -> None:
        if not entry:
            return
        self._done[entry["file"], entry["sha256"]] = entry.get("skipped", "")
        if "skipped" not in entry:
            self._names.add(entry["name"].casefold())
            self._shards = max(self._shards, int(entry["shard"]) + 1)

    def has(self, file: str, sha256: str) -> bool:
        """Whether a file of this content was explained or found unusable before."""
        return (file, sha256) in self._done

    def reason(self, file: str, sha256: str) -> str:
        """Why a file that the folder has was skipped; "" for one that was explained."""
        return self._done[file, sha256]

    def name_for(self, image: str, sha256: str, taken: set[str]) -> str:
        """A name that no other image of the folder or among `taken` has, short enough for files."""
        readable = Path(image).stem.encode("utf-8", "replace").decode()
        stem = shortened(readable, LONGEST_STEM)
        marked = f"{stem}_{sha256[:8]}"
        names = chain((stem, marked), (f"{marked}_{number}" for number in count(2)))
        name = next(
            n for n in names if n.casefold() not in self._names and n.casefold() not in taken
        )  # fmt: skip
        taken.add(name.casefold())
        return name

    def append(self, arrays: Arrays, entries: Sequence[Mapping[str, Any]]) -> None:
        """Keeps a batch: its shard, then its lines. Call it after the batch's images."""
        shard = self._shards
        if arrays:
            unfinished = self.root / SHARDS / "unfinished.npz"
            np.savez_compressed(unfinished, allow_pickle=False, **dict(arrays))
            os.replace(unfinished, self.root / SHARDS / f"{shard:05}.npz")
        numbered = [entry if "skipped" in entry else {"shard": shard, **entry} for entry in entries]
        lines = "".join(json.dumps(entry) + "\n" for entry in numbered).encode()
        with (self.root / RECORD).open("ab", buffering=0) as file:
            file.write(lines)
            os.fsync(file.fileno())
        for entry in numbered:
            self._remember(entry)


def picture_file(name: str, spec: str, target: int) -> str:
    """The file name of an overlay: an image's name, a method's and a class."""
    method = spec.replace("/", "__").replace("[", "-").replace("]", "")
    return f"{shortened(f'{name}__{method}__{target}', LONGEST_FILE)}.png"


def shortened(text: str, most: int) -> str:
    """At most so many bytes of UTF-8: the beginning and eight digits that stand for all of it."""
    content = text.encode("utf-8", "surrogateescape")
    if len(content) <= most:
        return text
    digest = hashlib.sha256(content).hexdigest()[:8]
    return f"{content[: most - 9].decode('utf-8', 'ignore')}_{digest}"


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f"{path.name}.tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
