"""One word for one thing: the texts that people read use the field's words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "data/README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
FILES = sorted(path for part in ("xai_core", "dashboard") for path in (ROOT / part).rglob("*.py"))

# what is not said -> what is said instead
WORDS = {
    r"pictures?": "image",
    r"photographs?": "image, or photo where its own resolution is meant",
    r"(?<!ResNet-50 )networks?": "model",
    r"null methods?": "null baseline",
    r"(?:speaks?|speaking) (?:for|against)": "supports, contradicts the class",
    r"drawn anew": "bootstrap samples",
    r"surest": "most confident",
    r"kept share": "threshold",
    r"superpixels asked for": "number of superpixels",
    r"the network sees": "preprocessing",
    r"told the answer": "oracle",
    r"made worse": "degraded",
    r"units that could stand in": "redundant parts",
    r"unfit": "not supported",
    r"\d+ passes": "forward passes",
}


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every sentence in a file: strings with a space, docstrings too; names in them left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, re.sub(r"`[^`\n]*`|\"[^\" \n]*\"", "", node.value)  # names are code


def replaced_words(text: str) -> list[str]:
    """The words in a text that another word stands for, each with that word."""
    return [
        f"{match.group()!r}: say {better}"
        for word, better in WORDS.items()
        for match in re.finditer(rf"\b{word}\b", text, re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("No picture fits", ["'picture': say image"]),
        ("A ResNet-50 network's last stage", []),
        ("Better than every null baseline", []),
        ("Networks differ", ["'Networks': say model"]),
    ],
)
def test_a_replaced_word_is_noticed(text: str, found: list[str]) -> None:
    assert replaced_words(text) == found


def test_code_says_one_word_for_one_thing() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {word}"
        for path in FILES
        for line, text in texts_of(path)
        for word in replaced_words(text)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", PAGES)
def test_texts_say_one_word_for_one_thing(name: str) -> None:
    path = ROOT / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    prose = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"))
    assert replaced_words(prose) == []
