"""Planetary Computer's anonymous signing: its blobs want a token in the address, given to anyone who asks."""

from urllib.parse import urlsplit

SIGNER = "https://planetarycomputer.microsoft.com/api/sas/v1/sign"
SIGNED_HOSTS = ".blob.core.windows.net"


def needs_signature(address: str) -> bool:
    """Whether an address is an unsigned blob of the kind that Planetary Computer signs."""
    parts = urlsplit(address)
    return (parts.hostname or "").endswith(SIGNED_HOSTS) and "sig=" not in parts.query
