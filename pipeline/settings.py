"""What a campaign fixes with its first build."""

from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.networks.pin import Pin
from pipeline.tone.curve import CURVES, Tone
from pipeline.words import sentence

if TYPE_CHECKING:
    from pipeline.grid import Tile

RESOLUTIONS = (10, 20, 30, 60)
LEVELS = ("L1C", "L2A")
SOUTHERN = ("south_start", "south_end", "south_target_date")
NOT_NEEDED = ("target_date", *SOUTHERN, "fill_start", "fill_end")
DATES = ("start", "end", *NOT_NEEDED)


@dataclass(frozen=True)
class Allowed:
    """The numbers a setting may have: `least` to `most`, both included."""

    least: float
    most: float
    unit: str = ""
    whole: bool = False

    def check(self, name: str, value: Any) -> None:
        """Refuse a value of another type or out of range.

        Raises:
            UsageError: naming the setting.
        """
        kinds = int if self.whole else int | float
        fits = isinstance(value, kinds) and not isinstance(value, bool) and self.least <= value <= self.most
        if not fits:
            told = {"name": name, "least": f"{self.least:g}", "most": self.most_words, "value": repr(value)}
            if self.whole:
                raise UsageError(
                    sentence(
                        "%(name)s must be a whole number from %(least)s to %(most)s, not %(value)s.", **told
                    ),
                    name,
                )
            raise UsageError(
                sentence("%(name)s must be a number from %(least)s to %(most)s, not %(value)s.", **told), name
            )

    @property
    def most_words(self) -> str:
        """The largest number with its unit."""
        number = f"{self.most:g}"
        words = {
            "percent": sentence("%(number)s percent", number=number),
            "dates": sentence("%(number)s dates", number=number),
            "scenes": sentence("%(number)s scenes", number=number),
            "metres": sentence("%(number)s metres", number=number),
            "degrees": sentence("%(number)s degrees", number=number),
            "km²": sentence("%(number)s km²", number=number),
        }
        return words.get(self.unit, number)


NUMBERS = {
    "max_cloud": Allowed(0, 100, "percent"),
    "share": Allowed(0.01, 1),
    "clear_dates": Allowed(1, 100, "dates", whole=True),
    "least_gain": Allowed(0, 1),
    "clear_gain": Allowed(0, 1),
    "most_further": Allowed(0, 100, "scenes", whole=True),
    "series": Allowed(1, 100, "dates", whole=True),
    "margin": Allowed(0, 10_000, "metres"),
    "preview_margin": Allowed(0, 10_000, "metres"),
}
# Values that settings are not told apart by; a new setting comes with what builds did without it. They stay
# whatever the defaults become, for campaigns are known by what is told.
UNTOLD: dict[str, Any] = {
    "max_cloud": 80.0,
    "resolution": 10,
    "level": "L2A",
    "share": 0.999,
    "clear_dates": 1,
    "target_date": None,
    "south_start": None,
    "south_end": None,
    "south_target_date": None,
    "least_gain": 0.0005,
    "clear_gain": 0.0003,
    "most_further": 0,
    "series": 3,
    "margin": 120.0,
    "preview_margin": 0.0,
    "agree_datatakes": False,
    "fill_hazy": False,
    "fill_start": None,
    "fill_end": None,
    "tone": "default",
    "networks": {},
}


