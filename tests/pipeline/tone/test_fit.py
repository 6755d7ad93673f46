"""The curve fitted to a campaign: everything that is asked of it, on simulated and on real scenes."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.raster import encode
from pipeline.tone import Tone, default_curve
from pipeline.tone.contrast import Crossings, Picture, ToneFigures, measure
from pipeline.tone.fit import fit_tone
from pipeline.training.tones import alpine_pictures, desert_pictures, simulated_pictures

CAMPAIGNS = ("simulated", "alpine", "desert")
READERS = {"alpine": alpine_pictures, "desert": desert_pictures}
ENDS, OTHERS = [0, 9], slice(1, 9)


@pytest.fixture(scope="module", params=CAMPAIGNS)
def campaign(request: pytest.FixtureRequest) -> Crossings:
    """The counted pairs of a data set as a campaign of its own."""
    if request.param == "simulated":
        return Crossings.of(simulated_pictures(9001, side=384))
    data: Path = request.getfixturevalue("shared_data")
    return Crossings.of(READERS[request.param](data))


@pytest.fixture(scope="module")
def tone(campaign: Crossings) -> Tone:
    return fit_tone(campaign)


@pytest.fixture(scope="module")
def figures(tone: Tone, campaign: Crossings) -> ToneFigures:
    return measure(tone, campaign)


def test_dark_and_bright_ground_has_half_as_much_contrast_again(figures: ToneFigures) -> None:
    assert (figures.ratios[:, ENDS] >= 1.5).all(), figures.ratios


def test_no_other_tenth_loses_more_than_a_fifth_of_its_contrast(figures: ToneFigures) -> None:
    assert (figures.ratios[:, OTHERS] >= 0.8).all(), figures.ratios


def test_at_most_a_tenth_of_the_saturated_pixels_is_left(figures: ToneFigures) -> None:
    assert figures.saturated_true_colour[0] > 0.1
    assert (figures.saturated <= 0.1 * figures.saturated_true_colour).all()


def test_cloud_up_to_full_reflectance_is_not_saturated(figures: ToneFigures) -> None:
    assert (figures.cloud_level < 255).all()


def test_every_level_is_used(figures: ToneFigures) -> None:
    assert (figures.unused == 0).all()
    assert figures.shortcomings == []


def test_the_default_curve_does_not_do_that(campaign: Crossings) -> None:
    assert measure(default_curve(), campaign).worst < 0.6


def test_levels_come_back_to_the_reflectance(tone: Tone, campaign: Crossings) -> None:
    reflectance = (np.arange(65_536) - 1) / 10_000
    back = tone.invert(tone.tables())
    for band, near in enumerate((0.0015, 0.0015, 0.0015, 0.002)):
        weights = campaign.clear[band] / campaign.clear[band].sum()
        assert (np.abs(back[band] - reflectance) * weights)[1:].sum() < near


def test_no_step_is_many_times_its_neighbour(tone: Tone) -> None:
    for table in (tone.rgb, tone.nir):
        widths = np.diff(table)
        wider, narrower = (pick(widths[1:], widths[:-1]) for pick in (np.maximum, np.minimum))
        assert (wider <= 6 * narrower + 2).all()


def test_equal_samples_give_equal_tables(campaign: Crossings, tone: Tone) -> None:
    assert fit_tone(campaign) == tone


def test_ground_that_no_curve_can_serve_gets_the_best_there_is_and_is_told() -> None:
    rng = np.random.default_rng(3)
    wide = Picture(encode(rng.random((4, 120, 120))), np.ones((120, 120), bool))
    crossings = Crossings.of([wide])
    figures = measure(fit_tone(crossings), crossings)
    assert measure(default_curve(), crossings).worst < figures.worst < 1
    assert figures.shortcomings


def test_ground_without_contrast_leaves_a_whole_table() -> None:
    flat = Picture(encode(np.full((4, 30, 30), 0.1)), np.ones((30, 30), bool))
    found = fit_tone(Crossings.of([flat]))
    assert len(found.rgb) == len(found.nir) == 254
