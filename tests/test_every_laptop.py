"""Windows and macOS: explain, evaluate and resume work where nothing is that only Linux has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xai_core import DATA

ROOT = Path(__file__).resolve().parent.parent
BARE = """
import builtins, io, os, signal, sys, warnings
# libraries of others look at sys.platform and take their own way on other systems
import captum.attr, cv2, numpy, pandas, PIL.Image, pyarrow.parquet, safetensors.torch
import skimage.segmentation, sklearn.linear_model, torch, torchvision

HIDDEN = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in HIDDEN:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocker())
for name in ("fork", "forkpty", "getuid", "geteuid", "getgid", "getpgid", "getsid", "setsid",
             "nice", "killpg", "sched_getaffinity", "mkfifo", "statvfs", "uname", "getloadavg"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1", "setitimer", "alarm"):
    if hasattr(signal, name):
        delattr(signal, name)

def without_proc(function):
    def called(path, *more, **named):
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith("/proc"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return function(path, *more, **named)
    return called

for module, names in ((builtins, ("open",)), (io, ("open",)), (os, ("open", "stat", "listdir"))):
    for name in names:
        setattr(module, name, without_proc(getattr(module, name)))
warnings.filterwarnings("ignore", message=".*soft.*")  # filelock says so where fcntl is missing

torch.set_num_threads(1)
from xai_core.__main__ import main
from xai_core.evaluation import run
pieces = []
write = run.Store.write_scores
run.Store.write_scores = lambda *a: (pieces.append(1), write(*a))[1]

image, out, folder = sys.argv[1:]
assert main(["explain", image, "--methods", "cam", "secam", "--out", out]) == 0
order = ["evaluate", "--limit", "9", "--methods", "cam", "random", "--run-dir", folder,
         "--metrics", "relevance_mass", "sparseness"]
assert main(order) == 0
made = len(pieces)
assert main(order) == 0
again = len(pieces)
assert main([*order, "pointing_game"]) == 0
print("pieces", made, again, len(pieces))
assert "fcntl" not in sys.modules and not hasattr(os, "fork")
"""


@pytest.mark.slow
def test_explain_evaluate_and_resume_without_what_only_linux_has(tmp_path: Path) -> None:
    picture = DATA / "orchard" / "images" / "apple-1-0.jpg"
    arguments = [str(picture), str(tmp_path / "out"), str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", BARE, *arguments],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # two methods on two units of images: all at first, none again, all for the added metric
    assert done.stdout.splitlines()[-1] == "pieces 4 4 8"
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_a_console_without_some_letters_shows_the_list() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "xai_core", "list"],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"input_x_gradient" in done.stdout
    assert b"Input ? gradient" in done.stdout
