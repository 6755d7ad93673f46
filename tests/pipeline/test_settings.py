import json
from dataclasses import fields
from datetime import date

import pytest

from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.settings import UNTOLD, CampaignSettings
from pipeline.tone import Tone, asinh_curve

RANGE = {"start": "2023-06-01", "end": "2023-08-31"}
SOUTH = {"south_start": date(2023, 12, 1), "south_end": date(2024, 2, 28)}
SUMMER = {"start": date(2023, 6, 1), "end": date(2023, 8, 31)}


def test_settings_come_back_from_json():
    settings = CampaignSettings(**SUMMER, target_date=date(2023, 7, 15), networks={"cloud": "1"})
    assert CampaignSettings.from_json(settings.to_json()) == settings


def test_tiles_south_of_the_equator_have_the_dates_of_the_south():
    settings = CampaignSettings(**SUMMER, **SOUTH, target_date=date(2023, 7, 1))
    north, south = settings.of_tile(Tile.parse("33TWL")), settings.of_tile(Tile.parse("55HFA"))
    assert (north.start, north.end, north.target) == (*SUMMER.values(), date(2023, 7, 1))
    assert (south.start, south.end, south.target) == (*SOUTH.values(), SOUTH["south_end"])
    assert north.south_start is south.south_start is None
    assert south.of_tile(Tile.parse("55HFA")) == south
    assert (settings.first_day, settings.last_day) == (SUMMER["start"], SOUTH["south_end"])
    target = CampaignSettings(**SUMMER, **SOUTH, south_target_date=date(2024, 1, 1))
    assert target.of_tile(Tile.parse("55HFA")).target == date(2024, 1, 1)


def test_one_range_counts_in_both_hemispheres_where_the_south_has_none():
    settings = CampaignSettings(**SUMMER)
    assert settings.of_tile(Tile.parse("55HFA")) == settings
    assert (settings.first_day, settings.last_day) == tuple(SUMMER.values())


def test_an_older_range_for_holes_comes_back_from_json():
    older = {"fill_start": date(2022, 6, 1), "fill_end": date(2023, 5, 31)}
    settings = CampaignSettings(**SUMMER, **older)
    content = json.loads(json.dumps(settings.to_json()))
    assert CampaignSettings.from_json(content) == settings
    assert settings.fill_range == (date(2022, 6, 1), date(2023, 5, 31))
    assert CampaignSettings(**SUMMER).fill_range is None


def test_a_tone_table_comes_back_from_json():
    settings = CampaignSettings(**SUMMER, tone=asinh_curve("own", 0.1, 0.3, 1.1))
    content = json.loads(json.dumps(settings.to_json()))
    assert CampaignSettings.from_json(content) == settings
    assert content == settings.to_json()
    assert isinstance(settings.tone, Tone)


@pytest.mark.parametrize("tone", ["sepia", {"name": "broken"}, 5])
def test_a_tone_that_is_none_is_refused(tone):
    with pytest.raises(UsageError) as refused:
        CampaignSettings.from_json({"start": "2023-06-01", "end": "2023-08-31", "tone": tone})
    assert refused.value.field == "tone"


