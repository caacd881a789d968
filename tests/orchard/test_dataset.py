import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from xai_core.orchard import CLASSES, load_orchard, sample_pair, sample_scene
from xai_core.orchard.dataset import FOLDERS, ORCHARD_FOLDER, contact_sheet
from xai_core.orchard.interventions import removable_units
from xai_core.orchard.rendering import render
from xai_core.orchard.scene import FRUITS, VARIETIES
from xai_core.orchard.variety import sample_variety


@pytest.fixture(scope="module")
def orchard():
    return load_orchard()


def test_twenty_images_a_class_over_all_levels_and_sixty_pairs(orchard):
    singles, pairs = orchard.indices("single"), orchard.indices("pair")
    assert (len(singles), len(pairs), len(orchard)) == (240, 60, 300)
    counts = Counter((orchard.classes[i][0], orchard.levels[i]) for i in singles)
    assert counts == {(fruit, level): 5 for fruit in FRUITS for level in (1, 2, 3, 4)}
    assert all(len(set(orchard.classes[i])) == 2 for i in pairs)
    assert Counter(orchard.levels[i] for i in pairs) == {1: 15, 2: 15, 3: 15, 4: 15}
    assert [CLASSES[label] for label in orchard.labels] == [names[0] for names in orchard.classes]


def test_files_stay_under_fifteen_megabytes():
    total = sum(path.stat().st_size for path in ORCHARD_FOLDER.rglob("*") if path.is_file())
    assert total < 15e6


def test_masks_show_every_fruit_and_agree_with_the_scene(orchard):
    for index in range(0, len(orchard), 7):
        assert orchard.part_ids(index).max() < len(orchard.part_names(index))
        for fruit in orchard.classes[index]:
            mask = orchard.mask(index, fruit)
            assert mask.shape == (224, 224)
            assert mask.mean() > 0.004
        assert len(removable_units(orchard.scenes[index])) >= 4


def test_mask_of_a_pair_is_the_union_of_its_fruits(orchard):
    index = orchard.indices("pair")[0]
    first, second = orchard.classes[index]
    both = orchard.mask(index, first) | orchard.mask(index, second)
    assert np.array_equal(orchard.mask(index), both)
    absent = next(fruit for fruit in FRUITS if fruit not in (first, second))
    with pytest.raises(ValueError, match="fruit must be one of"):
        orchard.mask(index, absent)


def test_stored_scenes_are_those_of_the_seeds(orchard):
    for index in range(0, len(orchard), 11):
        sample = sample_scene if orchard.kinds[index] == "single" else sample_pair
        again = sample(*orchard.classes[index], orchard.levels[index], orchard.seeds[index])
        assert again == orchard.scenes[index]


@pytest.mark.parametrize("index", [3, 57, 130, 219, 250])
def test_drawing_a_stored_scene_again_gives_the_stored_image(orchard, index):
    drawn = render(orchard.scenes[index], 224, supersample=2)
    difference = np.abs(drawn.image.astype(int) - orchard.image(index))
    # what JPEG and another torch version may change
    assert difference.mean() < 3
    assert (drawn.part_ids != orchard.part_ids(index)).mean() < 0.005


def test_sixty_varieties_are_stored_as_their_seeds_draw_them():
    split = load_orchard(FOLDERS["variety"])
    assert split.indices("variety") == tuple(range(60))
    counts = Counter((split.classes[i], split.levels[i]) for i in range(36))
    assert counts == {((name,), level): 1 for name in VARIETIES for level in (1, 2, 3, 4)}
    for index, scene in enumerate(split.scenes):
        assert sample_variety(split.levels[index], split.seeds[index], *scene.classes) == scene
        assert CLASSES[split.labels[index]] == scene.classes[0]
    drawn = render(split.scenes[40], 224, supersample=2)
    assert np.abs(drawn.image.astype(int) - split.image(40)).mean() < 4  # JPEG at quality 90
    assert (drawn.part_ids != split.part_ids(40)).mean() < 0.005
    files = [path for path in FOLDERS["variety"].rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 2e6


def test_reading_needs_no_torch():
    code = (
        "import sys; from xai_core.orchard import load_orchard; split = load_orchard();"
        "split.mask(0); split.scenes; assert 'torch' not in sys.modules, 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_contact_sheet_shows_each_class_twice(orchard, tmp_path):
    path = contact_sheet(orchard, path=tmp_path / "sheet.jpg")
    assert path.stat().st_size > 50_000


def test_missing_folder_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="orchard generate"):
        load_orchard(tmp_path)
