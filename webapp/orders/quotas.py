"""How much an organisation may order in a calendar month (UTC), and how much of it is used."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, F, FloatField, Q, Sum, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Greatest
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from pipeline.errors import UsageError
from webapp.accounts.models import Organisation
from webapp.campaigns.states import OrderStatus
from webapp.orders.models import Order

if TYPE_CHECKING:
    from webapp.accounts.models import User

# An order counts as at least this much, so that areas too small to be written are not free.
LEAST_KM2 = 0.1


class QuotaError(UsageError):
    """An order for which the organisation has not enough left this month."""

    code = "quota"
    http_status = 409


@dataclass(frozen=True)
class Quota:
    """What an organisation may order in a month, and has ordered.

    Attributes:
        organisation: whose.
        used_km2: counted so far.
        used_orders: counted so far.
        renews: the first moment of the next month.
    """

    organisation: Organisation
    used_km2: float
    used_orders: int
    renews: datetime

    @classmethod
    def of(cls, organisation: Organisation, moment: datetime | None = None) -> "Quota":
        """The quota of the month of a moment (now)."""
        first, after = month_of(moment or timezone.now())
        orders = Order.objects.filter(organisation=organisation, created_at__gte=first, created_at__lt=after)
        area = Greatest(Cast(KeyTextTransform("area_km2", "estimate"), FloatField()), Value(LEAST_KM2))
        given_back = Q(status=OrderStatus.FAILED, taken_km2__isnull=True)
        km2 = Case(
            When(Q(status=OrderStatus.CANCELLED) | given_back, then=Value(0.0)),
            When(status=OrderStatus.FAILED, then=F("taken_km2")),
            default=area,
            output_field=FloatField(),
        )
        found = orders.order_by().aggregate(km2=Sum(km2), count=Count("pk", filter=~given_back))
        return cls(organisation, round(found["km2"] or 0.0, 1), found["count"], after)

    def problem(self, km2: float) -> str:
        """Why an order of so many km2 does not fit, as a sentence; "" where it does."""
        words = {
            "organisation": self.organisation.name,
            "day": f"{self.renews:%Y-%m-%d}",
        }
        most_km2, most_orders = self.organisation.quotas
        if most_orders is not None and self.used_orders + 1 > most_orders:
            return _(
                "%(organisation)s has placed %(used)d of its %(limit)d orders of this month; "
                "the quota renews on %(day)s at 00:00 UTC."
            ) % {**words, "used": self.used_orders, "limit": most_orders}
        if most_km2 is not None and round(self.used_km2 + counted(km2), 1) > most_km2:
            return _(
                "%(organisation)s has used %(used)s of its %(limit)s km² of this month, and this order has "
                "%(km2)s km²; the quota renews on %(day)s at 00:00 UTC."
            ) % {
                **words,
                "used": _tenths(self.used_km2),
                "limit": _tenths(most_km2),
                "km2": _tenths(counted(km2)),
            }
        return ""

    def to_json(self) -> dict[str, Any]:
        """Limits, what is used and what is left; None where there is no limit."""
        most_km2, most_orders = self.organisation.quotas
        return {
            "organisation": self.organisation.name,
            "km2": _figures(self.used_km2, most_km2),
            "orders": _figures(self.used_orders, most_orders),
            "renews_at": self.renews,
        }


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """The first moments of a calendar month and of the next one, UTC."""
    here = moment.astimezone(UTC)
    first = datetime(here.year, here.month, 1, tzinfo=UTC)
    return first, datetime(here.year + here.month // 12, here.month % 12 + 1, 1, tzinfo=UTC)


def _tenths(number: float) -> str:
    return number_format(round(float(number), 1), 1, force_grouping=True)


def counted(km2: float) -> float:
    """What an order of an area takes of a quota, km2."""
    return max(km2, LEAST_KM2)


def take(customer: "User", km2: float) -> tuple[Organisation | None, datetime]:
    """Hold the customer's organisation until the transaction ends, and see that an order fits.

    Args:
        customer: who places it.
        km2: its area.

    Returns:
        The organisation, if there is one, and the moment of the order, by which its month is told.

    Raises:
        QuotaError: it does not fit.
    """
    mine = Organisation.objects.filter(members=customer.pk)
    held = mine.select_for_update(of=("self",), no_key=True).first()
    # Read after the lock, so that who waited for it over midnight counts in the month that has begun.
    moment = timezone.now()
    if held is not None and any(most is not None for most in held.quotas):
        problem = Quota.of(held, moment).problem(km2)
        if problem:
            raise QuotaError(problem, "quota")
    return held, moment


def quota_of(user: Any) -> Quota | None:
    """The quota of a person's organisation; None without an organisation."""
    organisation = user.organisation if user.is_authenticated else None
    return Quota.of(organisation) if organisation else None


def quota_told(user: Any, km2: float) -> dict[str, Any] | None:
    """What is left of a person's quota, and why an order would not fit; None without an organisation."""
    found = quota_of(user)
    return found.to_json() | {"problem": found.problem(km2)} if found else None


def _figures(used: float, most: float | None) -> dict[str, float | None]:
    left = None if most is None else max(round(most - used, 1), 0)
    return {"used": used, "limit": most, "left": left}