@dataclass(frozen=True)
class CampaignSettings:
    """The settings of a campaign; two campaigns with equal settings and source are the same.

    Attributes:
        start, end: first and last day of the range, both included.
        max_cloud: most cloud cover of a scene, percent, as its metadata says.
        resolution: metres; divides 60, so that neighbours' pixels are aligned.
        level: "L1C" or "L2A"; never mixed.
        share: the share of the coverable pixels that must be clear (0.01..1).
        clear_dates: how many clear dates each pixel should have where there are as many.
        target_date: the best date, inside the range; its end where none is given.
        south_start, south_end: first and last day for the tiles south of the equator; None in both: as in the
            north.
        south_target_date: the best date of those; their last day where none is given.
        least_gain: what a further scene must add, as a share of the tile (stage 2's loop).
        clear_gain: what a scene must promise to show clear, as a share of the tile, to be fetched for ground
            that no scene before it shows surely clear.
        most_further: how many scenes may be fetched for that; 0 = none.
        series: number of dates of the landcover series.
        margin: metres around cloud and shadow in which clear ground is doubtful.
        preview_margin: metres around the cloud of a preview in which clear ground is doubtful for the scene
            list: it counts half where another scene shows it surely; a preview's pixels are 320 m wide.
        agree_datatakes: whether lists should share a datatake with those of finished neighbours.
        fill_hazy: whether hazy ground may fill what nothing clear covers.
        fill_start, fill_end: first and last day of an older range, all of it before `start`, whose scenes
            show in holes, for display only; None in both: holes stay empty.
        tone: name of a tone curve, or the campaign's own table.
        networks: versions of the networks by name, as pinned (see `Pin`); what is not named is the one that
            ships.
    """

    start: date
    end: date
    max_cloud: float = 80.0
    resolution: int = 10
    level: str = "L2A"
    share: float = 0.999
    clear_dates: int = 1
    target_date: date | None = None
    south_start: date | None = None
    south_end: date | None = None
    south_target_date: date | None = None
    least_gain: float = 0.0005
    clear_gain: float = 0.0003
    most_further: int = 0
    series: int = 3
    margin: float = 120.0
    preview_margin: float = 0.0
    agree_datatakes: bool = False
    fill_hazy: bool = False
    fill_start: date | None = None
    fill_end: date | None = None
    tone: str | Tone = "default"
    networks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values that no campaign can have."""
        for name in DATES:
            self._check_date(name)
        check_range(self.start, self.end, self.target_date)
        self._check_southern()
        self._check_fill()
        for name, allowed in NUMBERS.items():
            allowed.check(name, getattr(self, name))
        if isinstance(self.resolution, bool | float) or self.resolution not in RESOLUTIONS:
            known = ", ".join(map(str, RESOLUTIONS))
            raise UsageError(
                sentence(
                    "The resolution must be one of %(known)s metres, not %(resolution)r.",
                    known=known,
                    resolution=self.resolution,
                ),
                "resolution",
            )
        if self.level not in LEVELS:
            raise UsageError(
                sentence(
                    "The level must be %(names)s, not %(level)r.", names=" or ".join(LEVELS), level=self.level
                ),
                "level",
            )
        for name in ("agree_datatakes", "fill_hazy"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(
                    sentence(
                        "%(name)s must be true or false, not %(value)r.", name=name, value=getattr(self, name)
                    ),
                    name,
                )
        if not isinstance(self.tone, Tone) and not (isinstance(self.tone, str) and self.tone in CURVES):
            raise UsageError(
                sentence(
                    "The tone curve must be %(names)s or a table, not %(tone)r.",
                    names=" or ".join(CURVES),
                    tone=self.tone,
                ),
                "tone",
            )
        self._check_networks()

    def _check_date(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, date) and not (value is None and name in NOT_NEEDED):
            raise UsageError(
                sentence("The settings need %(name)s as a date, not %(value)r.", name=name, value=value), name
            )

    def _check_southern(self) -> None:
        """Refuse half a range for the south, one the wrong way round, and a target without a range."""
        lacking = [name for name in ("south_start", "south_end") if getattr(self, name) is None]
        if lacking and any(getattr(self, name) for name in SOUTHERN):
            raise UsageError(
                sentence(
                    "Dates for the south need both their ends: %(lacking)s is missing.", lacking=lacking[0]
                ),
                lacking[0],
            )
        if self.south_start and self.south_end:
            check_range(self.south_start, self.south_end, self.south_target_date, "south_")

    def _check_fill(self) -> None:
        """Refuse half a range for holes, one the wrong way round, and one that is not older."""
        if (self.fill_start is None) != (self.fill_end is None):
            lacking = "fill_start" if self.fill_start is None else "fill_end"
            raise UsageError(
                sentence(
                    "Filling holes needs both ends of the older range: %(lacking)s is missing.",
                    lacking=lacking,
                ),
                lacking,
            )
        if self.fill_start is None or self.fill_end is None:
            return
        if self.fill_end < self.fill_start:
            raise UsageError(
                sentence(
                    "The older range for holes ends on %(fill_end)s, before it begins on %(fill_start)s.",
                    fill_end=self.fill_end,
                    fill_start=self.fill_start,
                ),
                "fill_end",
            )
        if self.fill_end >= self.first_day:
            raise UsageError(
                sentence(
                    "Holes are filled from older dates only: the range for them must end before the "
                    "start date %(start)s, not on %(fill_end)s.",
                    start=self.first_day,
                    fill_end=self.fill_end,
                ),
                "fill_end",
            )

    def _check_networks(self) -> None:
        """Refuse what pins nothing; whether there are such weights, `networks.Chosen` knows."""
        if not isinstance(self.networks, dict):
            raise UsageError(
                sentence(
                    "networks must be an object of names and versions, not %(networks)r.",
                    networks=self.networks,
                ),
                "networks",
            )
        for name, version in self.networks.items():
            if not isinstance(name, str) or not isinstance(version, str):
                raise UsageError(
                    sentence(
                        "The version of the network %(name)s must be text, not %(version)r.",
                        name=name,
                        version=version,
                    ),
                    "networks",
                )
            Pin.parse(version)

    @property
    def fill_range(self) -> tuple[date, date] | None:
        """First and last day of the older range that shows in holes; None where they stay empty."""
        return (self.fill_start, self.fill_end) if self.fill_start and self.fill_end else None

    @property
    def first_day(self) -> date:
        """The first day of any tile."""
        return min(self.start, self.south_start or self.start)

    @property
    def last_day(self) -> date:
        """The last day of any tile."""
        return max(self.end, self.south_end or self.end)

    def of_tile(self, tile: "Tile") -> "CampaignSettings":
        """The settings that count for a tile: those south of the equator may have dates of their own."""
        one = self
        if tile.south and self.south_start and self.south_end:
            target = self.south_target_date
            one = replace(self, start=self.south_start, end=self.south_end, target_date=target)
        return replace(one, south_start=None, south_end=None, south_target_date=None)

    @property
    def target(self) -> date:
        """The date that scenes should be near to."""
        return self.target_date or self.end

    def chosen(self) -> dict[str, Any]:
        """What tells these settings from others, as `to_json`: all that is not as in `UNTOLD`.

        Equal settings tell the same, also once there are more settings or other defaults.
        """
        content = self.to_json()
        told = {name: value for name, value in content.items() if name not in UNTOLD or value != UNTOLD[name]}
        broken = {name: float(told[name]) for name in told if name in NUMBERS and not NUMBERS[name].whole}
        return told | broken

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; `from_json` gives the same settings back."""
        content = asdict(self)
        for name in DATES:
            content[name] = content[name] and content[name].isoformat()
        content["tone"] = self.tone.to_json() if isinstance(self.tone, Tone) else self.tone
        return content

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "CampaignSettings":
        """Settings from a dict of `to_json`.

        Raises:
            UsageError: no dict, a name that is no setting, a date that is none, a value out of range,
                a broken table.
        """
        if not isinstance(content, dict):
            raise UsageError(
                sentence("The settings must be an object, not %(content)r.", content=content), "settings"
            )
        missing = [name for name in ("start", "end") if content.get(name) is None]
        if missing:
            raise UsageError(sentence("The settings lack the %(name)s date.", name=missing[0]), missing[0])
        unknown = set(content) - {item.name for item in fields(cls)}
        if unknown:
            raise UsageError(
                sentence("Unknown campaign setting: %(names)s.", names=", ".join(sorted(unknown))),
                sorted(unknown)[0],
            )
        values = dict(content)
        for name in DATES:
            if values.get(name) is not None and not isinstance(values[name], date):
                values[name] = parse_date(values[name], name)
        if isinstance(values.get("tone"), dict):
            values["tone"] = Tone.from_json(values["tone"])
        return cls(**values)


def check_range(start: date, end: date, target: date | None, prefix: str = "") -> None:
    """Refuse a range of days the wrong way round, and a target date outside of it.

    Args:
        start: first day.
        end: last day.
        target: the best day, where one is given.
        prefix: of the names of the settings.

    Raises:
        UsageError: naming the setting.
    """
    if end < start:
        raise UsageError(
            sentence("The end date %(end)s lies before the start date %(start)s.", end=end, start=start),
            f"{prefix}end",
        )
    if target is not None and not start <= target <= end:
        raise UsageError(
            sentence(
                "The target date must lie from %(start)s to %(end)s, not on %(target_date)s.",
                start=start,
                end=end,
                target_date=target,
            ),
            f"{prefix}target_date",
        )


def parse_date(text: str, field: str) -> date:
    """A date from YYYY-MM-DD.

    Raises:
        UsageError: the text is no such date.
    """
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise UsageError(
            sentence("%(text)r is no date: write it as YYYY-MM-DD.", text=text), field
        ) from error
