"""From where campaigns may take their scenes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.public_address import Exceptions
from tests.receiver import receiver
from webapp.campaigns.jobs import run_build
from webapp.campaigns.models import Build, Campaign

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {"start": "2023-08-01", "end": "2023-08-31", "resolution": 60}
INSIDE = (
    "http://127.0.0.1:9000/stac",
    "https://10.1.2.3/",
    "/etc",
    "/srv/../etc/catalog.json",
    "file:///etc",
)


@pytest.fixture(autouse=True)
def operators_choice(settings):
    settings.CATALOG_FOLDERS = (Path("/srv/scenes"),)
    settings.PUBLIC_ADDRESS_EXCEPTIONS = Exceptions()


def add(client, catalog):
    return client.post("/api/campaigns/", {"name": "New", "catalog": catalog, "settings": SETTINGS})


@pytest.mark.parametrize("catalog", INSIDE)
def test_the_api_refuses_a_source_inside(as_, operator, catalog):
    answer = add(as_(operator), catalog)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "catalog"
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("catalog", ["https://stac.example.org/v1", "/srv/scenes/2023/catalog.json"])
def test_the_api_takes_public_and_listed_sources(as_, operator, catalog):
    assert add(as_(operator), catalog).status_code == 201


def test_the_operator_may_list_exceptions(as_, operator, settings):
    settings.PUBLIC_ADDRESS_EXCEPTIONS = Exceptions.of(["127.0.0.1", "10.1.0.0/16"])
    for catalog in INSIDE[:2]:
        assert add(as_(operator), catalog).status_code == 201


@pytest.mark.parametrize("catalog", INSIDE)
def test_the_admin_page_refuses_a_source_inside(admin_client, catalog):
    sent = {"slug": "new", "name": "New", "catalog": catalog, "start": "2023-08-01", "end": "2023-08-31"}
    answer = admin_client.post("/admin/campaigns/campaign/add/", sent)
    assert "catalog" in answer.context["adminform"].form.errors and not Campaign.objects.exists()


def test_a_worker_does_not_read_what_was_allowed_before(db, storage, queues):
    """A campaign of before the operator's choice: its build fails with a sentence, and nobody is asked."""
    with receiver() as server:
        campaign = Campaign.objects.create(
            name="Old", catalog=f"http://127.0.0.1:{server.port}/", settings=SETTINGS
        )
        build = Build.begin(campaign.want(["33TWL"])[0])
        run_build(build.pk)
    build.refresh_from_db()
    assert build.status == "failed" and "not in the public internet" in build.error
    assert server.connections == 0


def test_a_process_of_django_is_limited_from_its_start():
    code = (
        "import django; django.setup()\n"
        "from pipeline.catalog import open_catalog\n"
        "for place in ('http://127.0.0.1:1/', '/etc'):\n"
        "    try:\n"
        "        open_catalog(place)\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error.field)\n"
    )
    environment = dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "webapp.settings"}
    for name in ("CATALOG_FOLDERS", "PUBLIC_ADDRESS_EXCEPTIONS"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["UsageError catalog", "UsageError catalog"]


def test_a_relative_folder_is_refused_at_start():
    environment = dict(os.environ) | {"CATALOG_FOLDERS": "scenes"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode and "CATALOG_FOLDERS: 'scenes' is no absolute path" in done.stderr
