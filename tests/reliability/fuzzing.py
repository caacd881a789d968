"""Fuzzing: damaged inputs of every kind, each of which may give one sentence and nothing worse."""

from __future__ import annotations

import copy
import io
import json
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save as save_tensors

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "dashboard"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from xai_core.catalog import configure  # noqa: E402
from xai_core.evaluation.dataset import load_folder  # noqa: E402
from xai_core.evaluation.journal import find_problems  # noqa: E402
from xai_core.evaluation.run_folder import RunFolderError, load_manifest  # noqa: E402
from xai_core.evaluation.status import load_status  # noqa: E402
from xai_core.evaluation.store import Store  # noqa: E402
from xai_core.evaluation.tables import load_curves, load_scores  # noqa: E402
from xai_core.images.reading import BadImage, open_image  # noqa: E402
from xai_core.methods import METHODS  # noqa: E402
from xai_core.models.checkpoints import read_weights  # noqa: E402
from xai_core.models.loading import load_classifier  # noqa: E402
from xai_core.models.torchvision_networks import BadClassifier, build_network  # noqa: E402
from xai_core.training.trainer import save_network  # noqa: E402

HANG_SECONDS, MEMORY_MB = 5.0, 1024
SMALL = "shufflenet_v2_x0_5"
Attempt = Callable[[Any], None]


@dataclass
class Outcome:
    """What became of the cases of one kind; `faults` are tracebacks' last lines, with the input."""

    kind: str
    cases: int = 0
    slowest: float = 0.0
    peak_mb: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def hangs(self) -> int:
        return sum(fault.startswith("hang") for fault in self.faults)


class Hang(BaseException):
    """Ends an attempt that takes too long."""


def attempts(kind: str, count: int, folder: Path, seed: int = 0) -> Outcome:
    """`count` damaged inputs of a kind, made from valid ones in `folder`."""
    inputs, attempt = KINDS[kind](folder)
    outcome = Outcome(kind)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(
        max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(inputs)
    def each(value: Any) -> None:
        _try(outcome, attempt, value)

    hypothesis.seed(seed)(each)()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome.peak_mb = (after - before) / 1024
    if outcome.peak_mb > MEMORY_MB:
        outcome.faults.append(f"memory: {outcome.peak_mb:.0f} MB")
    return outcome


def _try(outcome: Outcome, attempt: Attempt, value: Any) -> None:
    def late(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 2 * HANG_SECONDS)
    started = time.perf_counter()
    try:
        attempt(value)
    except Hang:
        outcome.faults.append(f"hang: {value!r:.200}")
    except Exception:
        last = traceback.format_exc(limit=-1).strip().splitlines()
        outcome.faults.append(f"{' | '.join(last[1:])} for {value!r:.200}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.perf_counter() - started
    outcome.cases += 1
    outcome.slowest = max(outcome.slowest, seconds)
    if HANG_SECONDS < seconds < 2 * HANG_SECONDS:
        outcome.faults.append(f"hang: {seconds:.1f} s for {value!r:.200}")


@contextmanager
def one_sentence(kind: type[Exception]) -> Iterator[None]:
    """An error of this kind is an answer, as long as it is a single sentence."""
    try:
        yield
    except kind as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError(f"not one sentence: {error!r}") from None


def damaged(*valid: bytes) -> st.SearchStrategy[bytes]:
    """Valid contents with bytes changed, cut off, repeated or put in; now and then pure noise."""
    edit = st.tuples(
        st.sampled_from(["change", "change", "change", "cut", "repeat", "insert"]),
        st.floats(0, 1),
        st.binary(min_size=1, max_size=4),
    )
    changed = st.tuples(st.sampled_from(valid), st.lists(edit, min_size=1, max_size=3))
    edited = changed.map(_edited)
    return st.one_of(edited, edited, edited, edited, st.binary(max_size=200))


def _edited(drawn: tuple[bytes, list[tuple[str, float, bytes]]]) -> bytes:
    content, edits = drawn
    for kind, where, put in edits:
        place = int(where * len(content))
        if kind == "change":
            content = content[:place] + put + content[place + len(put) :]
        elif kind == "cut":
            content = content[:place]
        elif kind == "repeat":
            content = content[:place] + content[max(0, place - 64) :]
        else:
            content = content[:place] + put + content[place:]
    return content


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=12),
    st.lists(st.integers(-3, 3), max_size=3), st.just({}), st.just([]),
    st.just("../../outside"), st.just("x" * 5000),
)  # fmt: skip


