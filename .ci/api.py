"""API pages from the docstrings, into build/api: `.venv/bin/python .ci/api.py`."""

import pkgutil
import sys
from pathlib import Path

import pdoc

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import xai_core  # noqa: E402


def main() -> None:
    vars(xai_core).update({name: getattr(xai_core, name) for name in xai_core.__all__})
    found = [module.name for module in pkgutil.walk_packages(xai_core.__path__, "xai_core.")]
    public = [name for name in found if "._" not in name]
    pdoc.render.configure(docformat="google", math=True)
    pdoc.pdoc("xai_core", *public, output_directory=ROOT / "build" / "api")
    print(f"wrote {ROOT / 'build' / 'api' / 'index.html'}: {len(public) + 1} pages")


if __name__ == "__main__":
    main()
