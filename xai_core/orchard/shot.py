"""Shot: a scene and how it is drawn, so that the same image can be drawn with an edit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property

from xai_core.orchard.scene import Scene


@dataclass(frozen=True)
class Shot:
    """An image that can be drawn again: its scene, its side in pixels, rays per pixel side."""

    scene: Scene
    size: int = 224
    supersample: int = 1

    @cached_property
    def key(self) -> str:
        """32 hex digits: equal for equal images, in every process."""
        content = [self.scene.to_dict(), self.size, self.supersample]
        text = json.dumps(content, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def of(self, scene: Scene) -> Shot:
        """Another scene, drawn in the same way."""
        return replace(self, scene=scene)
