"""Names beside points: none covers a point or another name, and none is left out without need."""

import numpy as np
import pytest
from drawing.name_tags import POINT_PX, SPOTS, _beside, _box, _cover, _pixels, place_names, spread

SIZE = (900, 500)


def test_names_far_apart_all_stand_at_the_first_spot() -> None:
    spots = place_names([0, 1, 2], [0, 1, 2], ["a", "b", "c"], SIZE)
    assert spots == ["top center"] * 3


def test_of_points_in_one_place_four_have_a_name() -> None:
    spots = place_names([0] * 6 + [1], [0] * 6 + [1], ["one name"] * 7, SIZE)
    assert set(spots[:4]) == set(SPOTS)
    assert spots[4:] == ["", "", "top center"]


def test_the_earlier_name_wins() -> None:
    spots = place_names([0, 0.03, 1], [0, 0, 1], ["x" * 20, "y" * 20, "z"], SIZE)
    assert spots[0] == "top center"
    assert spots[1] == "middle right"  # above it is the first name


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_covered(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(2, 40))
    names = ["m" * int(n) for n in random.integers(3, 25, 40)]
    spots = place_names(x, y, names, SIZE)
    points = list(zip(_pixels(x, SIZE[0]), _pixels(y, SIZE[1]), strict=True))
    tags = [
        _beside(point, SPOTS[spot], 6.0 * len(name))
        for point, spot, name in zip(points, spots, names, strict=True)
        if spot
    ]
    boxes = [*tags, *(_box(point, POINT_PX, POINT_PX) for point in points)]
    for number, tag in enumerate(tags):
        assert not any(_cover(tag, other) for n, other in enumerate(boxes) if n != number)
    assert len(tags) > 20


@pytest.mark.parametrize(
    ("heights", "places"),
    [
        ([0.9, 0.1], [0.9, 0.1]),
        ([0.5, 0.5, 0.5], [0.5, 0.4, 0.3]),
        ([0.1, 0.1, 0.1], [0.2, 0.1, 0.0]),
        ([0.95, 1.2], [0.9, 1.0]),
    ],
)
def test_names_that_would_stand_on_one_another_are_spread(
    heights: list[float], places: list[float]
) -> None:
    assert spread(heights, 0.1, 0.0, 1.0) == pytest.approx(places)
