"""Addresses that strangers give: only what lies in the public internet is connected to.

A name is resolved once, every answer is checked, and the connection goes to an answer that was checked: a
name that answers otherwise a moment later (DNS rebinding) leads nowhere else.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

import idna

from pipeline.errors import UsageError

LONGEST = 2000
LONGEST_SHOWN = 80
PORTS = {"http": 80, "https": 443}
NAT64 = IPv6Network("64:ff9b::/96")
GLOBAL_V6 = IPv6Network("2000::/3")
# Special in the registries of IANA though some versions of Python count them as global: protocol assignments,
# relays of 6to4, documentation.
SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
ISATAP = (0x00005EFE, 0x02005EFE)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# Gives the addresses of a host, as text.
Resolver = Callable[[str, int], Sequence[str]]


class NotPublic(UsageError):
    """An address that is not connected to."""

    code = "not-public"


@dataclass(frozen=True)
class Exceptions:
    """What an operator allows besides the public internet.

    Attributes:
        networks: addresses in these may be connected to.
        hosts: names or addresses, in lower case, that may lead anywhere, and by http too.
    """

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Exceptions":
        """Read networks (10.1.0.0/16), addresses and names.

        Raises:
            ValueError: one of them is none of these.
        """
        networks, hosts = [], set()
        for text in (one.strip().lower() for one in texts if one.strip()):
            if "/" in text:
                networks.append(ipaddress.ip_network(text))
                continue
            host = text.strip("[]")
            hosts.add(host)
            if (literal := address_in(host)) is not None:
                networks.append(ipaddress.ip_network(literal))
            elif not re.fullmatch(r"[a-z0-9._-]+", host):
                raise ValueError(f"{text!r} is no network, address or name of a host")
        return cls(tuple(networks), frozenset(hosts))

    def hold(self, address: Address) -> bool:
        """Whether an address lies in one of the networks."""
        return any(address in network for network in self.networks)


NONE = Exceptions()


@dataclass(frozen=True)
class Target:
    """An address of the web as it is connected to.

    Attributes:
        url: with the host in ASCII and without a fragment.
        host: name or literal address, in lower case, without brackets.
        port: of TCP.
    """

    url: str
    host: str
    port: int


def is_remote(place: str) -> bool:
    """Whether a place is an address of the web, not a path."""
    return place.lower().startswith(("http://", "https://"))


def parse(url: str, exceptions: Exceptions = NONE, *, http: bool = False) -> Target:
    """Read an address of the web; nothing is resolved.

    Args:
        url: https; http where the operator lists the host.
        exceptions: the operator's.
        http: whether that is allowed to all hosts, for what is no secret.

    Raises:
        NotPublic: it is malformed, has a password inside, spells an address in an odd way, or is not https.
    """
    shown = url[:LONGEST_SHOWN]
    if len(url) > LONGEST or re.search(r"[\x00-\x20\x7f\\]", url):
        raise NotPublic(f"The address {shown!r} is too long or has characters that no address has.", "url")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = ascii_host(parts)
    except (ValueError, UnicodeError) as error:
        raise NotPublic(f"{shown!r} is no address of the web.", "url") from error
    if parts.scheme not in PORTS or not host:
        raise NotPublic(f"{shown!r} is no address that begins with https://.", "url")
    if parts.username is not None or parts.password is not None:
        raise NotPublic("An address with a user name or password inside is not used.", "url")
    if spells_number(host) and address_in(host) is None:
        raise NotPublic(f"Write the address {host} as four decimal numbers.", "url")
    if parts.scheme == "http" and not http and host not in exceptions.hosts:
        raise NotPublic(f"{shown!r} must begin with https://.", "url")
    if port == 0:
        raise NotPublic("There is no port 0.", "url")
    return Target(_rebuilt(parts, host, port), host, port or PORTS[parts.scheme])


def ascii_host(parts: SplitResult) -> str:
    """The host of an address in lower case; other letters as IDNA writes them.

    Raises:
        UnicodeError: no name of a host has such letters.
    """
    host = (parts.hostname or "").rstrip(".")
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()
    return host.lower()


def _rebuilt(parts: SplitResult, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    where = shown if port is None else f"{shown}:{port}"
    return parts._replace(netloc=where, path=parts.path or "/", fragment="").geturl()


def spells_number(host: str) -> bool:
    """Whether system libraries may read a host as an IPv4 number (2130706433, 0x7f.1, 0177.0.0.1)."""
    return re.fullmatch(r"0x[0-9a-f]*|[0-9]+", host.rsplit(".", 1)[-1]) is not None


def address_in(host: str) -> Address | None:
    """The address that a host spells in the usual way; None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address lies in the public internet, and what is wrapped in it too."""
    if any(address in network for network in SPECIAL):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    inner = _wrapped(address)
    if address in NAT64:
        return inner is not None and is_public(inner)
    if address not in GLOBAL_V6 or not address.is_global or address.teredo is not None:
        return False
    return inner is None or is_public(inner)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: by NAT64, 6to4 or ISATAP."""
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64 or (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def allows(host: str, address: Address, exceptions: Exceptions) -> bool:
    """Whether an address of a host may be connected to."""
    return is_public(address) or exceptions.hold(address) or host in exceptions.hosts


def plain(text: str) -> Address:
    """An address as the system gives it; IPv4 inside IPv6 (::ffff:127.0.0.1) as what it is."""
    address = ipaddress.ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def checked(
    host: str, port: int, exceptions: Exceptions = NONE, resolve: Resolver = system_resolver
) -> list[Address]:
    """Resolve a host, once, and check every answer.

    Raises:
        NotPublic: one of the answers lies inside a network.
        OSError: there is no such host.
    """
    literal = address_in(host)
    found = [plain(one) for one in ([str(literal)] if literal else resolve(host, port))]
    if not found:
        raise OSError(f"{host} has no address")
    for address in found:
        if not allows(host, address, exceptions):
            raise NotPublic(f"{host} is not in the public internet and is not connected to.", "url")
    return found


def connect(
    host: str,
    port: int,
    seconds: float,
    exceptions: Exceptions = NONE,
    resolve: Resolver = system_resolver,
) -> socket.socket:
    """Connect to a host by one of the very addresses that were checked.

    Args:
        host: name or address.
        port: of TCP.
        seconds: that one address may take.
        exceptions: the operator's.
        resolve: gives the addresses of a name.

    Raises:
        NotPublic: it leads into a network.
        OSError: there is no such host, or nobody answers.
    """
    last: OSError | None = None
    for address in checked(host, port, exceptions, resolve):
        try:
            return socket.create_connection((str(address), port), timeout=seconds)
        except OSError as error:
            last = error
    raise last or OSError(f"{host} has no address")
