import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.networks import NAMES, load
from pipeline.networks.card import file_sha256, read_card
from pipeline.networks.registry import WEIGHTS


def test_load_returns_the_same_network_each_time(weights):
    assert load("cloud", weights) is load("cloud", weights)


def test_weights_that_were_replaced_are_read_again(make_weights, make_card):
    before = load("cloud", make_weights())
    after = load("cloud", make_weights(version="later"))
    assert (before.version, after.version) == ("test", "later")


def test_card_survives_writing_and_reading(weights, make_card):
    card = read_card(weights / "cloud.json")
    assert card == make_card(sha256=card.sha256)


def test_unknown_name_is_refused_with_the_name():
    with pytest.raises(ModelError, match="'snow'"):
        load("snow")


def test_missing_weights_are_refused(weights):
    (weights / "cloud.safetensors").unlink()
    with pytest.raises(ModelError, match="missing"):
        load("cloud", weights)


def test_changed_weights_are_refused(weights):
    path = weights / "cloud.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="hash"):
        load("cloud", weights)


def test_weights_of_another_shape_are_refused(weights):
    card = read_card(weights / "cloud.json")
    dataclasses.replace(card, bands=("red", "green", "blue")).write(weights / "cloud.json")
    with pytest.raises(ModelError, match="shape"):
        load("cloud", weights)


def test_file_that_is_no_safetensors_is_refused(weights):
    path = weights / "cloud.safetensors"
    path.write_bytes(b"\x80\x04 a pickle, perhaps")
    card = read_card(weights / "cloud.json")
    dataclasses.replace(card, sha256=file_sha256(path)).write(weights / "cloud.json")
    with pytest.raises(ModelError, match="safetensors"):
        load("cloud", weights)


def test_broken_card_is_refused(weights):
    (weights / "cloud.json").write_text("{}")
    with pytest.raises(ModelError, match="card"):
        load("cloud", weights)


def test_importing_the_room_does_not_import_torch():
    code = "import sys, pipeline.networks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_shipped_network_fits_its_card_and_is_small(name):
    network = load(name)
    assert network.name == name
    assert (WEIGHTS / f"{name}.safetensors").stat().st_size < 8_000_000
    assert (WEIGHTS / f"{name}.md").read_text(encoding="utf-8").startswith(f"# {name}")


def test_haze_score_is_a_probability_and_ignores_no_data(make_weights):
    folder = make_weights(
        name="haze", kind="haze", bands=("red", "green", "blue"), classes=("not hazy", "hazy")
    )
    preview = np.random.default_rng(0).uniform(0, 0.3, (3, 343, 343)).astype(np.float32)
    preview[:, :, 300:] = np.nan
    assert 0 <= load("haze", folder).score(preview) <= 1
