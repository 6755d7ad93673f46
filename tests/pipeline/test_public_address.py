import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.public_address import Exceptions, NotPublic, checked, connect, is_public, parse, plain

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::1.1.1.1", "2002:0101:0101::1"]
INSIDE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.1.2.3", "169.254.169.254", "172.16.0.1",
    "172.31.9.9", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "203.0.113.5",
    "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "fe80::1",
    "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "ff0e::1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b:1::1.1.1.1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "3fff::1",
    "2002:7f00:0001::1", "2002:0a00:0001::1", "2002:c0a8:0101::1", "2606:4700::5efe:127.0.0.1",
    "2606:4700::200:5efe:10.0.0.1", "100::1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_the_public_internet_is_public(text):
    assert is_public(plain(text))


@pytest.mark.parametrize("text", INSIDE)
def test_what_lies_inside_is_not(text):
    assert not is_public(plain(text))
    with pytest.raises(NotPublic):
        checked("hooks.example.org", 443, resolve=lambda host, port: [text])


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_makes_it_no_more_public(address):
    number = int(address)
    wrapped = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x0064FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1),
        ipaddress.IPv6Address((0x26064700 << 96) | (0x5EFE << 32) | number),
    ]
    if not is_public(address):
        assert not any(is_public(plain(str(one))) for one in wrapped)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0x1",
        "1.2.3.4.5",
        "0x",
    ],
)
def test_odd_spellings_of_addresses_are_refused_before_anything_is_resolved(host):
    with pytest.raises(NotPublic, match="four decimal numbers"):
        parse(f"https://{host}/")


@pytest.mark.parametrize("spelled", ["127.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "[::1]", "[::ffff:127.0.0.1]"])
def test_what_spells_loopback_in_other_letters_is_refused(spelled):
    with pytest.raises(NotPublic):
        target = parse(f"https://{spelled}/")
        checked(target.host, target.port)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "example.org", "https://", "https:///path", "",
        "https://user:pass@example.org/", "https://user@example.org/", "https://exa mple.org/",
        "https://example.org\\@127.0.0.1/", "https://example.org/\r\nHost: x", "https://example.org:0/",
        "https://example.org:99999/", "https://[::1/", "https://example.org/" + "a" * 2000, "https://⁈.org/",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused(url):
    with pytest.raises(UsageError) as caught:
        parse(url)
    assert caught.value.field == "url" and str(caught.value).endswith(".")


def test_an_address_is_brought_into_one_form():
    target = parse("https://Bücher.Example.:8443/a?b=c#d")
    assert (target.host, target.port) == ("xn--bcher-kva.example", 8443)
    assert target.url == "https://xn--bcher-kva.example:8443/a?b=c"
    assert parse("https://[2606:4700::1111]").url == "https://[2606:4700::1111]/"


def test_an_operator_allows_networks_and_hosts():
    allowed = Exceptions.of(["10.1.0.0/16", "192.168.1.7", "Hooks.Intern", " ", "fd00::/8", "[fd01::1]"])
    answers = {"a.example": "10.1.2.3", "b.example": "10.2.2.3", "hooks.intern": "127.0.0.1"}

    def resolve(host, port):
        return [answers[host]]

    assert [str(one) for one in checked("a.example", 443, allowed, resolve)] == ["10.1.2.3"]
    assert checked("hooks.intern", 443, allowed, resolve)
    with pytest.raises(NotPublic):
        checked("b.example", 443, allowed, resolve)
    assert parse("http://hooks.intern/", allowed).port == 80
    assert parse("http://192.168.1.7:8080/", allowed).port == 8080
    with pytest.raises(NotPublic, match="https"):
        parse("http://a.example/", allowed)
    for wrong in ("10.1.0.1/16", "what is this", "10.0.0.0/99"):
        with pytest.raises(ValueError):
            Exceptions.of([wrong])


def test_one_answer_inside_spoils_all():
    with pytest.raises(NotPublic):
        checked("x.example", 443, resolve=lambda host, port: ["1.1.1.1", "10.0.0.1"])


def test_a_name_without_addresses_is_an_error_of_the_network():
    with pytest.raises(OSError):
        checked("x.example", 443, resolve=lambda host, port: [])


def test_the_next_address_is_tried_where_one_does_not_answer():
    with socket.create_server(("127.0.0.3", 0)) as server:
        port = server.getsockname()[1]
        allowed = Exceptions.of(["127.0.0.0/8"])
        found = connect("x.example", port, 2.0, allowed, lambda host, port: ["127.0.0.2", "127.0.0.3"])
        assert found.getpeername()[0] == "127.0.0.3"
        found.close()
