"""Catalogs that give nothing, through the pipeline's own first stage."""

import json

import pytest

from tests.webapp.products import SETTINGS, WEST
from webapp.campaigns.jobs import run_build
from webapp.campaigns.models import Build, Campaign

pytestmark = pytest.mark.django_db


def run(catalog):
    campaign = Campaign.objects.create(name="Real", catalog=str(catalog), settings=SETTINGS)
    build = Build.begin(campaign.want([WEST])[0])
    run_build(build.pk)
    build.refresh_from_db()
    return build


@pytest.fixture
def empty_catalog(tmp_path):
    path = tmp_path / "catalog.json"
    content = {"type": "Catalog", "stac_version": "1.0.0", "id": "none", "description": "none", "links": []}
    path.write_text(json.dumps(content))
    return path


def test_no_candidates_end_the_tile_as_empty(storage, queues, empty_catalog):
    build = run(empty_catalog)
    assert build.status == build.campaign_tile.status == "empty"
    assert WEST in build.error and "2023-08-01" in build.error


def test_a_catalog_that_is_not_there_fails_the_build_with_a_sentence(storage, queues, tmp_path):
    build = run(tmp_path / "nowhere" / "catalog.json")
    assert build.status == "failed"
    assert "nowhere" in build.error and "Traceback" not in build.error


def test_a_catalog_that_is_no_catalog_is_asked_again_and_fails_the_build(storage, queues, tmp_path, settings):
    path = tmp_path / "catalog.json"
    path.write_text("<html>")
    build = run(path)
    for _ in range(settings.MOST_ATTEMPTS - 1):
        assert build.status == "running" and "not valid JSON" in build.error
        Build.objects.update(lease_until=None)
        run_build(build.pk)
        build.refresh_from_db()
    assert build.status == "failed" and "not valid JSON" in build.error
