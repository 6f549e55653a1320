"""Hours, days, weeks and months, in UTC: when one begins and when the next does."""

from datetime import UTC, datetime, timedelta
from enum import Enum


class Period(Enum):
    """How often a budget begins anew; a week begins on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start(self, now: float) -> int:
        """When the period of an instant began, in seconds since the epoch."""
        at = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0)
        if self is not Period.HOUR:
            at = at.replace(hour=0)
        if self is Period.WEEK:
            at -= timedelta(days=at.weekday())
        if self is Period.MONTH:
            at = at.replace(day=1)
        return int(at.timestamp())

    def end(self, start: int) -> int:
        """When the period that began at ``start`` is over."""
        at = datetime.fromtimestamp(start, UTC)
        if self is Period.MONTH:
            return int((at.replace(day=28) + timedelta(days=4)).replace(day=1).timestamp())
        return start + {Period.HOUR: 3600, Period.DAY: 86_400, Period.WEEK: 604_800}[self]
