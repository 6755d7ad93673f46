"""From the words of an address to what they mean, and to who may see it."""

import re
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from webapp.accounts import roles
from webapp.campaigns.models import Campaign, Edition
from webapp.tileserver.coverage import Coverage, coverage_of_desk, coverage_of_edition
from webapp.tileserver.layers import LAYERS, Layer
from webapp.tileserver.reader import MapTile

MOST_ZOOM = 20
VIEWS_IN_MEMORY = 1024
NEWEST = ("newest", "desk")
LATEST = "latest"
NAME = re.compile(r"(?P<y>[0-9]{1,8})(?P<retina>@2x)?\.(?P<fmt>png|webp|jpg)")
NUMBER = re.compile(r"[0-9]{1,8}")


# Of several threads that find nothing remembered, one asks the database.
_asking = [threading.Lock() for _ in range(64)]
_public_views: dict[tuple[str, str], tuple["View", float]] = {}


class NotHere(Exception):
    """The address shows nothing, or nothing that this visitor may see; the text is one sentence."""


@dataclass(frozen=True)
class View:
    """A campaign as one edition, or (``edition`` is None) as the newest revisions."""

    campaign: Campaign
    edition: Edition | None

    @property
    def is_public(self) -> bool:
        """Whether anybody may see it."""
        return self.edition is not None and self.campaign.is_public

    @property
    def word(self) -> str:
        """The part of the address that stands for it."""
        return str(self.edition.number) if self.edition else NEWEST[0]

    @property
    def title(self) -> str:
        """What people call it."""
        words = {"campaign": self.campaign.name}
        if self.edition is None:
            return gettext("%(campaign)s, newest revisions") % words
        return gettext("%(campaign)s, edition %(number)d") % (words | {"number": self.edition.number})

    @cached_property
    def coverage(self) -> Coverage:
        """What it shows where."""
        return coverage_of_edition(self.edition) if self.edition else coverage_of_desk(self.campaign)


def find_view(slug: str, word: str, user: Any) -> View:
    """Find what an address shows to a visitor.

    Args:
        slug: the campaign's.
        word: an edition's number, or "newest" or "desk" for the newest revisions.
        user: the visitor; only looked at where the answer depends on it.

    Raises:
        NotHere: there is no such view, or it is not open to the visitor.
    """
    if word in NEWEST:
        if not roles.sees_everything(user):
            raise NotHere(gettext("The newest revisions are open to operators and reviewers only."))
        return View(find_campaign(slug, user), None)
    if not NUMBER.fullmatch(word):
        raise NotHere(gettext("%(word)s is no edition: write its number, or latest.") % {"word": word})
    with _asking[hash((slug, word)) % len(_asking)]:
        return remembered_view(slug, word) or _ask_for_view(slug, word, user)


def _ask_for_view(slug: str, word: str, user: Any) -> View:
    edition = (
        Edition.objects.select_related("campaign", "withdrawal")
        .filter(campaign__slug=slug, number=int(word))
        .first()
    )
    if not (edition and edition.campaign.is_public):
        find_campaign(slug, user)
    if not edition:
        raise NotHere(
            gettext("There is no edition %(word)s of campaign %(slug)s.") % {"word": word, "slug": slug}
        )
    if edition.is_withdrawn:
        raise NotHere(
            gettext("Edition %(word)s of campaign %(slug)s was taken back: %(words)s")
            % {"word": word, "slug": slug, "words": edition.withdrawal.words}
        )
    view = View(edition.campaign, edition)
    if view.is_public:
        _remember(slug, word, view)
    return view


def remembered_view(slug: str, word: str) -> View | None:
    """Give a public view that was found a moment ago; None where the database must say."""
    view, until = _public_views.get((slug, word), (None, 0.0))
    return view if until > time.monotonic() else None


def _remember(slug: str, word: str, view: View) -> None:
    if len(_public_views) >= VIEWS_IN_MEMORY:
        _public_views.clear()
    _public_views[slug, word] = (view, time.monotonic() + settings.MAP_MEMORY_SECONDS)


def forget_views() -> None:
    """Ask the database about every view again."""
    _public_views.clear()


def find_campaign(slug: str, user: Any) -> Campaign:
    """Find a campaign that a visitor may see.

    Raises:
        NotHere: there is none.
    """
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign and (campaign.is_public or Campaign.objects.visible_to(user).filter(pk=campaign.pk).exists()):
        return campaign
    raise NotHere(gettext("There is no campaign %(slug)s.") % {"slug": slug})


def newest_word(slug: str, user: Any) -> tuple[str, Campaign]:
    """Say which edition "latest" stands for: the newest one's number, or "newest" until there is one.

    Raises:
        NotHere: there is no edition and the visitor may not see revisions.
    """
    campaign = find_campaign(slug, user)
    edition = campaign.latest_edition
    if edition:
        return str(edition.number), campaign
    if roles.sees_everything(user):
        return NEWEST[0], campaign
    raise NotHere(gettext("No edition of campaign %(slug)s has been published yet.") % {"slug": slug})


def parse_layer(word: str) -> Layer:
    """Find a layer by name.

    Raises:
        NotHere: there is no such layer.
    """
    if word not in LAYERS:
        raise NotHere(
            gettext("There is no layer %(word)s: the layers are %(names)s.")
            % {"word": word, "names": ", ".join(LAYERS)}
        )
    return LAYERS[word]


def parse_map_tile(z: str, x: str, name: str) -> tuple[MapTile, str, int]:
    """Read the place, the format and the scale (1 or 2) of a map tile.

    Raises:
        NotHere: a number is none, or out of range.
    """
    match = NAME.fullmatch(name)
    if not match or not NUMBER.fullmatch(z) or not NUMBER.fullmatch(x):
        raise NotHere(
            gettext("A map tile's address ends in ZOOM/COLUMN/ROW.webp, .png or .jpg, with @2x where wanted.")
        )
    return map_tile_of(z, x, match["y"]), match["fmt"], 2 if match["retina"] else 1


def map_tile_of(z: str, x: str, y: str) -> MapTile:
    """Read the place of a map tile.

    Raises:
        NotHere: a number is none, or out of range.
    """
    if not all(NUMBER.fullmatch(word) for word in (z, x, y)):
        raise NotHere(gettext("Zoom, column and row must be numbers."))
    tile = MapTile(int(z), int(x), int(y))
    if tile.z > MOST_ZOOM:
        raise NotHere(
            gettext("The zoom must lie in 0 to %(MOST_ZOOM)s, not %(z)s.")
            % {"MOST_ZOOM": MOST_ZOOM, "z": tile.z}
        )
    if max(tile.x, tile.y) >= 2**tile.z:
        raise NotHere(
            gettext("At zoom %(z)s columns and rows end at %(limit)s.")
            % {"z": tile.z, "limit": 2**tile.z - 1}
        )
    return tile
