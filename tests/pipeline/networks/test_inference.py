import dataclasses
from collections import Counter

import numpy as np
import pytest

from pipeline.networks import load, predict, predict_together
from pipeline.networks.card import BACK_ENDS, read_card
from pipeline.networks.network import Together
from pipeline.networks.normalise import Normalisation, valid_pixels
from pipeline.raster import windows


def picture(shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 0.6, (4, *shape)).astype(np.float32)


def test_tiled_inference_equals_inference_of_the_whole(weights):
    reflectance = picture((150, 210))
    network = load("cloud", weights)
    whole = dataclasses.replace(network.card, window=224)
    tiled = network.probabilities(reflectance)
    network.card = whole
    assert np.allclose(tiled, network.probabilities(reflectance), atol=1e-4)


def test_tiled_inference_is_deterministic(weights):
    network = load("cloud", weights)
    assert np.array_equal(network.probabilities(picture((90, 70))), network.probabilities(picture((90, 70))))


@pytest.mark.parametrize("shape", [(1, 1), (31, 65), (64, 64), (100, 3)])
def test_any_size_gives_probabilities_of_that_size(weights, shape):
    probabilities = load("cloud", weights).probabilities(picture(shape))
    assert probabilities.shape == (3, *shape)
    assert np.allclose(probabilities.sum(axis=0), 1, atol=1e-5)


def test_no_data_never_becomes_nan(weights):
    reflectance = picture((70, 70))
    reflectance[:, :, 40:] = np.nan
    reflectance[3, 5, 5] = np.inf
    assert np.isfinite(load("cloud", weights).probabilities(reflectance)).all()


def test_valid_mask_means_the_same_as_nan(weights):
    network, reflectance = load("cloud", weights), picture((70, 70))
    valid = np.random.default_rng(3).random((70, 70)) > 0.3
    holes = np.where(valid, reflectance, np.nan)
    assert np.array_equal(network.probabilities(reflectance, valid), network.probabilities(holes))


def test_predict_reads_inside_the_raster_only(weights):
    shape, reads = (150, 130), []

    def read(window):
        reads.append(window)
        return picture((window.height, window.width))

    parts = list(predict(load("cloud", weights), read, shape))
    assert len(parts) == len(reads) == 9
    for window in reads:
        assert window.row_off >= 0 and window.row_off + window.height <= shape[0]
        assert window.col_off >= 0 and window.col_off + window.width <= shape[1]


def test_bands_are_taken_by_name(weights):
    card = dataclasses.replace(read_card(weights / "cloud.json"), bands=("nir", "red"))
    network = load("cloud", weights)
    reflectance = picture((8, 8))
    network.card = card
    expected = card.normalisation.apply(reflectance[[3, 0]], np.ones((8, 8), bool))
    assert np.array_equal(network.normalised(reflectance), expected)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_input_is_the_shifted_square_root_and_the_middle_where_there_is_no_data(kind):
    rng = np.random.default_rng(5)
    reflectance = rng.uniform(-0.1, 1.3, (3, 40, 30)).astype(kind)
    reflectance[1, 4, 5] = np.nan
    normalisation, valid = Normalisation(high=0.9), np.isfinite(reflectance).all(axis=0)
    assert np.array_equal(valid_pixels(reflectance, None), valid)
    expected = (np.sqrt(np.clip(reflectance, 0, kind(0.9))) - kind(0.35)) / kind(0.2)
    found = normalisation.apply(reflectance, valid)
    assert found.dtype == np.float32
    assert np.array_equal(found, np.where(valid, expected, 0).astype(np.float32))


def test_windows_made_ready_in_threads_come_in_order_with_what_is_valid(weights, monkeypatch):
    network, reflectance = load("cloud", weights), picture((200, 150))
    reflectance[:, 128:, :64] = np.nan
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    whole = network.probabilities(reflectance)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    parts = predict(network, lambda window: reflectance[(slice(None), *window.toslices())], (200, 150))
    found = list(parts)
    assert [window for window, _, _ in found] == list(windows((200, 150), network.window))
    for window, probabilities, valid in found:
        part = window.toslices()
        assert np.array_equal(valid, np.isfinite(reflectance[(slice(None), *part)]).all(axis=0))
        assert np.array_equal(probabilities, whole[(slice(None), *part)])


def test_what_reading_a_window_raises_is_raised(weights):
    def read(window):
        raise ValueError("no such file")

    with pytest.raises(ValueError, match="no such file"):
        list(predict(load("cloud", weights), read, (100, 100)))


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_networks_side_by_side_read_each_window_once_and_tell_what_they_tell_alone(make_weights, back_end):
    reflectance, reads = picture((200, 150)), Counter()
    reflectance[:, :64, 64:128] = np.nan
    kinds = {"cloud": {}, "water": {"bands": ("nir", "red", "green"), "classes": ("other", "water")}}
    networks = [
        load(name, make_weights(name=name, margin=32, **changes), back_end) for name, changes in kinds.items()
    ]

    def read(window):
        reads[window.flatten()] += 1
        return reflectance[(slice(None), *window.toslices())]

    alone = [one.probabilities(reflectance) for one in networks]
    for window, found, valid in predict_together(Together(networks), read, (200, 150)):
        part = window.toslices()
        np.testing.assert_array_equal(valid, np.isfinite(reflectance[(slice(None), *part)]).all(axis=0))
        for one, whole in zip(found, alone, strict=True):
            np.testing.assert_array_equal(one, whole[(slice(None), *part)])
    assert len(reads) == 12 and set(reads.values()) == {1}


def test_networks_side_by_side_give_their_memory_back_when_a_large_raster_is_done(weights, monkeypatch):
    together, released = Together([load("cloud", weights)] * 2), []
    monkeypatch.setattr(together, "release", lambda: released.append(True))
    for shape, times in (((512, 512), 0), ((513, 512), 1)):
        pixels = picture(shape)
        list(predict_together(together, lambda w, all_=pixels: all_[(slice(None), *w.toslices())], shape))
        assert len(released) == times
