"""Untrusted bytes become checked RGB photos; framing and maps keep their places."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from torchvision.transforms._presets import ImageClassification

from xai_core.images.image_files import find_images, passed_over
from xai_core.images.reading import (
    LARGEST_BYTES,
    BadImage,
    Framing,
    InputFormat,
    Photo,
    framed,
    framed_region,
    map_on_photo,
    normalised,
    open_image,
)

RED, BLUE = (255, 0, 0), (0, 0, 255)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def coloured(height: int = 20, width: int = 30) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    rgb = np.stack([rows * 10 % 256, columns * 8 % 256, (rows + columns) * 5 % 256], axis=-1)
    return Image.fromarray(rgb.astype(np.uint8))


def empty_png(width: int, height: int) -> bytes:
    """A black one-bit PNG of any size, written without holding its pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def refusal(source: bytes | str | Path, name: str = "") -> str:
    with pytest.raises(BadImage) as caught:
        open_image(source, name)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    image = coloured()
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert np.array_equal(open_image(encoded(image, kind, **options)).rgb, np.asarray(image))


def test_a_photo_carries_its_name_and_the_digest_of_its_bytes(tmp_path: Path) -> None:
    content = encoded(coloured(), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for photo in (open_image(path), open_image(str(path)), open_image(content, "a.png")):
        assert photo.name == "a.png"
        assert photo.sha256 == hashlib.sha256(content).hexdigest()
    assert open_image(content).name == "image"


def test_sixteen_bit_grey_is_scaled_to_eight() -> None:
    values = np.linspace(0, 65535, 16 * 16).reshape(16, 16).astype(np.uint16)
    rgb = open_image(encoded(Image.fromarray(values), "PNG")).rgb
    expected = np.round(values / 257.0).astype(np.uint8)
    assert np.array_equal(rgb, np.repeat(expected[:, :, None], 3, axis=2))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_grey_of_few_bits_in_sixteen_is_shown_over_the_bits_used_and_said(
    kind: str, bits: int
) -> None:
    values = np.linspace(0, 2**bits - 1, 256).reshape(16, 16).round().astype(np.uint16)
    photo = open_image(encoded(Image.fromarray(values), kind))
    assert np.array_equal(photo.rgb[:, :, 1], np.round(values * (255 / (2**bits - 1))))
    assert photo.rgb.mean() == pytest.approx(127.5, abs=0.5)
    assert photo.note == f"{bits} bits used: 0 to {2**bits - 1}"


def test_sixteen_used_bits_and_eight_bit_files_are_not_remarked_on() -> None:
    values = np.full((16, 16), 40_000, dtype=np.uint16)
    photo = open_image(encoded(Image.fromarray(values), "PNG"))
    assert (int(photo.rgb.max()), photo.note) == (round(40_000 / 257), "")
    assert open_image(encoded(coloured(), "PNG")).note == ""


def test_float_tiff_is_shown_over_its_percentiles_or_the_window_that_is_asked_for() -> None:
    hounsfield = np.linspace(-1000, 2000, 64 * 64, dtype=np.float32).reshape(64, 64)
    content = encoded(Image.fromarray(hounsfield), "TIFF")
    photo = open_image(content)
    assert photo.note == "percentiles 0.5 to 99.5: -985 to 1985"
    assert photo.rgb.mean() == pytest.approx(127.5, abs=0.5)
    chosen = open_image(content, window=(0, 100))
    expected = np.clip(np.round(hounsfield * 2.55), 0, 255)
    assert np.abs(chosen.rgb[:, :, 0] - expected).max() <= 1  # ties of rounding
    assert chosen.note == ""
    sixteen = np.full((16, 16), 3000, dtype=np.uint16)
    assert open_image(encoded(Image.fromarray(sixteen), "PNG"), window=(1000, 5000)).rgb.max() == (
        round(255 / 2)
    )


def test_strips_of_rows_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    kinds = {
        "RGB": random.integers(0, 256, (50, 40, 3), dtype=np.uint8),
        "RGBA": random.integers(0, 256, (50, 40, 4), dtype=np.uint8),
        "I;16": random.integers(0, 65536, (50, 40), dtype=np.uint16),
    }
    for content in (encoded(Image.fromarray(pixels), "PNG") for pixels in kinds.values()):
        monkeypatch.setattr("xai_core.images.reading.STRIP_PIXELS", 2**20)
        whole = open_image(content).rgb
        monkeypatch.setattr("xai_core.images.reading.STRIP_PIXELS", 40 * 7)
        assert np.array_equal(open_image(content).rgb, whole)


@pytest.mark.parametrize(
    ("suffix", "kind"), [(".avif", "AVIF"), (".jfif", "JPEG"), (".mpo", "MPO")]
)
def test_formats_of_phones_and_browsers_open_and_are_found(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    image = coloured(40, 60)
    options = {"save_all": True, "append_images": [image]} if kind == "MPO" else {}
    image.save(tmp_path / f"a{suffix}", kind, **options)
    (found,) = find_images(tmp_path)
    assert np.abs(open_image(found).rgb.astype(int) - np.asarray(image)).mean() < 12  # lossy


def test_heic_opens_where_its_reader_is_installed_and_else_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = b"\x00\x00\x00\x18ftypheic" + bytes(40)
    monkeypatch.setattr("xai_core.images.reading.find_spec", lambda name: None)
    assert refusal(header, "a.heic") == (
        "a.heic: a HEIC image needs a reader: pip install pillow-heif"
    )
    monkeypatch.undo()
    reader = pytest.importorskip("pillow_heif", reason="the optional HEIC reader is not installed")
    image = coloured(40, 60)
    reader.from_pillow(image).save(tmp_path / "a.heic", quality=90)
    (found,) = find_images(tmp_path)
    assert np.abs(open_image(found).rgb.astype(int) - np.asarray(image)).mean() < 12


def test_fractional_grey_is_stretched_from_0_to_1_and_not_a_number_is_black() -> None:
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    rgb = open_image(encoded(Image.fromarray(values), "TIFF")).rgb
    assert np.array_equal(rgb[:, :, 0].ravel(), np.arange(256))
    values[0, 0] = np.nan
    assert open_image(encoded(Image.fromarray(values), "TIFF")).rgb[0, 0].max() == 0


def test_cmyk_is_converted() -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # no cyan, full magenta and yellow
    rgb = open_image(encoded(image, "TIFF")).rgb
    assert np.array_equal(rgb[0, 0], RED)
    assert open_image(encoded(image, "JPEG")).rgb[0, 0] == pytest.approx(RED, abs=6)


def test_palette_with_transparency_lies_on_white() -> None:
    image = Image.new("P", (16, 16), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (8, 0, 16, 16))
    rgb = open_image(encoded(image, "PNG", transparency=0)).rgb
    assert np.array_equal(rgb[0, 0], (255, 255, 255))
    assert np.array_equal(rgb[0, 15], BLUE)


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    image = Image.new("RGBA", (16, 16), (0, 0, 255, 128))
    assert open_image(encoded(image, "PNG")).rgb[0, 0] == pytest.approx((127, 127, 255), abs=1)
    grey = Image.new("LA", (16, 16), (0, 128))
    assert open_image(encoded(grey, "PNG")).rgb[0, 0] == pytest.approx((127, 127, 127), abs=1)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_the_first_frame_of_an_animation_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE, BLUE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert Image.open(io.BytesIO(content)).n_frames > 1
    assert np.array_equal(open_image(content).rgb[8, 8], RED)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotated_photo_is_turned_upright(orientation: int) -> None:
    stored = np.asarray(coloured(20, 30))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(stored), "TIFF", exif=exif)
    upright = {  # where TIFF 6.0 says row 0 and column 0 of the stored pixels belong
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored, 1),
    }[orientation]
    assert np.array_equal(open_image(content).rgb, upright)


