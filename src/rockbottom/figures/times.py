"""Instants as people read them: in their own zone, which is always named."""

from datetime import UTC, datetime, tzinfo


def moment(at: float, zone: tzinfo | None = None, *, seconds: bool = False) -> str:
    """``2026-11-29 14:30 CET``: seconds since the epoch in a zone; None is the zone of this machine."""
    return f"{_in(at, zone):{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'} %Z}"


def short_moment(at: float, zone: tzinfo | None = None, *, day: bool = False, seconds: bool = False) -> str:
    """``Nov 29 14:30``, ``14:30:05`` or ``14:30``: where there is little room and the zone is named elsewhere."""
    return f"{_in(at, zone):{'%b %d %H:%M' if day else '%H:%M:%S' if seconds else '%H:%M'}}"


def clock(at: float, zone: tzinfo | None = None) -> str:
    """``14:30:05 CET``."""
    return f"{_in(at, zone):%H:%M:%S %Z}"


def _in(at: float, zone: tzinfo | None) -> datetime:
    instant = datetime.fromtimestamp(at, UTC)
    return instant.astimezone() if zone is None else instant.astimezone(zone)
