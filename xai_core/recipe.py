"""Recipe: a named, frozen set of hyperparameters with a stable key."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any, ClassVar, Self

Value = bool | int | float | str


@dataclass(frozen=True)
class Setting:
    """What one hyperparameter accepts and means; feeds checks, forms, the CLI and the README."""

    default: Value
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] | None = None
    changes_result: bool = True
    added_later: bool = False

    def rule(self) -> str:
        """The accepted values, in words that complete "must ..."."""
        if self.choices is not None:
            return "be one of " + ", ".join(self.choices)
        if isinstance(self.default, bool):
            return "be true or false"
        if isinstance(self.default, str):
            return "be text"
        kind = "be a whole number" if isinstance(self.default, int) else "be a number"
        if self.low is not None and self.high is not None:
            return f"{kind} from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"be at least {self.low:g}"
        return f"be at most {self.high:g}" if self.high is not None else kind

    def broken_by(self, value: object) -> str | None:
        """The rule that `value` breaks, or None where it is fine."""
        if self.choices is not None:
            return None if value in self.choices else self.rule()
        if isinstance(self.default, bool) or isinstance(value, bool):
            return (
                None if isinstance(self.default, bool) is isinstance(value, bool) else self.rule()
            )
        if isinstance(self.default, str):
            return None if isinstance(value, str) else self.rule()
        wanted = int if isinstance(self.default, int) else (int, float)
        if not isinstance(value, wanted) or (isinstance(value, float) and not isfinite(value)):
            return self.rule()
        if self.low is not None and value < self.low:
            return f"be at least {self.low:g}"
        if self.high is not None and value > self.high:
            return f"be at most {self.high:g}"
        return None

    def parse(self, text: str) -> Value:
        """The value that `text` spells; raises ValueError with the rule it breaks."""
        kind = type(self.default)
        if kind is bool:
            truth = {"true": True, "1": True, "false": False, "0": False}
            if text.lower() in truth:
                return truth[text.lower()]
            raise ValueError(self.rule())
        try:
            return kind(text)
        except ValueError:
            raise ValueError(self.rule()) from None


def setting(
    default: Value,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    changes_result: bool = True,
    added_later: bool = False,
) -> Any:
    """A dataclass field that declares default, meaning and range of a hyperparameter once.

    `changes_result=False` (batch size, device) keeps the field out of key(), equality and hash;
    `added_later` keeps it out of key() at its default, so that older results keep their key.
    """
    rule = Setting(default, help, low, high, choices, changes_result, added_later)
    return dataclasses.field(default=default, compare=changes_result, metadata={"setting": rule})


def key_of(
    name: str, revision: int, settings: Mapping[str, Value], rules: Mapping[str, Setting]
) -> str:
    """The key of a recipe from what is known of it: 12 hex digits.

    A setting that was added later and stands at its default is left out, as before it was there.
    """
    late = {k for k, rule in rules.items() if rule.added_later and settings.get(k) == rule.default}
    kept = {k: v for k, v in settings.items() if k not in late}
    content = {"name": name, "revision": revision, "settings": kept}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Recipe:
    """A configured method, metric or imputer: compared by value, named by `name` and `key()`.

    `name` is the file's, where a class does not say another.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[str]
    revision: ClassVar[int] = 1
    wording: ClassVar[tuple[tuple[str, str], ...]] = ()
    """What a changed setting is called in a label, (`name=value`, words), where those do not do."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        file = cls.__module__.rpartition(".")[2]
        if "name" not in vars(cls) and not file.startswith("_") and file != "base":
            cls.name = file

    def __post_init__(self) -> None:
        for field_name, rule in self.declared().items():
            value = getattr(self, field_name)
            if type(rule.default) is float and type(value) is int:
                value = float(value)
                object.__setattr__(self, field_name, value)
            broken = rule.broken_by(value)
            if broken:
                raise ValueError(f"{type(self).__name__}.{field_name} must {broken}, got {value!r}")

    @classmethod
    def declared(cls) -> dict[str, Setting]:
        """Every setting of this recipe by name, in order of declaration."""
        return {f.name: f.metadata["setting"] for f in dataclasses.fields(cls)}

    @classmethod
    def from_text(cls, /, **texts: str) -> Self:
        """A recipe from settings spelled as text (command line, URL)."""
        rules, values = cls.declared(), {}
        for field_name, text in texts.items():
            if field_name not in rules:
                known = ", ".join(rules) or "none"
                raise ValueError(f"{cls.name} has no setting {field_name!r}; it has: {known}")
            try:
                values[field_name] = rules[field_name].parse(text)
            except ValueError as error:
                raise ValueError(
                    f"{cls.__name__}.{field_name} must {error}, got {text!r}"
                ) from None
        return cls(**values)

    def settings(self) -> dict[str, Value]:
        """The fields that change the result."""
        rules = self.declared()
        return {name: getattr(self, name) for name in rules if rules[name].changes_result}

    def key(self) -> str:
        """12 hex digits, equal in every process for equal name, revision and settings."""
        return self._key

    @cached_property
    def _key(self) -> str:
        return key_of(self.name, self.revision, self.settings(), self.declared())

    def changed(self) -> dict[str, Value]:
        """The settings that differ from their defaults."""
        rules = self.declared()
        return {k: v for k, v in self.settings().items() if v != rules[k].default}

    def spec(self) -> str:
        """One string that spells this recipe: `secam`, or `secam[segments=200]`."""
        changed = ",".join(f"{name}={_spelled(value)}" for name, value in self.changed().items())
        return f"{self.name}[{changed}]" if changed else self.name

    def label(self) -> str:
        """The title for people, with the settings that differ from their defaults."""
        changed = {name: _spelled(value) for name, value in self.changed().items()}
        return labelled(self.title, changed, dict(self.wording))


def labelled(title: str, changed: Mapping[str, str], wording: Mapping[str, str]) -> str:
    """A title with the settings that were changed, as they are spelled."""
    told = ", ".join(
        wording.get(f"{name}={spelled}") or in_words(name, spelled)
        for name, spelled in changed.items()
    )
    return f"{title} ({told})" if told else title


def in_words(name: str, spelled: str) -> str:
    """A changed setting for people: "segments 200", "per pixel" where it is true."""
    words = name.replace("_", " ")
    return words if spelled == "true" else f"{words} {'off' if spelled == 'false' else spelled}"


def _spelled(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
