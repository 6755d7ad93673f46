"""Passwords that are tried: too many wrong ones lock, and nobody else with them."""

import base64

import django_rq
import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import RequestFactory
from redis.exceptions import ConnectionError as RedisDown

from webapp.accounts import guesses
from webapp.accounts.models import User

TRIES, OF_ADDRESS = 3, 8
HERE, ELSEWHERE = "203.0.113.7", "203.0.113.8"


@pytest.fixture(autouse=True)
def few(settings, queues, db):
    settings.PASSWORD_TRIES, settings.PASSWORD_TRIES_ADDRESS = TRIES, OF_ADDRESS
    User.objects.create_superuser("mayor", password="right")
    User.objects.create_superuser("clerk", password="right")


@pytest.fixture(params=["/accounts/login/", "/admin/login/", "/api/me/"])
def door(request, client):
    """Tries a name and a password at one of the doors; gives the answer."""
    path = request.param

    def ask(name, password, address=HERE):
        client.logout()
        if path.startswith("/api/"):
            words = base64.b64encode(f"{name}:{password}".encode()).decode()
            return client.get(path, headers={"Authorization": f"Basic {words}", "X-Forwarded-For": address})
        return client.post(
            path, {"username": name, "password": password}, headers={"X-Forwarded-For": address}
        )

    ask.lets_in = 200 if path.startswith("/api/") else 302
    return ask


def lock(door, name="mayor", address=HERE):
    for _ in range(TRIES):
        assert door(name, "wrong", address).status_code in (200, 401)


def test_wrong_ones_lock_and_a_right_one_gets_the_same_answer(door):
    lock(door)
    wrong, right = door("mayor", "wrong"), door("mayor", "right")
    for answer in (wrong, right):
        assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= 900
        assert "too many wrong passwords; try again in" in answer.content.decode()
    if wrong["Content-Type"] == "application/json":
        assert right.json()["error"]["code"] == "too_many_passwords"
    assert door("MAYOR", "right").status_code == 429


def test_names_that_are_not_there_lock_like_others(door):
    lock(door, "nobody-here")
    assert door("nobody-here", "wrong").status_code == 429


def test_other_names_and_addresses_are_not_locked(door):
    lock(door)
    assert door("mayor", "right", ELSEWHERE).status_code == door.lets_in
    assert door("mayor", "right", f"{HERE}, {ELSEWHERE}").status_code == door.lets_in
    assert door("mayor", "right", f"{ELSEWHERE}, {HERE}").status_code == 429
    assert door("clerk", "right").status_code == door.lets_in


def test_many_names_from_one_address_lock_the_address(door):
    for number in range(OF_ADDRESS):
        assert door(f"name-{number}", "wrong").status_code in (200, 401)
    assert door("mayor", "right").status_code == 429
    assert door("mayor", "right", ELSEWHERE).status_code == door.lets_in


def test_it_opens_again(door):
    lock(door)
    redis = django_rq.get_connection("cpu")
    (name,) = redis.keys(f"{guesses.PREFIX}:{HERE}:*")
    assert 890 < redis.ttl(name) <= 900
    redis.pexpire(name, 1)
    while redis.exists(name):
        pass
    assert door("mayor", "right").status_code == door.lets_in


def test_the_last_wrong_one_begins_the_lock(door):
    for _ in range(TRIES - 1):
        door("mayor", "wrong")
    redis = django_rq.get_connection("cpu")
    (name,) = redis.keys(f"{guesses.PREFIX}:{HERE}:*")
    redis.expire(name, 60)
    door("mayor", "wrong")
    assert redis.ttl(name) > 890


def test_right_ones_lock_nobody(door):
    for _ in range(2 * OF_ADDRESS):
        assert door("mayor", "right").status_code == door.lets_in


def test_a_locked_password_is_not_hashed(door, monkeypatch):
    lock(door)
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *_: pytest.fail("it was hashed"))
    assert door("mayor", "right").status_code == 429


def test_no_name_is_kept_in_redis(door):
    lock(door)
    assert not any(b"mayor" in name for name in django_rq.get_connection("cpu").keys("*"))


def test_without_redis_all_are_let_through_and_it_is_told(door, monkeypatch, caplog):
    def down(name):
        raise RedisDown("refused")

    with monkeypatch.context() as patch:
        patch.setattr(guesses.django_rq, "get_connection", down)
        for _ in range(TRIES + 1):
            door("mayor", "wrong")
        assert door("mayor", "right").status_code == door.lets_in
    assert "Passwords are tried without limit" in caplog.text and "was not counted" in caplog.text


@pytest.mark.parametrize(
    ("remote", "forwarded", "told"),
    [
        ("198.51.100.1", "203.0.113.7", "198.51.100.1"),
        ("172.18.0.5", "10.9.9.9, 203.0.113.7", "203.0.113.7"),
        ("172.18.0.5", "", "172.18.0.5"),
        ("", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "nonsense", "unknown"),
    ],
)
def test_a_visitors_address_is_what_stands_in_front_tells(remote, forwarded, told):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert guesses.address_of(RequestFactory(REMOTE_ADDR=remote, headers=headers).get("/")) == told