def test_the_end_of_the_range_is_the_target_where_none_is_given():
    assert CampaignSettings(**SUMMER).target == date(2023, 8, 31)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"start": date(2023, 9, 1)}, "end"),
        ({"max_cloud": 101}, "max_cloud"),
        ({"resolution": 25}, "resolution"),
        ({"level": "L3"}, "level"),
        ({"share": 0}, "share"),
        ({"share": 0.0000001}, "share"),
        ({"share": 0.0099}, "share"),
        ({"series": 0}, "series"),
        ({"series": 1_000_000_000}, "series"),
        ({"series": 2.5}, "series"),
        ({"series": True}, "series"),
        ({"clear_dates": 1.5}, "clear_dates"),
        ({"margin": "x"}, "margin"),
        ({"margin": -5}, "margin"),
        ({"margin": float("nan")}, "margin"),
        ({"margin": None}, "margin"),
        ({"least_gain": -1}, "least_gain"),
        ({"max_cloud": "80"}, "max_cloud"),
        ({"max_cloud": [80]}, "max_cloud"),
        ({"resolution": 10.0}, "resolution"),
        ({"resolution": [10]}, "resolution"),
        ({"agree_datatakes": "no"}, "agree_datatakes"),
        ({"fill_hazy": 1}, "fill_hazy"),
        ({"networks": 5}, "networks"),
        ({"networks": {"cloud": 1}}, "networks"),
        ({"tone": ["default"]}, "tone"),
        ({"start": None}, "start"),
        ({"target_date": 5}, "target_date"),
        ({"target_date": date(2023, 5, 31)}, "target_date"),
        ({"target_date": date(2023, 9, 1)}, "target_date"),
        ({"south_start": date(2023, 12, 1)}, "south_end"),
        ({"south_end": date(2023, 12, 1)}, "south_start"),
        ({"south_target_date": date(2023, 12, 1)}, "south_start"),
        ({"south_start": date(2023, 12, 1), "south_end": date(2023, 11, 1)}, "south_end"),
        (SOUTH | {"south_target_date": date(2023, 6, 1)}, "south_target_date"),
        (
            {"south_start": date(2022, 1, 1), "south_end": date(2022, 3, 1)}
            | {"fill_start": date(2021, 6, 1), "fill_end": date(2022, 2, 1)},
            "fill_end",
        ),
        ({"fill_start": date(2022, 6, 1)}, "fill_end"),
        ({"fill_end": date(2022, 6, 1)}, "fill_start"),
        ({"fill_start": date(2022, 8, 1), "fill_end": date(2022, 6, 1)}, "fill_end"),
        ({"fill_start": date(2022, 6, 1), "fill_end": date(2023, 6, 1)}, "fill_end"),
        ({"fill_start": date(2024, 6, 1), "fill_end": date(2024, 8, 1)}, "fill_end"),
        ({"fill_start": "2022-06-01", "fill_end": date(2022, 8, 1)}, "fill_start"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_name(wrong, field):
    with pytest.raises(UsageError) as refused:
        CampaignSettings(**(SUMMER | wrong))
    assert refused.value.field == field
    assert str(refused.value).endswith(".") and "supported between" not in str(refused.value)


def test_the_target_lies_inside_the_range():
    for day in SUMMER.values():
        assert CampaignSettings(**SUMMER, target_date=day).target == day
    with pytest.raises(UsageError, match=r"must lie from 2023-06-01 to 2023-08-31, not on 2022-08-31\.$"):
        CampaignSettings(**SUMMER, target_date=date(2022, 8, 31))


def test_the_least_share_is_a_hundredth():
    assert CampaignSettings(**SUMMER, share=0.01).share == 0.01
    with pytest.raises(UsageError, match=r"share must be a number from 0\.01 to 1, not 1e-07\."):
        CampaignSettings(**SUMMER, share=1e-7)


@pytest.mark.parametrize(
    "content",
    [{"start": "yesterday", "end": "2023-01-01"}, {"start": 5, "end": "2023-01-01"}, {"colour": "red"}],
)
def test_json_that_is_no_setting_is_refused(content):
    with pytest.raises(UsageError):
        CampaignSettings.from_json(content)


def test_equal_settings_are_told_alike_and_others_are_not():
    given = CampaignSettings.from_json(RANGE)
    assert given.chosen() == RANGE
    assert CampaignSettings.from_json(RANGE | {"margin": 60}).chosen() == RANGE | {"margin": 60.0}
    assert CampaignSettings.from_json(given.to_json()).chosen() == RANGE


def test_what_need_not_be_told_is_a_whole_set_of_settings():
    told = {item.name for item in fields(CampaignSettings)} - set(UNTOLD)
    assert told == {"start", "end"}
    assert CampaignSettings.from_json(RANGE | UNTOLD).chosen() == RANGE
