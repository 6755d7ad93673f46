"""The admin page of a campaign in a browser: a field for each setting, which tells why it is refused."""

import pytest

from pipeline.settings_told import settings_told
from webapp.accounts.models import User
from webapp.campaigns.models import Campaign
from webapp.campaigns.settings_form import NETWORKS

GIVEN = {"name": "Summer", "slug": "summer", "catalog": "/data", "start": "2023-08-01", "end": "2023-08-31"}


@pytest.fixture
def page(open_page, transactional_db):
    root = User.objects.create_superuser("root", password="pass")
    return open_page("/admin/campaigns/campaign/add/", root)


def told_at(page, name):
    """What the page says of a field that it refused."""
    return page.locator(f".field-{name} .errorlist").inner_text()


def test_a_campaign_is_made_with_settings_of_its_own(page):
    for one in settings_told():
        if one.kind == "networks":
            assert all(page.locator(f"select[name={field}] option").count() for field in NETWORKS)
        else:
            assert one.words[1:] in page.locator(f".field-{one.name} .help").inner_text()
    for name, value in {**GIVEN, "target_date": "2022-08-15", "clear_dates": "2"}.items():
        page.fill(f"[name={name}]", value)
    page.check("[name=agree_datatakes]")
    page.click("[name=_save]")
    assert (
        told_at(page, "target_date")
        == "The target date must lie from 2023-08-01 to 2023-08-31, not on 2022-08-15."
    )
    page.fill("[name=target_date]", "2023-08-15")
    page.click("[name=_save]")
    page.wait_for_selector(".messagelist .success")
    made = Campaign.objects.get(slug="summer").pipeline_settings
    assert (str(made.target), made.clear_dates, made.agree_datatakes) == ("2023-08-15", 2, True)