def altered(valid: Any) -> st.SearchStrategy[Any]:
    """A JSON value with one to three of its parts replaced, left out or renamed."""
    paths = list(_paths(valid))
    edit = st.tuples(st.sampled_from(paths), st.sampled_from(["put", "drop", "rename"]), ODD)
    return st.lists(edit, min_size=1, max_size=3).map(lambda edits: _altered(valid, edits))


def _altered_json(valid: bytes) -> st.SearchStrategy[bytes]:
    return altered(json.loads(valid)).map(lambda value: json.dumps(value).encode())


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Any:
    items: Any = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))[:2]
    for key, inner in items:
        yield (*before, key)
        yield from _paths(inner, (*before, key))


def _altered(valid: Any, edits: list[tuple[tuple[Any, ...], str, Any]]) -> Any:
    value = copy.deepcopy(valid)
    for path, kind, put in edits:
        inner = value
        try:
            for key in path[:-1]:
                inner = inner[key]
            if kind == "put":
                inner[path[-1]] = put
            else:
                kept = inner.pop(path[-1])
                if kind == "rename" and isinstance(inner, dict):
                    inner[f"{path[-1]}_"] = kept
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier edit took it away
    return value


Kind = Callable[[Path], tuple[st.SearchStrategy[Any], Attempt]]


def images(folder: Path) -> tuple[st.SearchStrategy[Any], Attempt]:
    random, valid = np.random.default_rng(0), []
    for kind, mode in (
        ("PNG", "RGB"), ("PNG", "P"), ("PNG", "I;16"), ("JPEG", "RGB"), ("JPEG", "CMYK"),
        ("GIF", "P"), ("BMP", "RGB"), ("TIFF", "RGBA"), ("WEBP", "RGB"),
    ):  # fmt: skip
        pixels = random.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        saved = io.BytesIO()
        deep = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
        (deep if mode == "I;16" else Image.fromarray(pixels).convert(mode)).save(saved, kind)
        valid.append(saved.getvalue())

    def attempt(content: bytes) -> None:
        with one_sentence(BadImage):
            assert open_image(content, "x").rgb.ndim == 3

    return damaged(*valid), attempt


def checkpoints(folder: Path) -> tuple[st.SearchStrategy[Any], Attempt]:
    tensors = {"a.weight": torch.ones(3, 4), "a.bias": torch.zeros(3)}
    new, old = io.BytesIO(), io.BytesIO()
    torch.save(tensors, new)
    torch.save({"state_dict": tensors}, old, _use_new_zipfile_serialization=False)
    zips, plain = (new.getvalue(), old.getvalue()), save_tensors(tensors)
    inputs = st.one_of(
        st.tuples(st.just(".pth"), damaged(*zips)),
        st.tuples(st.just(".safetensors"), damaged(plain)),
    )

    def attempt(drawn: tuple[str, bytes]) -> None:
        path = folder / f"weights{drawn[0]}"
        path.write_bytes(drawn[1])
        with one_sentence(BadClassifier):
            read_weights(path)

    return inputs, attempt


def cards(folder: Path) -> tuple[st.SearchStrategy[Any], Attempt]:
    form = {"size": 64, "resize": 72, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}
    told = {"architecture": SMALL, "arguments": {}, "categories": ["a", "b"], "form": form}
    save_network(build_network(SMALL, 2).eval(), told, folder, "fruit")
    card = (folder / "fruit.json").read_bytes()
    inputs = st.one_of(_altered_json(card), damaged(card))
    load_classifier(folder / "fruit.json")  # what the first one imports is no attempt's time

    def attempt(content: bytes) -> None:
        (folder / "fruit.json").write_bytes(content)
        with one_sentence(BadClassifier):
            load_classifier(folder / "fruit.json")

    return inputs, attempt


def labels(folder: Path) -> tuple[st.SearchStrategy[Any], Attempt]:
    for name in ("x", "y"):
        (folder / name).mkdir()
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / name / "1.png")
    valid = (b"file,class_name\nx/1.png,a\ny/1.png,b\n", b"file,class_index\nx/1.png,0\n")

    def attempt(content: bytes) -> None:
        (folder / "labels.csv").write_bytes(content)
        with one_sentence(BadImage):
            load_folder(folder, ("a", "b"))

    return damaged(*valid), attempt


