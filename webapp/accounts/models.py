"""The people who use the web application."""

from django.contrib.auth.models import AbstractUser

from webapp.accounts import roles


class User(AbstractUser):
    """A person; what they may do comes from their roles."""

    @property
    def role_names(self) -> list[str]:
        """The roles of this person."""
        return sorted(roles.roles_of(self))
