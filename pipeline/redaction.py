"""Texts without the secrets that came into them: for logs, and for what is told of a failure."""

import re
from collections.abc import Iterable

HIDDEN = "***"
LEAST = 8
# Parameters and fields that carry what opens something, those of signed addresses of clouds among them.
NAMES = (
    r"(?:[a-z-]*[_-])?(?:key|token|secret|password|passwd|pwd|signature|sig|credential|auth|sessionid|session)"
    r"|X-Amz-(?:Signature|Credential|Security-Token)|X-Goog-(?:Signature|Credential)|AWSAccessKeyId|csrftoken"
    r"|apikey|csrfmiddlewaretoken"
)
VALUE = r"[^&\s\"'<>\\;,)}\]]+"
RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        # A password in an address.
        (r"(://[^\s/:@\"'\\]*:)[^\s/@\"'\\]+@", rf"\1{HIDDEN}@"),
        # Parameters of an address or a form.
        (rf"([?&;]|\A)((?:{NAMES})=){VALUE}", rf"\1\2{HIDDEN}"),
        # Headers, and fields of Python and JSON.
        (
            r"((?:proxy-)?authorization|x-api-key|x-csrftoken|webhook-signature)"
            r"(\\?[\"']?\s*[:=]\s*\\?[\"']?)(?:(?:basic|bearer|session|token)\s+)?[^\s\"'\\,}]+",
            rf"\1\2{HIDDEN}",
        ),
        (r"((?:set-)?cookie\\?[\"']?\s*[:=]\s*\\?[\"']?)[^\"'\\\n]+", rf"\1{HIDDEN}"),
        (rf"(\\?[\"'](?:{NAMES})\\?[\"']\s*[:=]\s*\\?[\"'])[^\"'\\]+", rf"\1{HIDDEN}"),
        # Keys of maps, of which the beginning tells whose it is; secrets of webhooks; links of deliveries.
        (r"\b(eq_[A-Za-z0-9_-]{8})[A-Za-z0-9_-]{8,}", rf"\1{HIDDEN}"),
        (r"\bwhsec_[A-Za-z0-9+/=_-]+", f"whsec_{HIDDEN}"),
        (r"(/deliveries/)[^/\s\"'\\]{8,}", rf"\1{HIDDEN}"),
    )
)


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """A text in which what looks like a secret, or is one that is known, is hidden.

    Args:
        text: a line or several; JSON stays JSON.
        known: secrets of this process; those of fewer than 8 characters are passed over.
    """
    for secret in known:
        if len(secret) >= LEAST:
            text = text.replace(secret, HIDDEN)
    for pattern, put in RULES:
        text = pattern.sub(put, text)
    return text
