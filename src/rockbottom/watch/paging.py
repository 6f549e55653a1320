"""What stands beside the frame of a terminal: pages of all tags, the keys, and how long ago something was."""

from rockbottom.figures import clipped, counted
from rockbottom.watch.periods import PERIODS
from rockbottom.watch.snapshot import Snapshot

_HEAD_AND_FOOT = 12
_ROWS = 24


def pages_of_tags(shot: Snapshot, rows: int | None) -> int:
    """How many screens of so many rows all tags take."""
    return -(-len(shot.tags) // rows_of_tags(rows))


def rows_of_tags(rows: int | None) -> int:
    """How many tags one screen shows."""
    return max(1, (rows or _ROWS) - _HEAD_AND_FOOT)


def keys_line(period: str, paused: bool, width: int) -> str:
    """The keys and what they do; a narrow screen gets all keys and no names of periods."""
    periods = "  ".join(
        f"[{number} {choice.name}]" if choice.name == period else f"{number} {choice.name}"
        for number, choice in enumerate(PERIODS, 1)
    )
    others = f"e AWS/local   t tags   {'p go on' if paused else 'p pause'}   q quit"
    whole = f" {periods}   {others}"
    return whole if len(whole) <= width else clipped(f" 1-{len(PERIODS)} [{period}]   {others}", width)


def ago(seconds: float) -> str:
    """``3 hours``: a time in its largest unit."""
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return counted(int(seconds // size), name)
    return "less than a minute"
