"""Hours, days, weeks and months, in UTC: when one begins and when the next does."""

from datetime import UTC, datetime, timedelta
from enum import Enum

_DAY_S = 86_400
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday; Monday is 0


class Period(Enum):
    """How often a budget begins anew; a week begins on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start(self, now: float) -> int:
        """When the period of an instant began, in seconds since the epoch."""
        if self is Period.HOUR:
            return int(now // 3600) * 3600
        day = int(now // _DAY_S)
        if self is Period.DAY:
            return day * _DAY_S
        if self is Period.WEEK:
            return (day - (day + _EPOCH_WEEKDAY) % 7) * _DAY_S
        return (day - datetime.fromtimestamp(now, UTC).day + 1) * _DAY_S

    def end(self, start: int) -> int:
        """When the period that began at ``start`` is over."""
        at = datetime.fromtimestamp(start, UTC)
        if self is Period.MONTH:
            return int((at.replace(day=28) + timedelta(days=4)).replace(day=1).timestamp())
        return start + {Period.HOUR: 3600, Period.DAY: _DAY_S, Period.WEEK: 7 * _DAY_S}[self]
