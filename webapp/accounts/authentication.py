"""How a request of the API tells who it comes from."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.authentication import BasicScheme, SessionScheme
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
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


class BasicAuthentication(authentication.BasicAuthentication):
    """Name and password with each request, of characters that the database can look for."""

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> Any:
        """The person of a name and password.

        Raises:
            AuthenticationFailed: there is none.
        """
        if "\0" in userid:
            raise AuthenticationFailed(gettext("Invalid username/password."))
        return super().authenticate_credentials(userid, password, request)


class BasicAuthenticationScheme(BasicScheme):
    """How the API's description names it."""

    target_class = BasicAuthentication