def test_a_rotated_jpeg_is_turned_upright() -> None:
    left_red = Image.new("RGB", (32, 16), BLUE)
    left_red.paste(RED, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    rgb = open_image(encoded(left_red, "JPEG", exif=exif, quality=95)).rgb
    assert rgb.shape == (32, 16, 3)
    assert rgb[4, 8] == pytest.approx(RED, abs=8)
    assert rgb[28, 8] == pytest.approx(BLUE, abs=8)


def test_a_truncated_jpeg_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), "JPEG")
    sentence = refusal(content[: len(content) // 2], "half.jpg")
    assert sentence == "half.jpg: the image is damaged or incomplete"


def test_a_huge_picture_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = empty_png(9000, 9000)
    assert len(content) < 12_000

    def decoded(*_: object, **__: object) -> None:
        raise AssertionError("the pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    assert refusal(content, "bomb.png") == "bomb.png: 9000 x 9000 pixels; at most 50 million"


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_a_picture_that_pillow_itself_warns_of_or_refuses_is_too_large(side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    check = zlib.crc32(b"IHDR" + header)
    content = (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + header + struct.pack(">I", check)
        + empty_png(8, 8)[33:]
    )  # fmt: skip
    assert refusal(content, "b.png") == "b.png: too many pixels; at most 50 million"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.png: the file is empty (0 bytes)"),
        (
            b"not an image at all",
            "a.png: not an image that can be read (PNG, JPEG, WEBP, AVIF, BMP, TIFF, GIF)",
        ),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n",
            "a.png: not an image that can be read (PNG, JPEG, WEBP, AVIF, BMP, TIFF, GIF)",
        ),
        (
            encoded(Image.new("RGB", (7, 60)), "PNG"),
            "a.png: 7 x 60 pixels; each side needs at least 8",
        ),
        (bytes(LARGEST_BYTES + 1), "a.png: 20 MB; at most 20 MB"),
    ],
)
def test_what_is_no_usable_image_is_said_in_a_sentence(content: bytes, sentence: str) -> None:
    assert refusal(content, "a.png") == sentence


def test_paths_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.png"
    assert refusal(missing) == f"{missing}: cannot be read (No such file or directory)"
    assert refusal(tmp_path) == f"{tmp_path}: cannot be read (Is a directory)"


@pytest.mark.filterwarnings("ignore")  # Pillow's remarks, silent outside of the tests
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "BMP", "TIFF", "GIF"])
def test_damaged_bytes_give_a_photo_or_a_sentence(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    whole = encoded(coloured(), kind, **options)
    chance = random.Random(kind)
    opened = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 4])):
            damaged[chance.randrange(min(len(damaged), 300))] = chance.randrange(256)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        try:
            photo = open_image(bytes(damaged))
        except BadImage:
            continue
        opened += 1
        assert photo.rgb.dtype == np.uint8
        assert photo.rgb.ndim == 3
    assert opened < 60


