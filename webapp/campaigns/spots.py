"""Hot spots of a revision: where a reviewer looks first."""

import logging
from typing import Any

from pipeline.errors import SourceError
from pipeline.trouble import OF_THE_BUILD, OF_THE_REVISION, find_spots
from webapp.campaigns.approval import last_approved
from webapp.campaigns.models import Revision

log = logging.getLogger(__name__)

SPOTS_OF = "spots"


def spots_of_revision(revision: Revision) -> list[dict[str, Any]]:
    """Look for trouble in the files of a revision and its build, the weightiest first (see `Spot`).

    Raises:
        SourceError: a file is gone.
    """
    before = last_approved(revision)
    compared = before.bring("mosaic.tif") if before and before != revision else None
    grid = revision.campaign_tile.tile.grid
    build, shown = revision.build.bring(*OF_THE_BUILD), revision.bring(*OF_THE_REVISION)
    return [spot.to_json() for spot in find_spots(build, shown, compared, tile=grid)]


def spots_told(revision: Revision) -> dict[str, Any]:
    """What the report of a revision that was just made keeps of them; nothing where they cannot be found."""
    try:
        return {SPOTS_OF: spots_of_revision(revision)}
    except SourceError as error:
        log.warning("The hot spots of %s are found when it is looked at: %s", revision, error)
        return {}
