"""Every setting of a campaign is told everywhere, from one description."""

from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.errors import UsageError
from pipeline.settings import CampaignSettings
from pipeline.settings_told import Setting, settings_table, settings_told

ROOT = Path(__file__).parents[2]
RANGE = {"start": "2023-06-01", "end": "2023-08-31"}


def named(name: str) -> Setting:
    return next(one for one in settings_told() if one.name == name)


def test_every_setting_is_told_with_its_meaning() -> None:
    told = settings_told()
    assert [one.name for one in told] == [item.name for item in fields(CampaignSettings)]
    assert all(one.words and one.range and one.default_words for one in told)
    assert {one.name for one in told if one.needed} == {"start", "end"}


def test_the_defaults_told_are_those_of_a_campaign_with_nothing_but_dates() -> None:
    defaults = {one.name: one.default for one in settings_told() if not one.needed}
    assert RANGE | defaults == CampaignSettings.from_json(RANGE).to_json()


@pytest.mark.parametrize("name", [one.name for one in settings_told() if one.allowed])
def test_the_ends_of_a_range_are_taken_and_what_lies_beyond_is_refused(name: str) -> None:
    allowed = named(name).allowed
    assert allowed is not None
    kind = int if allowed.whole else float
    for value in (kind(allowed.least), kind(allowed.most)):
        assert CampaignSettings.from_json(RANGE | {name: value})
    for value in (kind(allowed.least - 1), kind(allowed.most + 1)):
        with pytest.raises(UsageError):
            CampaignSettings.from_json(RANGE | {name: value})


@pytest.mark.parametrize("name", [one.name for one in settings_told() if one.choices])
def test_all_choices_are_taken(name: str) -> None:
    for value in named(name).choices:
        assert getattr(CampaignSettings(date(2023, 6, 1), date(2023, 8, 31), **{name: value}), name) == value


def test_the_documentation_has_the_table_of_today(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"]) == 0
    assert capsys.readouterr().out == settings_table() + "\n"
    assert f"\n\n{settings_table()}\n\n" in (ROOT / "docs/running.md").read_text()
    assert "| `share` | 0.01 to 1 | 0.999 | share of the coverable ground to cover |" in settings_table()
