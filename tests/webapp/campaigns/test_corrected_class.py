"""A corrected class runs the classification alone, where the files of the build before are still there."""

import pytest

from tests.webapp.campaigns.tiles import begin, tile
from tests.webapp.products import WEST
from webapp.campaigns.models import Build, CampaignTile, Override
from webapp.campaigns.services import rebuild
from webapp.campaigns.stages import classify

pytestmark = pytest.mark.django_db(transaction=True)

AREA = {"type": "Polygon", "coordinates": [[[15.6, 45.5], [15.7, 45.5], [15.7, 45.6], [15.6, 45.5]]]}


def ask(kind, **content):
    return Override.objects.create(campaign_tile=tile(WEST), kind=kind, content=content)


def stages_of(quick, rebuilt):
    """The stages that a further build of a tile runs through."""
    del quick.calls[:]
    rebuilt()
    return [what for _, what in quick.calls]


def test_a_corrected_class_runs_the_classification_alone(campaign, quick, work):
    begin(campaign, WEST)
    work()
    first = tile(WEST).current_build

    def again():
        rebuild(tile(WEST))
        work()

    one = ask("classes", **{"class": 1, "geometry": AREA})
    assert stages_of(quick, again) == ["classify", "revise"]
    second = tile(WEST).current_build
    assert (second.number, second.status) == (first.number + 1, "done")
    assert second.overrides["classes"] == [{"class": 1, "geometry": AREA}]
    one.delete()
    assert stages_of(quick, again) == ["classify", "revise"]
    assert tile(WEST).current_build.overrides == {}
    whole = ["scene_list", "fetch", "mask", "compose", "classify", "revise"]
    assert stages_of(quick, again) == whole, "an operator asks for all of it once more"
    ask("classes", **{"class": 1, "geometry": AREA})
    ask("exclude", scene="S2A")
    assert stages_of(quick, again) == whole


def test_a_corrected_class_whose_files_are_gone_runs_all(campaign, work, queues):
    campaign.want([WEST])
    build = Build.begin(tile(WEST))
    Build.objects.filter(pk=build.pk).update(status="done", stage="done")
    CampaignTile.objects.filter(tile_id=WEST).update(status="composite", current_build=build)
    ask("classes", **{"class": 1, "geometry": AREA})
    again = Build.begin(tile(WEST))
    assert again.stage == "classify" and again.claim()
    assert classify(again) == ("scene_list", {})
