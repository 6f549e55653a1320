"""What a ledger of calls says right now: hit rate, spend, saving, worst prefixes, latest misses with their causes.

One view model, ``Snapshot``, and two faces: a terminal (``rockbottom watch``) and a local page (``rockbottom dash``).
"""

from rockbottom.watch.errors import CannotListen, NeedsRich, NoSuchPeriod, WatchError
from rockbottom.watch.following import View
from rockbottom.watch.periods import PERIODS, Period, period_named
from rockbottom.watch.snapshot import Line, Snapshot

__all__ = [
    "PERIODS",
    "CannotListen",
    "Line",
    "NeedsRich",
    "NoSuchPeriod",
    "Period",
    "Snapshot",
    "View",
    "WatchError",
    "period_named",
]
