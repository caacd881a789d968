"""Map files: the heatmaps that a run has kept, many in a file, and which file has which."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from xai_core.evaluation.journal import Piece, read_journal
from xai_core.evaluation.run_folder import RunFolderError

Note = dict[str, Any]
Maps = tuple[npt.NDArray[np.float16], Note]
MARK = "maps:"


@dataclass(frozen=True)
class KeptMaps:
    """The maps (N, H, W) of one method on one unit; `which` classes: "predicted" or "labelled"."""

    unit: str
    method_key: str
    which: str
    maps: npt.NDArray[np.float16]
    note: Note

    @property
    def name(self) -> str:
        return _name(self.unit, self.method_key, self.which)

    @property
    def done(self) -> tuple[str, str, tuple[str, ...]]:
        """The entry in the journal."""
        return self.unit, self.method_key, (f"{MARK}{self.which}",)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.maps.nbytes


def as_safetensors(kept: Sequence[KeptMaps]) -> bytes:
    """Many maps in one file, a tensor each; the notes are its metadata."""
    maps = {one.name: np.ascontiguousarray(one.maps) for one in kept}
    content: bytes = save(maps, {one.name: json.dumps(one.note) for one in kept})
    return content


class MapFiles:
    """Which file of a run folder has which maps, as its journal says or as `pieces` do."""

    def __init__(self, run_dir: str | Path, pieces: Iterable[Piece] | None = None) -> None:
        self._root = Path(run_dir)
        self._files: dict[str, tuple[str, str]] = {}
        for piece in read_journal(self._root) if pieces is None else pieces:
            self.know(piece)

    def know(self, piece: Piece) -> None:
        """What a piece of maps has; the newest counts."""
        for file, sha256 in piece.files.items() if piece.kind == "maps" else ():
            place = (file, sha256)
            self._files |= {
                _name(unit, method_key, key.removeprefix(MARK)): place
                for unit, method_key, keys in piece.done
                for key in keys
            }

    def place(self, unit: str, method_key: str, which: str) -> tuple[str, str] | None:
        """The file that has them, and its checksum."""
        return self._files.get(_name(unit, method_key, which))

    def of(self, *method_keys: str, which: str = "predicted") -> list[tuple[str, str]]:
        """(unit, method key) of all maps of some methods whose file is there, method by method."""
        there = {file for file, _ in set(self._files.values()) if (self._root / file).is_file()}
        names = [name for name, (file, _) in self._files.items() if file in there]
        found = []
        for key in method_keys:
            ending = f"-{key}-{which}"
            units = [name.removesuffix(ending) for name in names if name.endswith(ending)]
            found += [(unit, key) for unit in sorted(units)]
        return found

    def read(self, unit: str, method_key: str, which: str = "predicted") -> Maps:
        """Maps (N, H, W) and their note; raises RunFolderError where they cannot be read."""
        name = _name(unit, method_key, which)
        file = self._files.get(name, ("", ""))[0]
        path = self._root / file
        try:
            with safe_open(path, framework="numpy") as opened:
                notes = opened.metadata()
                is_former = "note" in notes  # one file for each method and unit
                maps = opened.get_tensor("maps" if is_former else name)
                return maps, json.loads(notes["note" if is_former else name])
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(f"{path}: cannot be read ({error})") from None


def _name(unit: str, method_key: str, which: str) -> str:
    return f"{unit}-{method_key}-{which}"
