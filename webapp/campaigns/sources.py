"""From where campaigns may take their scenes: what the operator's settings say."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError

from pipeline.errors import UsageError
from webapp.told import told

if TYPE_CHECKING:
    from pipeline.allowed import Allowed


def of_settings() -> "Allowed":
    """The public internet, `PUBLIC_ADDRESS_EXCEPTIONS` and `CATALOG_FOLDERS`."""
    from pipeline.allowed import Allowed

    return Allowed(settings.PUBLIC_ADDRESS_EXCEPTIONS, settings.CATALOG_FOLDERS)


def limit() -> None:
    """Have this process read scenes from nowhere else."""
    from pipeline.allowed import limit_to

    limit_to(of_settings)


def require(catalog: str) -> None:
    """Refuse a catalog that a campaign cannot have.

    Raises:
        UsageError: it is malformed, leads into a network or lies outside the folders.
    """
    of_settings().require(catalog)


def check(catalog: str) -> None:
    """As `require`, for the field of a form.

    Raises:
        ValidationError: as `require`.
    """
    try:
        require(catalog)
    except UsageError as error:
        raise ValidationError({"catalog": told(error)}) from error
