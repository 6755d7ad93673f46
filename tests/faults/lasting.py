"""A scene that stays broken: the result is that of a source without it, and the report tells of it."""

from script.lib.say import say
from tests.faults import work
from tests.faults.place import Place, begin_work
from tests.faults.source import Source

MOODS = ("garbled", "500", "truncated")
SECONDS = 900.0


def compare(at: Place, source: Source) -> int:
    """Break the first scene of a list in several ways; 0 where each time the others alone made the tiles."""
    work.forget_all()
    begin_work(at)
    broken = chosen_first(made(source, "Whole"))
    source.hidden = broken
    wanted = work.products(made(source, "Without"))
    source.hidden = ""
    trouble = []
    for mood in MOODS:
        source.lasting = (f"/{broken}/B", mood)
        campaign = made(source, f"With {mood}")
        found = work.products(campaign)
        differing = [name for name in found if found[name] != wanted[name]]
        told = [name for name in warnings(campaign) if broken in name]
        say(f"{broken} {mood}: differs {differing}, told {told}")
        trouble += [f"{mood}: {name}" for name in differing] + ([] if told else [f"{mood}: not told"])
        trouble += work.broken_rules(campaign)
    for line in trouble:
        say(f"NOT AS IT MUST BE: {line}")
    return 1 if trouble else 0


def made(source: Source, name: str):
    """A campaign that has ended; its tiles' lists do not depend on each other."""
    campaign = work.begin(name, source.url, agree_datatakes=False)
    work.wait_for_end(campaign, SECONDS)
    return campaign


def chosen_first(campaign) -> str:
    """The id of the scene that the list of the first tile begins with."""
    build = campaign.tiles.order_by("tile_id").first().current_build
    return build.scenes.filter(chosen=True).order_by("rank").first().scene_id


def warnings(campaign) -> list[str]:
    """What the reports of a campaign's builds warn of."""
    return [one for row in campaign.tiles.all() for one in row.current_build.report.get("warnings", [])]
