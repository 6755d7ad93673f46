"""Documents of a signer and of a catalog: never waited for without end, never read without end."""

import json
from datetime import date

import pytest

from pipeline.catalog.http import Http, TooSlow
from pipeline.catalog.stac_api import StacApi
from pipeline.errors import SourceError, TransientSourceError
from tests.mishaps import closed, crumbs, drip, little_by_little, refused, reset, truncated

ADDRESS = "http://127.0.0.1/B02.tif"
AUGUST = (date(2023, 8, 1), date(2023, 8, 31))


@pytest.fixture
def signing(files):
    """A session whose signer is a file of the server."""
    (files.folder / "sign").write_text(json.dumps({"href": f"{ADDRESS}?sig=abc", "more": "x" * 4_000}))
    signer = files.at("sign")
    return lambda **limits: Http(3, 0.001, signer, lambda address: True, patience=0.1, **limits)


PASSING = {
    "closed": closed,
    "crumbs": crumbs,
    "drip": drip,
    "429": refused(429),
    "503": refused(503),
    "a part of what was asked for whole": refused(206),
    "reset": reset,
    "truncated": truncated(),
}


@pytest.mark.parametrize("mishap", PASSING.values(), ids=PASSING)
def test_a_signer_is_asked_again(files, signing, mishap):
    files.mishaps += [mishap] * 2
    assert signing().signed(ADDRESS) == f"{ADDRESS}?sig=abc"
    assert len(files.requests) == 3


@pytest.mark.parametrize("mishap", PASSING.values(), ids=PASSING)
def test_a_signer_that_never_recovers_is_given_up(files, signing, mishap):
    files.mishaps += [mishap] * 9
    with pytest.raises(TransientSourceError, match="/sign "):
        signing().signed(ADDRESS)
    assert len(files.requests) == 3


def test_a_dripping_catalog_is_not_waited_for(files):
    (files.folder / "api").write_text(json.dumps({"description": "x" * 4_000}))
    files.mishaps += [drip] * 9
    with pytest.raises(TransientSourceError, match=r"cannot be reached now: .* sent only"):
        StacApi(files.at("api"), "L2A", Http(2, 0.001, patience=0.1)).search("33TWL", *AUGUST, 80)
    assert len(files.requests) == 2


def test_a_document_has_its_time_however_steadily_it_comes(files, signing):
    (files.folder / "sign").write_bytes(b" " * 40_000)
    files.mishaps += [little_by_little(400)] * 9
    with pytest.raises(TooSlow, match=r"sent only .* in 0 s"):
        signing(longest=0.3).signed(ADDRESS)


@pytest.mark.parametrize("size", [0, 1])
def test_a_document_that_is_too_large_is_not_read_to_its_end(files, signing, monkeypatch, size):
    content = (files.folder / "sign").read_bytes()
    monkeypatch.setattr("pipeline.catalog.http.MOST_DOCUMENT", len(content) - size)
    if size:
        with pytest.raises(SourceError, match="sent more than"):
            signing().signed(ADDRESS)
    else:
        assert signing().signed(ADDRESS)
    assert len(files.requests) == 1


@pytest.mark.parametrize("answer", ["[1]", "text", "{}", ""])
def test_a_signer_that_signs_nothing_is_told(files, signing, answer):
    (files.folder / "sign").write_text(answer)
    with pytest.raises(SourceError, match="gave no signed address"):
        signing().signed(ADDRESS)


@pytest.mark.parametrize("address", ["https://a..b/x.tif", f"https://{'a' * 70}.example/x.tif"])
def test_a_name_that_no_host_has_is_told(address):
    with pytest.raises(SourceError):
        Http(2, 0.001).document(address)


@pytest.mark.parametrize("asked", ["nan", "-3", "soon"])
def test_a_pause_that_is_none_is_not_waited_for(files, signing, asked):
    files.mishaps += [refused(503, **{"Retry-After": asked})]
    assert signing().signed(ADDRESS) == f"{ADDRESS}?sig=abc"


def test_a_refusal_is_told_with_what_the_server_says_of_it(files):
    def wrong_dates(handler, content):
        handler.head(400, 24)
        handler.wfile.write(b"the range\n  is no range. ")

    (files.folder / "api").write_text("{}")
    files.mishaps += [wrong_dates]
    with pytest.raises(SourceError, match=r"status 400: the range is no range\.$") as caught:
        StacApi(files.at("api"), "L2A", Http(2, 0.001)).search("33TWL", *AUGUST, 80)
    assert not isinstance(caught.value, TransientSourceError) and len(files.requests) == 1
