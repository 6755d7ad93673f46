import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import SourceError
from pipeline.training import patch_clusters
from pipeline.training.album import Album
from pipeline.training.patches import (
    CLASSES,
    Thresholds,
    fit_thresholds,
    on_patches,
    read_patches,
    shares_of,
)


def noise(seed, tone=90):
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(tone, 12, (64, 64, 3)) + rng.normal(0, 25, 3), 1, 255).astype(np.uint8)


@pytest.fixture
def eurosat(tmp_path):
    """Folders in EuroSAT's layout: 20 patches of each of four classes, of all colours."""
    for index, kind in enumerate(("Residential", "Industrial", "Forest", "Highway")):
        folder = tmp_path / "eurosat" / "2750" / kind
        folder.mkdir(parents=True)
        for number in range(20):
            picture = noise(100 * index + number, 40 + 8 * number)
            Image.fromarray(picture).save(folder / f"{kind}_{number}.png")
    return tmp_path / "eurosat"


@pytest.fixture
def buildings(make_weights):
    changes = {"name": "buildings", "classes": ("other", "residential", "industrial"), "margin": 64}
    return make_weights(**changes, bands=("red", "green", "blue"))


def test_patches_are_found_at_any_depth_and_in_an_archive(eurosat, tmp_path):
    patches = list(read_patches(eurosat))
    assert len(patches) == 80
    assert {patch.folder: patch.label for patch in patches} == {
        "Forest": 0,
        "Highway": 0,
        "Industrial": 2,
        "Residential": 1,
    }
    packed = tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "EuroSAT.zip", "w") as archive:
        for patch in patches:
            file = io.BytesIO()
            Image.fromarray(patch.picture).save(file, "PNG")
            archive.writestr(f"EuroSAT/{patch.folder}/{patch.name}", file.getvalue())
    again = list(read_patches(packed))
    assert [patch.name for patch in again] == [patch.name for patch in patches]
    assert np.array_equal(again[7].picture, patches[7].picture)


def test_a_folder_without_patches_is_told(tmp_path):
    with pytest.raises(SourceError, match="no patches"):
        list(read_patches(tmp_path))


def test_a_patch_counts_to_the_test_by_its_picture_alone(eurosat):
    kept = [patch_clusters.is_kept(patch.picture) for patch in read_patches(eurosat)]
    assert 0 < sum(kept) < len(kept) / 2
    assert kept == [patch_clusters.is_kept(patch.picture) for patch in read_patches(eurosat)]


def test_alike_patches_are_in_one_cluster():
    one, other = noise(3), noise(3)[::-1, ::-1]
    assert patch_clusters.cluster_of(one) == patch_clusters.cluster_of(other)


def test_clusters_are_of_colour_statistics():
    pictures = [noise(seed, tone) for tone in (40, 200) for seed in range(130)]
    table = patch_clusters.fitted(pictures, ["dark"] * 130 + ["bright"] * 130)
    assert len(table["centres"]) == patch_clusters.CLUSTERS
    assert np.shape(table["centres"]) == (patch_clusters.CLUSTERS, 6)


def test_thresholds_tell_classes_from_shares():
    shares = np.array([[0.9, 0.05, 0.05], [0.4, 0.5, 0.1], [0.4, 0.1, 0.5], [0.55, 0.25, 0.2]])
    assert Thresholds(0.5, 0.5).classes(shares).tolist() == [0, 1, 2, 0]
    assert Thresholds(0.4, 0.4).classes(shares).tolist() == [0, 1, 2, 2]


def test_fitted_thresholds_part_what_can_be_parted():
    rng = np.random.default_rng(0)
    built = np.concatenate([rng.uniform(0, 0.3, 50), rng.uniform(0.4, 1, 100)])
    kind = np.concatenate([rng.random(50), rng.uniform(0, 0.6, 50), rng.uniform(0.7, 1, 50)])
    labels = np.repeat([0, 1, 2], 50)
    shares = np.stack([1 - built, built * (1 - kind), built * kind], axis=1)
    assert (fit_thresholds(shares, labels).classes(shares) == labels).mean() > 0.98


def test_patches_kept_for_tests_are_scored(eurosat, buildings):
    album = Album(CLASSES)
    found = on_patches(eurosat, buildings, album)
    kept = [patch for patch in read_patches(eurosat) if patch_clusters.is_kept(patch.picture)]
    assert found["patches"] == len(kept) == len(album.shots)
    assert set(found["recall"]) == set(CLASSES)
    right = sum(found["folders"][patch.folder] for patch in kept) / len(kept)
    assert found["overall_accuracy"] == pytest.approx(right, abs=1e-3)
    assert found["trained_on"] is True
    assert on_patches(eurosat, buildings, every=True)["patches"] == 80


def test_thresholds_of_the_card_are_used_where_it_has_some(eurosat, make_weights):
    changes = {"name": "buildings", "classes": ("other", "residential", "industrial"), "margin": 64}
    changes |= {"bands": ("red", "green", "blue"), "patch_thresholds": (0.99, 0.5)}
    places = {"train": [patch_clusters.TRAIN_PLACE]}
    folder = make_weights(**changes, places=places)
    found = on_patches(eurosat, folder)
    assert found["thresholds"] == {"built": 0.99, "industrial": 0.5}
    assert found["trained_on"] is False
    assert on_patches(eurosat, folder, fit=True)["thresholds"]["built"] != 0.99


def test_without_thresholds_and_training_patches_nothing_is_scored(eurosat, buildings):
    for path in eurosat.rglob("Residential_*.png"):
        path.unlink()
    with pytest.raises(SourceError, match="lacks training patches"):
        on_patches(eurosat, buildings)


def test_shares_are_means_of_probabilities(eurosat, buildings):
    patches = list(read_patches(eurosat))[:3]
    shares = shares_of(patches, buildings)
    assert shares.shape == (3, 3)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)


def test_the_shared_patches_are_split_by_whole_clusters(shared_data):
    kept, count = {}, {}
    for patch in read_patches(shared_data / "EuroSAT_RGB"):
        count[patch.folder] = count.get(patch.folder, 0) + 1
        kept[patch.folder] = kept.get(patch.folder, 0) + patch_clusters.is_kept(patch.picture)
    assert 0.15 < sum(kept.values()) / sum(count.values()) < 0.25
    assert all(0.1 < kept[folder] / count[folder] < 0.35 for folder in count), kept
