"""The settings of a campaign as people are told them, by commands, forms, the API and the documentation."""

import argparse
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Any, Literal

from pipeline.settings import DATES, LEVELS, NUMBERS, RESOLUTIONS, Allowed, CampaignSettings
from pipeline.tone.curve import CURVES
from pipeline.words import sentence

Kind = Literal["date", "number", "choice", "flag", "tone", "networks"]

WORDS = {
    "start": sentence("first day"),
    "end": sentence("last day"),
    "max_cloud": sentence("most cloud cover of a scene, percent, as its metadata says"),
    "resolution": sentence("metres; divides 60"),
    "level": sentence("level of the products; never mixed"),
    "share": sentence("share of the coverable ground to cover"),
    "clear_dates": sentence("clear dates of each pixel, where there are as many"),
    "target_date": sentence("the best date, inside the range; its last day where none is given"),
    "south_start": sentence("first day for tiles south of the equator; as in the north where none is given"),
    "south_end": sentence("last day for tiles south of the equator"),
    "south_target_date": sentence("the best date in the south; the last day there where none is given"),
    "least_gain": sentence("what a scene fetched besides must add, as a share of the tile"),
    "clear_gain": sentence(
        "what a scene fetched for ground in doubt must promise to clear, as a share of the tile"
    ),
    "most_further": sentence("most scenes to fetch for ground that the others show in doubt"),
    "series": sentence("dates of the landcover series"),
    "margin": sentence("metres around cloud and shadow in which ground is doubtful"),
    "preview_margin": sentence(
        "metres around the cloud of previews in which ground is doubtful for the scene list"
    ),
    "agree_datatakes": sentence("lists share overpasses with those of neighbours where that costs no scene"),
    "fill_hazy": sentence("hazy ground fills what nothing else covers"),
    "fill_start": sentence("first day of an older range that shows in holes, for display only"),
    "fill_end": sentence("last day of the older range, before the first day of the campaign"),
    "tone": sentence("name of a tone curve, or the campaign's own table"),
    "networks": sentence(
        "weights of the networks by name, as VERSION or VERSION@sha256:HASH; what is not named ships"
    ),
}
CHOICES: dict[str, tuple[Any, ...]] = {"resolution": RESOLUTIONS, "level": LEVELS}


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: as in `CampaignSettings`.
        kind: of its value.
        words: what it means.
        needed: whether it has no default.
        default: its default as JSON has it; None where it is needed or left out by default.
        allowed: the numbers it may have, where it is one.
        choices: the values it may have, where these are few.
    """

    name: str
    kind: Kind
    words: str
    needed: bool
    default: Any
    allowed: Allowed | None = None
    choices: tuple[Any, ...] = ()

    @property
    def range(self) -> str:
        """The values that it may have, in words."""
        if self.allowed:
            limits = {"least": f"{self.allowed.least:g}", "most": self.allowed.most_words}
            if self.allowed.whole:
                return sentence("%(least)s to %(most)s, whole", **limits)
            return sentence("%(least)s to %(most)s", **limits)
        if self.choices:
            return ", ".join(map(str, self.choices))
        kinds = {"date": "a day, YYYY-MM-DD", "flag": "true, false", "networks": "names and versions"}
        return kinds.get(self.kind) or f"{', '.join(CURVES)} or a table"

    @property
    def default_words(self) -> str:
        """The default as it is written in JSON."""
        if self.needed:
            return "needed"
        if self.default is None or self.default == {}:
            return "none"
        return str(self.default).lower() if isinstance(self.default, bool) else f"{self.default}"


def settings_told() -> tuple[Setting, ...]:
    """All settings, in their order."""
    values = CampaignSettings(date.min, date.min).to_json()
    told = []
    for item in fields(CampaignSettings):
        needed = item.default is MISSING and item.default_factory is MISSING
        default = None if needed else values[item.name]
        allowed, choices = NUMBERS.get(item.name), CHOICES.get(item.name, ())
        told.append(
            Setting(item.name, _kind(item.name, default), WORDS[item.name], needed, default, allowed, choices)
        )
    return tuple(told)


def _kind(name: str, default: Any) -> Kind:
    if name in DATES:
        return "date"
    if name in NUMBERS:
        return "number"
    if name in CHOICES:
        return "choice"
    if isinstance(default, bool):
        return "flag"
    return "tone" if name == "tone" else "networks"


def settings_table() -> str:
    """All settings as a table in Markdown."""
    rows = [f"| `{one.name}` | {one.range} | {one.default_words} | {one.words} |" for one in settings_told()]
    return "\n".join(["| setting | values | default | meaning |", "| --- | --- | --- | --- |", *rows])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`settings` has none."""


def run(asked: argparse.Namespace) -> None:
    """Print the table."""
    print(settings_table())
