"""LaTeX: text that any class name survives, and tables for booktabs."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

SPECIAL = {
    "\\": r"\textbackslash{}", "_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "$": r"\$",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "×": r"$\times$", "±": r"$\pm$", "τ": r"$\tau$",
    "σ": r"$\sigma$", "≤": r"$\leq$", "≥": r"$\geq$", "–": "--", "—": "---", "†": r"\dag{}",
    "‡": r"\ddag{}", "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}",
    "œ": r"\oe{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "å": r"\aa{}", "Å": r"\AA{}",
    "’": "'", "‘": "`", "“": "``", "”": "''", "…": r"\ldots{}", "\u00a0": "~",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d",
    "\u0327": "c", "\u0331": "b",
}  # fmt: skip
ARROWS = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", "": ""}


def escaped(text: str) -> str:
    """Text for any LaTeX with the default encodings; other scripts show in XeLaTeX and LuaLaTeX."""
    return "".join(map(_escaped_letter, text))


def _escaped_letter(letter: str) -> str:
    if letter in SPECIAL:
        return SPECIAL[letter]
    if ord(letter) < 128:
        return letter
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if ord(base) < 128 and all(mark in ACCENTS for mark in marks) and marks:
        text = base
        for mark in marks:
            text = f"\\{ACCENTS[mark]}{{{text}}}"
        return text
    return f"{{\\ifdefined\\Umathchar {letter}\\else [U+{ord(letter):04X}]\\fi}}"


def stacked(title: str, better: str) -> str:
    """A column's heading in two lines where it is long, with the arrow to the better side."""
    words = title.split()
    middle = (len(words) + 1) // 2
    lines = [" ".join(words[:middle]), " ".join(words[middle:])] if len(title) > 14 else [title]
    text = r"\\".join(escaped(line) for line in lines if line)
    return f"\\begin{{tabular}}[b]{{@{{}}c@{{}}}}{text}{ARROWS[better]}\\end{{tabular}}"


def tabular(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str, label: str) -> str:
    """A table* whose first column is text; every part is LaTeX already, but the label."""
    body = "\n".join(f"{' & '.join(row)} \\\\" for row in rows)
    return (
        "% \\usepackage{booktabs}\n"
        "\\begin{table*}\n\\centering\n"
        f"\\caption{{{caption}}}\n\\label{{{label}}}\n"
        "\\footnotesize\n\\setlength{\\tabcolsep}{4pt}\n"
        f"\\begin{{tabular}}{{@{{}}l{'c' * (len(heads) - 1)}@{{}}}}\n\\toprule\n"
        f"{' & '.join(heads)} \\\\\n\\midrule\n{body}\n\\bottomrule\n"
        "\\end{tabular}\n\\end{table*}\n"
    )
