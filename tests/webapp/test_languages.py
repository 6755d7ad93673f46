"""Which language an answer speaks, and the catalogue for scripts."""

import pytest
from django.urls import reverse

from webapp import languages


@pytest.fixture
def german(settings, tmp_path):
    """German is offered too, with one sentence for scripts."""
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    languages.script.cache_clear()
    yield
    languages.script.cache_clear()


def test_a_page_speaks_the_readers_language_and_says_so(client, german):
    answer = client.get("/nothing-here", headers={"accept-language": "de"})
    assert answer.headers["Content-Language"] == "de"
    assert "Accept-Language" in answer.headers["Vary"]
    assert '<html lang="de" dir="ltr">' in answer.text


def test_a_language_that_is_not_offered_is_answered_in_english(client):
    answer = client.get("/nothing-here", headers={"accept-language": "de"})
    assert '<html lang="en" dir="ltr">' in answer.text


@pytest.mark.parametrize("address", ["/tiles/nowhere/latest/", "/stac/nothing"])
def test_machines_get_one_answer_for_all_languages(client, db, german, address):
    client.get("/nothing-here", headers={"accept-language": "de"})
    answer = client.get(address, headers={"accept-language": "de"})
    assert "Content-Language" not in answer.headers
    assert "Accept-Language" not in answer.headers.get("Vary", "")
    assert 'lang="de"' not in answer.text


def test_the_catalogue_of_a_page_may_be_kept_for_a_year(client):
    address = languages.catalogue_address()
    answer = client.get(address)
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in answer.headers["Cache-Control"]
    assert f'<script src="{address}"></script>' in client.get("/nothing-here").text


def test_an_address_of_other_sentences_is_not_kept(client):
    answer = client.get(reverse("catalogue", kwargs={"language": "en", "digest": "0123456789ab"}))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


def test_a_language_that_is_not_offered_has_no_catalogue(client):
    assert (
        client.get(reverse("catalogue", kwargs={"language": "de", "digest": "0123456789ab"})).status_code
        == 404
    )
