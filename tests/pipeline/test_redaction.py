"""What opens something does not come into logs and sentences."""

import json
import pickle
import time

import pytest

from pipeline.errors import EarthquiltError, SourceError, TransientSourceError, UsageError
from pipeline.redaction import redacted
from pipeline.words import Sentence, sentence

SECRET = "Zm9vYmFyLXNlY3JldA"
TEXTS = [
    "GET /tiles/alps/1/rgb/1/2/3.webp?key={} HTTP/1.1",
    "https://a.blob.core.windows.net/c/B04.tif?st=2026&sp=rl&sig={}&se=2027",
    "https://b.s3.amazonaws.com/a.tif?X-Amz-Date=1&X-Amz-Signature={}",
    "https://b.s3.amazonaws.com/a.tif?X-Amz-Security-Token={}&x=1",
    "https://api.example.org/stac?subscription-key={}",
    "https://api.example.org/stac?api_key={}; it was refused",
    "https://api.example.org/stac?a=b&access_token={}.",
    "postgis://earthquilt:{}@10.0.0.1:5432/earthquilt",
    "redis://:{}@127.0.0.1:6379/0",
    "smtp+tls://user:{}@mail.example.org:587",
    "Authorization: Basic {}",
    "authorization: Bearer {}",
    "{{'Authorization': 'Bearer {}', 'Accept': '*/*'}}",
    "X-API-Key: {}",
    "Cookie: csrftoken=a; sessionid={}",
    '{{"secret": "{}", "url": "https://example.org"}}',
    "password={}&username=a",
    "whsec_{}",
    "Not Found: /deliveries/{}/all.zip",
    "the key eq_{}00000000000000",
]


@pytest.mark.parametrize("text", TEXTS)
def test_secrets_are_hidden_wherever_they_stand(text):
    hidden = redacted(text.format(SECRET))
    assert SECRET not in hidden and "***" in hidden


@pytest.mark.parametrize(
    "text",
    [
        "33TWL has 3 scenes; key figures: 97.0 % clear",
        "GET /tiles/alps/1/rgb/1/2/3.webp?style=a HTTP/1.1",
        "https://example.org/stac/search?bbox=1,2,3,4&limit=10",
        "The session ended; its tokens were 3.",
        "/orders/3/deliveries/2/again/",
        "http://127.0.0.1:8000/a@b",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redacted(text) == text


def test_json_stays_json_and_the_rest_of_a_line_is_told():
    inner = {
        "message": f'https://x/?key={SECRET}&tile=33TWL failed with {{"token": "{SECRET}"}}',
        "tile": "33TWL",
    }
    line = json.loads(redacted(json.dumps(inner)))
    assert (
        SECRET not in line["message"] and "tile=33TWL failed" in line["message"] and line["tile"] == "33TWL"
    )


def test_what_is_known_is_hidden_anywhere_and_short_words_are_not():
    assert redacted("it is correct-horse-1, eq", ["correct-horse-1", "eq"]) == "it is ***, eq"


def test_a_long_line_is_done_in_time():
    begun = time.monotonic()
    redacted("?key" * 100_000 + "://" * 100_000 + "a-" * 100_000)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("kind", [EarthquiltError, SourceError, TransientSourceError, UsageError])
def test_errors_are_told_without_keys(kind):
    error = kind(f"https://example.org/a.tif?sig={SECRET} cannot be read.")
    assert SECRET not in str(error) and "cannot be read" in str(error)
    assert SECRET not in repr(pickle.loads(pickle.dumps(error)))


def test_a_sentence_of_an_error_can_still_be_translated():
    error = UsageError(sentence("%(count)s are too many.", count=3))
    assert isinstance(error.args[0], Sentence)
