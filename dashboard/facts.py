"""Facts about methods and metrics, read from their source text: no page loads torch for a title."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import xai_core
from xai_core.catalog import names_in
from xai_core.recipe import Setting, Value, in_words
from xai_core.spec import Spec

Kind = Literal["methods", "metrics"]
CODE = Path(xai_core.__file__).parent
FOLDERS: dict[Kind, Path] = {"methods": CODE / "methods", "metrics": CODE / "metrics"}


@dataclass(frozen=True)
class Facts:
    """One recipe as its file declares it: class constants, settings and docstring."""

    name: str
    constants: dict[str, Any]
    settings: dict[str, Setting]
    doc: str

    def __getattr__(self, constant: str) -> Any:
        try:
            return self.constants[constant]
        except KeyError:
            raise AttributeError(f"{self.name} declares no {constant}") from None

    @property
    def arrow(self) -> str:
        """Which way is better for a metric: an arrow, or nothing for descriptive ones."""
        better = self.constants.get("higher_is_better")
        return "" if better is None else "↑" if better else "↓"


_ARITHMETIC = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)


class _Source(NamedTuple):
    """What the files of a folder define at their top level, by name."""

    classes: dict[str, ast.ClassDef]
    functions: dict[str, ast.FunctionDef]
    values: dict[str, ast.expr]

    @classmethod
    def of(cls, folder: Path) -> _Source:
        lines = [
            node
            for file in sorted(folder.glob("*.py"))
            for node in ast.parse(file.read_text(encoding="utf-8")).body
        ]
        return cls(
            {node.name: node for node in lines if isinstance(node, ast.ClassDef)},
            {node.name: node for node in lines if isinstance(node, ast.FunctionDef)},
            {
                node.targets[0].id: node.value
                for node in lines
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            },
        )

    def read(self, value: ast.expr) -> Any:
        """The plain value of an expression; raises ValueError where it is none."""
        if isinstance(value, ast.Name) and value.id in self.values:
            return self.read(self.values[value.id])
        if all(isinstance(node, _ARITHMETIC) for node in ast.walk(value)):
            return eval(compile(ast.Expression(value), "setting", "eval"), {"__builtins__": {}})
        return ast.literal_eval(value)

    def setting_call(self, value: ast.expr | None) -> ast.Call | None:
        """The call of `setting` behind a field: itself, or in a function that recipes share."""
        if not isinstance(value, ast.Call):
            return None
        name = ast.unparse(value.func)
        if name == "setting":
            return value
        shared = ast.walk(self.functions[name]) if name in self.functions else ()
        calls = [node for node in shared if isinstance(node, ast.Call)]
        return next((call for call in calls if ast.unparse(call.func) == "setting"), None)


@cache
def facts(kind: Kind) -> dict[str, Facts]:
    """Name -> facts of every file in the folder, in order of their names."""
    folder = FOLDERS[kind]
    source = _Source.of(folder)
    found = {}
    for node in source.classes.values():
        constants, settings = _declared(node, source)
        if constants.get("name") in names_in(folder):
            doc = ast.get_docstring(node) or ""
            found[constants["name"]] = Facts(constants["name"], constants, settings, doc)
    return dict(sorted(found.items()))


def is_class_sensitive(spec: str) -> bool:
    """Whether a method's map depends on the class that is explained."""
    known = facts("methods").get(spec.partition("[")[0])
    return known is None or bool(known.constants.get("class_sensitive", True))


def label_of(spec: str, kind: Kind = "methods") -> str:
    """The title of a spec such as `secam[segments=200]`, with the settings that were changed."""
    read = Spec.parse(spec)
    known = facts(kind).get(read.name)
    title = str(known.title) if known else read.name.replace("_", " ")
    changes = ", ".join(in_words(name, value) for name, value in read.settings.items())
    return f"{title} ({changes})" if changes else title


def joined(names: Sequence[str]) -> str:
    """a, b and c"""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def spec_of(name: str, values: Mapping[str, Value], kind: Kind = "methods") -> str:
    """The spec of a recipe with these settings: only what differs from the defaults is spelled."""
    settings = facts(kind)[name].settings
    changed = {k: v for k, v in values.items() if k in settings and v != settings[k].default}
    spelled = ",".join(
        f"{k}={str(v).lower() if isinstance(v, bool) else v}" for k, v in changed.items()
    )
    return f"{name}[{spelled}]" if spelled else name


def changed(spec: str, **values: Value) -> str:
    """The spec with some settings replaced, the others as they are."""
    read = Spec.parse(spec)
    return str(Spec(read.name, {**read.settings, **{k: str(v) for k, v in values.items()}}))


def _declared(node: ast.ClassDef, source: _Source) -> tuple[dict[str, Any], dict[str, Setting]]:
    constants: dict[str, Any] = {}
    settings: dict[str, Setting] = {}
    for base in reversed(node.bases):
        if isinstance(base, ast.Name) and base.id in source.classes:
            inherited = _declared(source.classes[base.id], source)
            constants |= inherited[0]
            settings |= inherited[1]
    for line in node.body:
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
            continue
        value, name = line.value, line.target.id
        call = source.setting_call(value)
        try:
            if call is not None:
                positional = [source.read(argument) for argument in call.args]
                named = {k.arg or "": source.read(k.value) for k in call.keywords}
                settings[name] = Setting(*positional, **named)
            elif value is not None:
                constants[name] = source.read(value)
        except ValueError:
            continue  # not a plain value: nothing a page shows
    return constants, settings
