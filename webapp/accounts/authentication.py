"""How a request of the API tells who it comes from."""

from drf_spectacular.authentication import SessionScheme
from rest_framework import authentication
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """The session of the pages; answers 401 to visitors without one, with no browser dialogue."""

    def authenticate_header(self, request: Request) -> str:
        """The challenge that goes with 401."""
        return "Session"


class SessionAuthenticationScheme(SessionScheme):
    """How the API's description names it."""

    target_class = SessionAuthentication
    name = "session"
