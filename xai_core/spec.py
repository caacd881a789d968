"""Spec: the one grammar of a recipe's name with its settings, as in `secam[segments=200]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from xai_core.recipe import Setting

_FORM = re.compile(r"(?P<name>\w+)(?:\[(?P<settings>[^\[\]]*)\])?")


@dataclass(frozen=True)
class Spec:
    """A recipe's name and the settings spelled beside it, not checked against any recipe."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The spec that `text` spells; raises ValueError with what is wrong."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not spelled name or name[setting=value,...]")
        settings: dict[str, str] = {}
        for part in (match["settings"] or "").split(","):
            if part.strip():
                name, value = pair(part)
                if settings.setdefault(name, value) != value:
                    raise ValueError(f"{text!r} gives {name} two values")
        return cls(match["name"], settings)

    def __str__(self) -> str:
        spelled = ",".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.name}[{spelled}]" if spelled else self.name

    def problem(self, known: Mapping[str, Mapping[str, Setting]]) -> str | None:
        """Why no recipe of `known` (name -> its settings) is meant; None where one is."""
        if self.name not in known:
            return f"there is no {self.name}"
        rules = known[self.name]
        for name, text in self.settings.items():
            if name not in rules:
                return f"{self.name} has no setting {name}; it has: {', '.join(rules) or 'none'}"
            try:
                broken = rules[name].broken_by(rules[name].parse(text))
            except ValueError as error:
                broken = str(error)
            if broken:
                return f"{self.name}: {name} must {broken}"
        return None


def pair(text: str) -> tuple[str, str]:
    """`name=value` in its two parts; raises ValueError without an equals sign."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"a setting is spelled name=value, got {text!r}")
    return name.strip(), value.strip()
