"""Time of each metric in units of the forward passes it needs, and of other libraries beside it.

    python tests/benchmarks/evaluate.py --classifier orchard --images 8

All figures are from one run on one machine: quote the ratios. "overhead" is the metric's best time
divided by (its forward passes x the best raw time per image); the raw time is the best of forward
passes on batches of 8, 16 and 32 in channels_last under inference mode: of the model as it is,
and of the quick copy of it that passes without gradients use.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial

from xai_core.evaluation.allocator import keep_blocks

KEPT = keep_blocks()  # before the first tensor

import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torchvision import models  # noqa: E402

from xai_core.methods import METHODS  # noqa: E402
from xai_core.metrics import METRICS, Case  # noqa: E402
from xai_core.metrics.road import FRACTIONS  # noqa: E402
from xai_core.models.batch import Batch  # noqa: E402
from xai_core.models.classifier import Classifier  # noqa: E402
from xai_core.models.imputers import load_imputer  # noqa: E402
from xai_core.models.loading import load_classifier  # noqa: E402

CURVES = ("deletion", "insertion", "symmetric_relevance_gain")
REPEATS = 3
TIMED = (*CURVES, "single_deletion", "irof", "road", "average_drop", "infidelity", "adcc")


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def raw_seconds(
    classifier: Classifier, precision: str, forward: Callable[[Tensor], Tensor]
) -> float:
    """The best time of a forward pass, per image."""
    side, best = classifier.form.size, float("inf")
    for size in (8, 16, 32):
        images = torch.rand(size, 3, side, side).contiguous(memory_format=torch.channels_last)
        bf16 = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
        with torch.inference_mode(), bf16:
            forward(images)
            for _ in range(5):
                best = min(best, seconds_of(partial(forward, images)) / size)
    return best


def pictures(classifier: Classifier, count: int) -> Batch:
    """Smooth random images: what they show does not matter for the time."""
    side = classifier.form.size
    coarse = torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    images = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")
    return Batch(classifier, images, [f"{index:064x}" for index in range(count)])


def fresh_case(classifier: Classifier, count: int, precision: str) -> Case:
    """A case on which nothing has been computed but the maps and the pass on the whole images."""
    batch = pictures(classifier, count)
    batch.precision = "bf16" if precision == "bf16" else "fp32"
    method = METHODS["cam" if classifier.head is not None else "grad_cam"]()
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    masks = torch.zeros(maps.shape, dtype=torch.bool)
    masks[:, 50:150, 50:150] = True
    return Case(batch, batch.predicted, maps, method, masks)


def report_ours(classifier: Classifier, count: int, precision: str) -> None:
    plain = raw_seconds(classifier, precision, classifier.network)
    raw = raw_seconds(classifier, precision, classifier.logits)
    print(
        f"\n{classifier.name}, {count} images, {precision}: the model {plain * 1000:.1f} ms an "
        f"image, its quick copy {raw * 1000:.1f} ms"
    )
    print(f"{'metric':28}{'passes':>8}{'ms/image':>12}{'overhead':>10}{'of the copy':>13}")
    for name in TIMED:
        metric, seconds = METRICS[name](), float("inf")
        for _ in range(REPEATS):
            case = fresh_case(classifier, count, precision)
            seconds = min(seconds, seconds_of(partial(metric.score, case)) / count)
        passes = metric.passes(classifier, case.method)
        print(
            f"{name:28}{passes:8.0f}{seconds * 1000:12.1f}{seconds / (passes * plain):10.2f}"
            f"{seconds / (passes * raw):13.2f}"
        )
    report_imputation(classifier, raw)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process so far {peak:.0f} MB; blocks kept on the heap: {KEPT}")


def report_imputation(classifier: Classifier, raw: float) -> None:
    """ROAD's interpolation alone, for contiguous and for scattered removal.

    Of as many images at once as ROAD has of one; the best time, in passes of the quick copy.
    """
    batch = pictures(classifier, 2)
    height, width = batch.images.shape[-2:]
    rows = torch.arange(height)[:, None].expand(height, width).flatten()
    scattered = torch.rand(height * width, generator=torch.Generator().manual_seed(0))
    for label, order in (("contiguous", rows / height), ("scattered", scattered)):
        removed = torch.stack([order < share for share in FRACTIONS for _ in range(2)])
        index = torch.zeros(len(removed), dtype=torch.int64)
        work = partial(load_imputer("noisy_linear").replaced, batch, index, removed)
        spent = min(seconds_of(work) for _ in range(REPEATS)) / len(removed)
        print(f"  interpolation, {label}: {spent * 1000:.1f} ms, {spent / raw:.2f} passes")


class Given:
    """Gives maps as they are, where torch-cam expects an extractor of its own."""

    def __init__(self, model: torch.nn.Module, maps: Tensor) -> None:
        self.model, self.maps = model, maps

    def __call__(self, *arguments: object, **rest: object) -> list[Tensor]:
        return [self.maps]

    def fuse_cams(self, maps: list[Tensor]) -> Tensor:
        return maps[0]

    @contextlib.contextmanager
    def _hooks_off(self) -> Iterator[None]:
        yield


def peers(classifier: Classifier, count: int) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """(library, our metric, the same work by that library) for those that are installed."""
    case = fresh_case(classifier, count, "fp32")
    batch, network = case.batch, classifier.network
    maps = case.maps.numpy()
    from captum.metrics import infidelity, sensitivity_max

    metric = METRICS["infidelity"]()
    squares = metric.squares(batch)  # type: ignore[attr-defined]
    turn = iter(range(10**6))

    def removed(images: Tensor) -> tuple[Tensor, Tensor]:
        chosen = squares[:, next(turn) % squares.shape[1]].view(count, 1, *images.shape[2:]).float()
        return chosen.expand(-1, 3, -1, -1) / 3, images * (1 - chosen)

    yield (
        "captum",
        "infidelity",
        lambda: infidelity(
            network,
            removed,
            batch.images,
            case.maps[:, None].expand(-1, 3, -1, -1),
            target=case.targets,
            n_perturb_samples=squares.shape[1],
            max_examples_per_batch=count,
            normalize=True,
        ),
    )
    noisy = METRICS["max_sensitivity"]()

    def explain(images: tuple[Tensor, ...], target: Tensor) -> tuple[Tensor]:
        names = [str(index) for index in range(len(images[0]))]
        maps = case.method.attribute(Batch(classifier, images[0], names), target[:, None])
        return (maps[:, 0],)

    yield (
        "captum",
        "max_sensitivity",
        lambda: sensitivity_max(
            explain,
            (batch.images,),
            perturb_radius=noisy.radius,  # type: ignore[attr-defined]
            n_perturb_samples=noisy.samples,  # type: ignore[attr-defined]
            max_examples_per_batch=count,
            target=case.targets,
        ),
    )
    try:
        from torchcam.metrics import DeletionInsertionMetric
    except ImportError:
        print("torch-cam is not installed: left out")
    else:
        given = Given(network, case.maps)
        both = DeletionInsertionMetric(
            given, lambda logits: logits.softmax(-1), steps=METRICS["deletion"]().steps
        )
        yield (
            "torch-cam",
            "deletion",
            lambda: both.update(batch.images, case.targets.tolist()),
        )
    try:
        from pytorch_grad_cam.metrics.road import ROADCombined
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
    except ImportError:
        print("pytorch-grad-cam is not installed: left out")
    else:
        wanted = [ClassifierOutputSoftmaxTarget(int(target)) for target in case.targets]
        combined = ROADCombined(percentiles=list(range(10, 100, 10)))
        yield "pytorch-grad-cam", "road", lambda: combined(batch.images, maps, wanted, network)
    try:
        import quantus
    except ImportError:
        print("quantus is not installed: left out")
    else:
        irof = quantus.IROF(segmentation_method="slic", disable_warnings=True)
        yield (
            "quantus",
            "irof",
            lambda: irof(
                model=network,
                x_batch=batch.images.numpy(),
                y_batch=case.targets.numpy(),
                a_batch=maps[:, None].repeat(3, axis=1),
                device="cpu",
            ),
        )


def report_peers(classifier: Classifier, count: int) -> None:
    print("\nthe same work by other libraries, same images and maps; overhead as above")
    plain = raw_seconds(classifier, "fp32", classifier.network)
    for library, name, work in peers(classifier, count):
        try:
            theirs = seconds_of(work)
        except Exception as error:  # a library that fails is a result of its own
            print(f"{library:18}{name:14} failed: {type(error).__name__}: {error}")
            continue
        case = fresh_case(classifier, count, "fp32")
        ours = seconds_of(partial(METRICS[name]().score, case))
        needed = METRICS[name]().passes(classifier, case.method) * count * plain
        if library == "torch-cam":  # which computes both curves at once
            name, needed = "both curves", 2 * needed
            ours += seconds_of(partial(METRICS["insertion"]().score, case))
        print(
            f"{library:18}{name:16}{theirs:7.1f} s, overhead {theirs / needed:5.2f}; ours "
            f"{ours:7.1f} s, overhead {ours / needed:5.2f}: {theirs / ours:.1f} times as fast"
        )


def report_precision(classifier: Classifier, count: int) -> None:
    print("\nlargest change of a score by bf16")
    for name in TIMED:
        pair = [
            METRICS[name]().score(fresh_case(classifier, count, precision)).values
            for precision in ("fp32", "bf16")
        ]
        print(f"{name:28}{float((pair[0] - pair[1]).abs().max()):10.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--classifier", default="orchard", help="or resnet50-random, 224 px")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--bf16", action="store_true", help="also time bf16 and print its effect")
    parser.add_argument("--peers", action="store_true", help="also time other libraries")
    chosen = parser.parse_args()
    if chosen.classifier == "resnet50-random":
        torch.manual_seed(0)
        names = tuple(str(index) for index in range(1000))
        classifier = Classifier.of(models.resnet50(), names, name="resnet50, random weights")
    else:
        classifier = load_classifier(chosen.classifier)
    report_ours(classifier, chosen.images, "fp32")
    if chosen.bf16:
        report_ours(classifier, chosen.images, "bf16")
        report_precision(classifier, chosen.images)
    if chosen.peers:
        report_peers(classifier, chosen.images)


if __name__ == "__main__":
    main()