def test_images_are_found_below_a_folder_in_order(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", "sub/c.webp", "notes.txt", "d.png.bak"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    names = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert names == ["a.jpeg", "b.PNG", "sub/c.webp"]


def test_junk_is_skipped_and_what_is_passed_over_is_listed(tmp_path: Path) -> None:
    junk = ("__MACOSX/._a.png", ".ipynb_checkpoints/a-checkpoint.png", "._a.png", "Thumbs.db")
    passed = ("x/scan.dcm", "x/b.SVG", "c.svg")
    for name in (*junk, *passed, "a.png", "x/b.png", "labels.csv", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["a.png", "x/b.png"]
    assert passed_over(tmp_path) == "files passed over: 2 .svg, 1 .dcm (the first: c.svg)"
    assert passed_over(tmp_path / "__MACOSX") == ""


def test_a_folder_without_images_and_no_folder_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(BadImage, match="no images in this folder"):
        find_images(tmp_path)
    with pytest.raises(BadImage, match="no such folder"):
        find_images(tmp_path / "missing")
    with pytest.raises(BadImage, match="a file; name the folder that holds"):
        find_images(tmp_path / "notes.txt")


FORM = InputFormat(size=224, resize=256)


@pytest.mark.parametrize(
    ("height", "width", "region"),
    [
        (256, 256, (16, 16, 224, 224)),
        (512, 768, (32, 160, 448, 448)),
        (768, 512, (160, 32, 448, 448)),
        (128, 64, (36, 4, 56, 56)),
    ],
)
def test_the_central_crop_is_the_networks_share_of_the_shorter_side(
    height: int, width: int, region: tuple[int, int, int, int]
) -> None:
    assert framed_region(height, width, FORM, "center_crop") == region
    assert framed_region(height, width, FORM, "whole") == (0, 0, height, width)


def test_framing_cuts_and_scales_exactly_at_whole_ratios() -> None:
    blocks = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    form = InputFormat(size=8, resize=8)
    assert np.array_equal(framed(blocks, form, "center_crop"), blocks[:, 2:10])
    smooth = np.repeat(np.full((1, 1, 3), (10, 20, 30), dtype=np.uint8), 16, axis=0)
    assert np.array_equal(
        framed(smooth.repeat(5, axis=1), form), np.broadcast_to((10, 20, 30), (8, 8, 3))
    )


def test_the_central_crop_agrees_with_torchvisions_preset(photos: list[Photo]) -> None:
    preset = ImageClassification(crop_size=224, resize_size=256)
    for photo in photos:
        large = Image.fromarray(photo.rgb).resize((500, 333), Image.Resampling.BICUBIC)
        theirs = preset(large)
        ours = torch.from_numpy(normalised(framed(np.asarray(large), FORM, "center_crop"), FORM))
        difference = (ours - theirs).abs()
        print(f"{photo.name}: mean difference {difference.mean():.4f}")
        assert difference.mean() < 0.02  # 1 of 255 grey levels is 0.017
        assert np.corrcoef(ours.flatten(), theirs.flatten())[0, 1] > 0.999


def test_normalising_gives_channels_first_with_mean_and_deviation() -> None:
    form = InputFormat(size=2, resize=2, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    pixels[1, 0] = (255, 51, 102)
    values = normalised(pixels, form)
    assert values.shape == (3, 2, 2)
    assert values.dtype == np.float32
    assert values[:, 0, 0] == pytest.approx([-0.2, -0.8, -0.15])
    assert values[:, 1, 0] == pytest.approx([1.8, 0.0, 0.05])


@pytest.mark.parametrize("framing", ["whole", "center_crop"])
@pytest.mark.parametrize(("height", "width"), [(300, 520), (480, 200), (224, 224), (90, 150)])
def test_what_the_network_sees_comes_back_to_its_place_on_the_photo(
    height: int, width: int, framing: Framing
) -> None:
    top, left, crop_h, crop_w = framed_region(height, width, FORM, framing)
    spot = (top + crop_h * 0.3, left + crop_w * 0.8)
    rows, columns = np.mgrid[0:height, 0:width]
    distance = np.hypot((rows - spot[0]) / crop_h, (columns - spot[1]) / crop_w)
    photo = np.repeat(np.exp(-((distance / 0.08) ** 2))[:, :, None] * 255, 3, axis=2)
    seen = framed(photo.astype(np.uint8), FORM, framing).astype(np.float32)[:, :, 0]

    back = map_on_photo(seen, height, width, FORM, framing)

    assert back.shape == (height, width)
    bright = np.argwhere(back >= np.nanmax(back) - 1)
    tolerance = 1 + max(crop_h, crop_w) / FORM.size
    assert np.abs(bright.mean(axis=0) - spot).max() <= tolerance
    outside = np.ones((height, width), dtype=bool)
    outside[top : top + crop_h, left : left + crop_w] = False
    assert np.array_equal(np.isnan(back), outside)


def test_a_coarse_cell_lands_on_the_centre_of_its_part_of_the_photo() -> None:
    cells = np.zeros((7, 7), dtype=np.float32)
    cells[1, 5] = 1.0
    back = map_on_photo(cells, 140, 350, FORM, "whole")
    peak = np.argwhere(back == back.max()).mean(axis=0)
    assert peak == pytest.approx([1.5 * 20 - 0.5, 5.5 * 50 - 0.5], abs=0.51)
