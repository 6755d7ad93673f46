"""Signatures of webhooks as the Standard Webhooks specification (1.0) has them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
BYTES = 32


def new_secret() -> str:
    """A secret as verifying libraries take it: the prefix and 256 random bits in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of one secret: "v1," and HMAC-SHA256 of "ID.TIMESTAMP.BODY" in base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secrets_: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that go with a body, signed by each of the secrets.

    Args:
        secrets_: those that are valid now.
        message_id: the same in each try.
        timestamp: of this try, seconds since 1970.
        body: as it is sent.
    """
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(one, message_id, timestamp, body) for one in secrets_),
    }
