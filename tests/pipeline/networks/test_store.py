"""Weights of one's own: what is registered, what is refused, and which a pin finds."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.__main__ import main
from pipeline.errors import ModelError, StorageError, UsageError
from pipeline.networks import NAMES, SHIPPED, Chosen, Store
from pipeline.networks.card import file_sha256, read_card
from pipeline.networks.pin import Pin
from pipeline.networks.registry import WEIGHTS
from tests.weights import write_own


@pytest.fixture
def own(tmp_path):
    """The folder of weights for "buildings" that always tell industrial buildings."""
    write_own(tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "models")


def change_card(folder, **changes):
    path = folder / "buildings.json"
    dataclasses.replace(read_card(path), **changes).write(path)


def test_registered_weights_are_found_by_version_and_by_hash(store, own):
    card = store.add("buildings", own).card
    for pin in (Pin("7.0.0"), Pin("7.0.0", card.sha256), Pin("7.0.0", card.sha256[:8])):
        found = store.find("buildings", pin)
        assert found.card == card and not found.shipped
        assert file_sha256(found.folder / "buildings.safetensors") == card.sha256
    assert (found.folder / "buildings.md").is_file()
    assert [one.shipped for one in store.all("buildings")] == [True, False]
    assert [one.shipped for one in store.all("water")] == [True]


def test_registering_again_changes_nothing(store, own):
    first, again = store.add("buildings", own), store.add("buildings", own)
    assert first == again
    assert len(list((store.folder / "buildings").iterdir())) == 1


def test_what_was_registered_does_not_depend_on_its_source(store, own):
    pin = store.add("buildings", own).pin
    shutil.rmtree(own)
    told = Chosen({"buildings": str(pin)}, store.folder).load("buildings")
    seen = told.probabilities(np.full((4, 40, 40), 0.2, np.float32))
    assert seen.argmax(axis=0).min() == 2


def test_other_weights_of_a_version_are_refused(store, own, tmp_path):
    store.add("buildings", own)
    write_own(tmp_path / "other", said="residential")
    with pytest.raises(ModelError, match=r"buildings 7\.0\.0 is registered already, with other weights"):
        store.add("buildings", tmp_path / "other")
    change_card(own, temperature=0.5)
    with pytest.raises(ModelError, match="or another card"):
        store.add("buildings", own)


def test_the_version_that_ships_is_not_given_to_others(store, tmp_path):
    version = read_card(WEIGHTS / "buildings.json").version
    write_own(tmp_path / "own", version=version)
    with pytest.raises(ModelError, match=f"buildings {version} ships with this release already"):
        store.add("buildings", tmp_path / "own")
    assert store.add("water", WEIGHTS).shipped


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "vegetation"}, "is one of 'vegetation'"),
        ({"kind": "haze"}, "has the kind 'haze', not 'unet'"),
        ({"classes": ("other", "hut", "hall")}, "other, hut, hall, not other, residential, industrial"),
        ({"bands": ("red", "swir")}, "has the bands red, swir"),
        ({"bands": ("red", "red", "blue")}, "has the bands red, red, blue"),
        ({"version": "../../up"}, "has the version '../../up'"),
        ({"version": 7}, "has the version 7"),
        ({"window": 100}, "the window 100: a multiple of 32"),
        ({"window": "1024"}, "the window '1024'"),
        ({"margin": -1}, "the margin -1"),
        ({"reach": 10**6}, "the reach 1000000"),
        ({"width": 0}, "the width 0: a number above 0"),
        ({"temperature": float("nan")}, "the temperature nan"),
        ({"temperature": "warm"}, "the temperature 'warm'"),
        ({"width": 0.125}, "has the shape"),
    ],
)
def test_a_card_that_does_not_fit_is_refused_in_words(store, own, changes, words):
    change_card(own, **changes)
    with pytest.raises(ModelError, match=words):
        store.add("buildings", own)
    assert not store.folder.exists()


def test_weights_that_were_changed_are_refused(store, own):
    path = own / "buildings.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelError, match="have the hash"):
        store.add("buildings", own)


def test_weights_that_are_no_numbers_are_refused(store, own):
    path = own / "buildings.safetensors"
    tensors = load_file(path)
    tensors["head.bias"] = torch.full_like(tensors["head.bias"], torch.nan)
    save_file(tensors, path)
    change_card(own, sha256=file_sha256(path))
    with pytest.raises(ModelError, match=r"head\.bias has values that are none"):
        store.add("buildings", own)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, own):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        Store(tmp_path / "file").add("buildings", own)


def test_weights_that_ship_are_kept_for_campaigns_that_outlive_the_release(store, monkeypatch):
    pins = Chosen({}, store.folder).pinned()
    store.keep(pins)
    store.keep(pins)
    for name in NAMES:
        (kept,) = (store.folder / name).iterdir()
        assert file_sha256(kept / f"{name}.safetensors") == Pin.parse(pins[name]).sha256
    monkeypatch.setattr("pipeline.networks.pin.Pin.fits", lambda pin, card: False)
    with pytest.raises(ModelError, match="ships with this release and no such weights"):
        store.find("cloud", Pin("2.0.0"))


def test_pins_of_an_earlier_release_find_what_was_kept(store, tmp_path, monkeypatch):
    earlier = Chosen({}, store.folder).pinned()
    store.keep(earlier)
    later = tmp_path / "later"
    shutil.copytree(WEIGHTS, later)
    write_own(later, version="8.0.0")
    monkeypatch.setattr("pipeline.networks.store.WEIGHTS", later)
    kept = Chosen(earlier, store.folder)
    kept.check()
    assert str(kept.find("buildings").pin) == earlier["buildings"]
    assert kept.load("buildings").version != "8.0.0" == Chosen({}, store.folder).load("buildings").version


def test_two_weights_of_one_version_ask_for_the_hash(store, own, tmp_path):
    first = store.add("buildings", own)
    second = write_own(tmp_path / "other", said="residential")
    # As where a release ships a version that a user had given away already.
    shutil.copytree(tmp_path / "other", store.folder / "buildings" / "7.0.0-other")
    with pytest.raises(ModelError, match=r"There are 2 weights of buildings 7\.0\.0: pin 7"):
        store.find("buildings", Pin("7.0.0"))
    assert store.find("buildings", Pin.of(second)).card == second
    assert store.find("buildings", first.pin).card == first.card


def test_a_broken_card_among_others_is_left_out(store, own, caplog):
    place = store.add("buildings", own).folder
    (place / "buildings.json").write_text("{")
    assert [one.shipped for one in store.all("buildings")] == [True]
    assert "is left out" in caplog.text


@pytest.mark.parametrize(
    ("pinned", "words"),
    [
        ({"cloud": "9.9"}, r"cloud is pinned at 9\.9, but 2"),
        ({"cirrus": "1.0.0"}, "no network named 'cirrus'"),
    ],
)
def test_a_pin_that_cannot_be_kept_is_refused(store, pinned, words):
    for models in (None, store.folder):
        with pytest.raises(ModelError, match=words):
            Chosen(pinned, models).check()


def test_landcover_networks_of_different_windows_are_refused(store, tmp_path):
    write_own(tmp_path / "own", window=512)
    pin = str(store.add("buildings", tmp_path / "own").pin)
    with pytest.raises(ModelError, match="not water 1024, vegetation 1024, buildings 512"):
        Chosen({"buildings": pin}, store.folder).check()


def test_all_networks_are_pinned_with_their_hashes(store, own):
    store.add("buildings", own)
    found = Chosen({"buildings": "7.0.0", "cloud": "0.0.1"}, store.folder).pinned()
    assert set(found) == set(NAMES) and found["cloud"] == "0.0.1"
    for name in set(NAMES) - {"cloud"}:
        folder = own if name == "buildings" else WEIGHTS
        assert Pin.parse(found[name]).sha256 == file_sha256(folder / f"{name}.safetensors")
    SHIPPED.check()
    Chosen(SHIPPED.pinned()).check()


@pytest.mark.parametrize("text", ["", "1.0@sha256:", "1.0@sha256:XYZ", "../x", "1 0", "1.0@md5:00"])
def test_what_is_no_pin_is_refused(text):
    with pytest.raises(UsageError, match="pinned as VERSION or VERSION@sha256:HASH"):
        Pin.parse(text)


def test_the_commands_register_and_list(own, tmp_path, capsys):
    models = ["--models", str(tmp_path / "models")]
    assert main(["register", "buildings", str(own), *models]) == 0
    told = capsys.readouterr().out.split()
    assert told[0] == "buildings" and Pin.parse(told[1]) == Pin.of(read_card(own / "buildings.json"))
    assert main(["models", *models]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert ["buildings", told[1], "registered"] in lines and len(lines) == len(NAMES) + 1
    assert main(["register", "water", str(own), *models]) == 1
    assert "water.json cannot be read" in capsys.readouterr().err