def run_folders(folder: Path) -> tuple[st.SearchStrategy[Any], Attempt]:
    source = folder / "valid"
    _small_run(source)
    names = ("manifest.json", "status.json", "parts.jsonl")
    tables = [path.relative_to(source).as_posix() for path in source.glob("*/*") if path.is_file()]
    valid = {name: (source / name).read_bytes() for name in (*names, *tables)}
    journal = valid[names[2]]
    inputs = st.one_of(
        *(st.tuples(st.just(name), damaged(valid[name])) for name in valid),
        *(
            st.tuples(
                st.just(name),
                altered(json.loads(valid[name])).map(lambda v: json.dumps(v).encode()),
            )
            for name in names[:2]
        ),
        st.tuples(
            st.just(names[2]),
            altered(json.loads(journal.splitlines()[0])).map(
                lambda v: json.dumps(v).encode() + b"\n" + valid[names[2]]
            ),
        ),
    )

    def attempt(drawn: tuple[str, bytes]) -> None:
        run = folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(source, run)
        (run / drawn[0]).write_bytes(drawn[1])
        for read in (load_manifest, load_scores, load_curves, find_problems, load_status, Store):
            with one_sentence(RunFolderError):
                read(run)

    return inputs, attempt


def _small_run(run: Path) -> None:
    """A run folder as an evaluation leaves it."""
    from tests.conftest import TinyNetwork, picture, seeded
    from xai_core.evaluation.run import run_evaluation
    from xai_core.images.reading import InputFormat
    from xai_core.metrics import METRICS
    from xai_core.models.classifier import Classifier

    pictures = run.parent / "pictures" / "a"
    pictures.mkdir(parents=True)
    for index in range(2):
        Image.fromarray(picture(index).rgb).save(pictures / f"{index}.png")
    network, form = seeded(TinyNetwork), InputFormat(size=64, resize=72)
    classifier = Classifier.of(network, tuple("abcde"), name="tiny", form=form)
    data = load_folder(pictures.parent, classifier.categories)
    run_evaluation(run, classifier, data, [METHODS["cam"]()], [METRICS["deletion"](steps=4)])


def specs(folder: Path) -> tuple[st.SearchStrategy[Any], Attempt]:
    def attempt(text: str) -> None:
        with one_sentence(ValueError):
            configure([text], METHODS)

    return spec_texts(), attempt


def spec_texts() -> st.SearchStrategy[str]:
    """Specs that are right, nearly right and not at all."""
    name = st.one_of(st.sampled_from(sorted(METHODS)), st.text(max_size=8))
    known = sorted({setting for method in METHODS.values() for setting in method.declared()})
    setting = st.one_of(st.sampled_from([*known, "cls", "self"]), st.text(max_size=6))
    value = st.one_of(
        st.text(max_size=8), st.integers().map(str), st.floats().map(str), st.just("9" * 5000)
    )
    pairs = st.lists(st.tuples(setting, value).map("=".join), max_size=3).map(",".join)
    whole = st.tuples(name, pairs).map(lambda drawn: f"{drawn[0]}[{drawn[1]}]")
    cut = st.tuples(whole, st.integers(0, 40)).map(lambda drawn: drawn[0][: drawn[1]])
    return st.one_of(whole, cut, st.text(max_size=30))


def addresses(folder: Path) -> tuple[st.SearchStrategy[Any], Attempt]:
    from state.parameters import PARAMETERS, read

    read("methods", "cam")  # the list of methods is loaded once, whoever asks first
    value = st.one_of(
        spec_texts(), st.integers().map(str), st.floats().map(str), st.text(max_size=20),
        st.sampled_from(["1e999", "-inf", "true|", "%00", "../..", "0" * 3000]),
    )  # fmt: skip

    def attempt(drawn: tuple[str, str]) -> None:
        found, problems = read(*drawn)
        parameter = PARAMETERS[drawn[0]]
        assert problems or read(drawn[0], parameter.spell(found))[0] == found

    return st.tuples(st.sampled_from(sorted(PARAMETERS)), value), attempt


KINDS: dict[str, Kind] = {
    "images": images,
    "checkpoints": checkpoints,
    "cards": cards,
    "labels": labels,
    "run_folders": run_folders,
    "specs": specs,
    "addresses": addresses,
}
