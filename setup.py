"""The build hook: a wheel carries the shipped data and the dashboard inside of the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = (
    "dashboard",
    "data/orchard",
    "data/orchard_variety",
    "data/models/orchard.*",
    "data/runs/shipped",
    "data/runs/photos",
    "data/runs/ground_truth",
    "data/runs/ground_truth_seed2",
)
"""What a wheel has: the networks with stickers (24 MB) are in the repository alone."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", "contact_sheet.jpg", "maps", "parts")


class WithShipped(build_py):
    """Copies SHIPPED to xai_core/_shipped, where `xai_core.places` looks for it."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # then the package is the checkout, which has it all
            return
        here, there = Path(__file__).parent, Path(self.build_lib) / "xai_core" / "_shipped"
        shutil.rmtree(there, ignore_errors=True)
        for path in [path for pattern in SHIPPED for path in sorted(here.glob(pattern))]:
            target = there / path.relative_to(here)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, target, ignore=LEFT_OUT)
            else:
                shutil.copy2(path, target)


setup(cmdclass={"build_py": WithShipped})
