import pytest
from django.core.management import CommandError, call_command

from pipeline.errors import UsageError
from pipeline.simulate import simulate
from pipeline.tone import Tone, default_curve
from tests.webapp.products import WEST, make_campaign
from webapp.campaigns.models import Build, Campaign

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return str(simulate(tmp_path_factory.mktemp("season"), [WEST], 1, 300, 9002, "stac", workers=1))


@pytest.fixture
def campaign(catalog):
    made = make_campaign(start="2023-06-01", end="2023-08-31")
    made.catalog = catalog
    made.save()
    return made


def test_a_campaign_gets_a_curve_of_its_own_before_its_first_build(campaign):
    call_command("fit_tone", campaign="alps", tile=[WEST])
    fitted = Campaign.objects.get(slug="alps").pipeline_settings.tone
    assert isinstance(fitted, Tone)
    assert fitted.rgb != default_curve().rgb and len(fitted.rgb) == 254
    assert Campaign.objects.get(slug="alps").fingerprint != campaign.fingerprint


def test_the_tiles_of_the_campaign_are_looked_at_where_none_is_named(campaign):
    with pytest.raises(CommandError, match="no tiles yet"):
        call_command("fit_tone", campaign="alps")
    campaign.want([WEST])
    call_command("fit_tone", campaign="alps")
    assert isinstance(Campaign.objects.get(slug="alps").pipeline_settings.tone, Tone)


def test_the_curve_is_fixed_with_the_first_build(campaign):
    Build.begin(campaign.want([WEST])[0])
    with pytest.raises(CommandError, match="fixed since its first build"):
        call_command("fit_tone", campaign="alps")
    campaign.settings["tone"] = default_curve().to_json()
    with pytest.raises(UsageError, match="fixed"):
        campaign.save()
    assert Campaign.objects.get(slug="alps").settings["tone"] == "default"


def test_an_unknown_campaign_and_an_empty_source_are_told(campaign):
    with pytest.raises(CommandError, match="no campaign"):
        call_command("fit_tone", campaign="andes")
    with pytest.raises(CommandError, match="0 in the scenes of 33TXL"):
        call_command("fit_tone", campaign="alps", tile=["33TXL"])


def test_an_operator_can_give_a_table_over_the_api(campaign, operator, as_):
    address = "/api/campaigns/alps/"
    asked = {"settings": campaign.settings | {"tone": default_curve().to_json()}}
    assert as_(operator).patch(address, asked, format="json").status_code == 200
    assert Campaign.objects.get(slug="alps").pipeline_settings.tone == default_curve()
    broken = {"settings": campaign.settings | {"tone": {"name": "own", "top": 5, "rgb": [], "nir": []}}}
    answer = as_(operator).patch(address, broken, format="json")
    assert answer.status_code == 400 and "tone" in str(answer.json())
