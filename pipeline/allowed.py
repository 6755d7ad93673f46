"""From where scenes may be read: at the command line from anywhere, in a server where its operator says.

Campaigns, catalogs and their items are written by others, so that a server which read whatever they name
would give away what only it can reach: other machines of its network, files of its disk.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from pipeline.errors import SourceError, UsageError
from pipeline.public_address import (
    NONE,
    Exceptions,
    NotPublic,
    Resolver,
    address_in,
    allows,
    is_remote,
    parse,
    system_resolver,
)
from pipeline.public_http import Outside
from pipeline.words import sentence

if TYPE_CHECKING:
    from pipeline.catalog.scene import Scene

SECONDS = 60.0


@dataclass(frozen=True)
class Allowed:
    """What a server reads: the public internet, and files below folders that its operator lists.

    Attributes:
        exceptions: networks and hosts inside that may be read too.
        folders: below which catalogs and scenes may lie.
        resolve: gives the addresses of a name.
    """

    exceptions: Exceptions = NONE
    folders: tuple[Path, ...] = ()
    resolve: Resolver = system_resolver

    def session(self) -> requests.Session:
        """A session that checks each of its connections, those that redirects lead to as well."""
        made = Outside(self.exceptions, self.resolve, SECONDS).session()
        # Passwords and proxies of the machine stay unused; whom it trusts is no secret.
        made.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        return made

    def require(self, place: str) -> None:
        """Refuse a catalog at once where that needs no look at the network or the disk.

        Args:
            place: address or path.

        Raises:
            UsageError: it is malformed, leads into a network or lies outside the folders.
        """
        if is_remote(place):
            self._require_public(place)
        elif not self.holds(place):
            raise UsageError(
                sentence(
                    "%(place)s is neither an address of the web nor in a folder that the operator lists for "
                    "catalogs (CATALOG_FOLDERS).",
                    place=place,
                ),
                "catalog",
            )

    def _require_public(self, address: str) -> None:
        try:
            host = parse(address, self.exceptions, http=True).host
        except NotPublic as error:
            raise UsageError(str(error), "catalog") from error
        literal = address_in(host)
        if literal is not None and not allows(host, literal, self.exceptions):
            raise UsageError(
                sentence("%(host)s is not in the public internet and is not connected to.", host=host),
                "catalog",
            )

    def require_scene(self, scene: "Scene") -> None:
        """Refuse a scene of which a file lies elsewhere on this disk, by a link for instance.

        Raises:
            SourceError: with the file.
        """
        for place in (*(asset.href for asset in scene.assets.values()), scene.preview):
            if place and not is_remote(place) and not self.holds(place):
                raise SourceError(f"The file {place} lies outside the folders that are allowed for catalogs.")

    def holds(self, path: str) -> bool:
        """Whether a path leads, through all links, below one of the folders."""
        try:
            found = Path(path).resolve()
        except (OSError, ValueError, RuntimeError):
            return False
        return any(found.is_relative_to(folder.resolve()) for folder in self.folders)


@dataclass(frozen=True)
class Anything(Allowed):
    """No limit: what the person at the command line names."""

    def session(self) -> requests.Session:
        """A session as the person's own programs have it, with proxies and passwords of the machine."""
        return requests.Session()

    def require(self, place: str) -> None:
        """Nothing is refused."""

    def holds(self, path: str) -> bool:
        """Every path."""
        return True


ANYTHING = Anything()
Ask = Callable[[], Allowed]


def _anything() -> Allowed:
    return ANYTHING


_ask: Ask = _anything


def allowed() -> Allowed:
    """What this process may read now."""
    return _ask()


def limit_to(ask: Ask | None) -> Ask:
    """Have `allowed` ask from now on, in all threads of this process; None lifts the limit.

    Returns:
        What was asked before.
    """
    global _ask
    before, _ask = _ask, ask or _anything
    return before
