"""Lists of the API, page by page."""

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

MOST_ROWS = 10_000
# The database counts rows up to 2**63.
LAST_OFFSET = 2**53


class Pages(LimitOffsetPagination):
    """Up to `MOST_ROWS` rows from any on; beyond the last row there are none."""

    max_limit = MOST_ROWS

    def get_offset(self, request: Request) -> int:
        """The first row that is asked for, counted from 0."""
        return min(super().get_offset(request), LAST_OFFSET)
