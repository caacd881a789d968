"""What an installed wheel must do, in a folder without the checkout; `.ci/wheel` runs this."""

import re
import subprocess
import sys
from pathlib import Path

import xai_core
from xai_core.places import DATA, IS_INSTALLED, runs_folder

CHECKOUT, ENVIRONMENT = map(Path, sys.argv[1:])


def said(*words: str) -> str:
    """What `campare` prints; the error where it fails."""
    found = [p for p in ENVIRONMENT.glob("*/campare*") if p.parent.name in ("bin", "Scripts")]
    done = subprocess.run([found[0], *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"campare {' '.join(words)}: {done.stderr}")
    return done.stdout


def require(holds: bool, what: str) -> None:
    print("ok" if holds else "FAILED", what, flush=True)
    if not holds:
        sys.exit(1)


def main() -> None:
    package = Path(xai_core.__file__).resolve()
    require(package.is_relative_to(ENVIRONMENT.resolve()), f"imported from {package.parent}")
    require(IS_INSTALLED and DATA.is_relative_to(package.parent), "the data are in the package")
    require(runs_folder() == Path("runs").resolve(), "new runs go to the current folder")
    require("usage: campare" in said("--help"), "campare --help")
    require("secam" in said("list"), "campare list")
    require("photo.jpg: " in said("explain", "photo.jpg", "--methods", "cam"), "campare explain")
    require(len(list(Path("explained").glob("*.png"))) == 1, "the map is a file")
    words = ("--limit", "8", "--methods", "cam", "--metrics", "sparseness")
    require("CAM" in said("evaluate", *words), "campare evaluate")
    require(Path("runs/orchard-orchard/manifest.json").is_file(), "the run is a folder here")
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", readme, re.DOTALL)):
        exec(compile(code, f"README.md, example {number}", "exec"), {})
        require(True, f"the README's Python example {number}")


if __name__ == "__main__":
    main()
