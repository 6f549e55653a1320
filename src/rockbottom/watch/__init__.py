"""What a ledger of calls says right now: hit rate, spend, saving, worst prefixes, latest misses with their causes.

One view model, ``Snapshot``, and two faces: a terminal (``rockbottom watch``) and a local page (``rockbottom dash``).
"""

from typing import TYPE_CHECKING

from rockbottom.faces import late
from rockbottom.serving import CannotListen
from rockbottom.watch.errors import NeedsRich, WatchError
from rockbottom.watch.following import View
from rockbottom.watch.frame import Screen, frame_of
from rockbottom.watch.periods import NAMES, PERIODS, WatchPeriod, period_named
from rockbottom.watch.screen import Live
from rockbottom.watch.server import Dash
from rockbottom.watch.snapshot import Snapshot

if TYPE_CHECKING:
    from rockbottom.watch.logs import LogView, log_view

__all__ = [
    "NAMES",
    "PERIODS",
    "CannotListen",
    "Dash",
    "Live",
    "LogView",
    "NeedsRich",
    "Screen",
    "Snapshot",
    "View",
    "WatchError",
    "WatchPeriod",
    "frame_of",
    "log_view",
    "period_named",
]

# The views of logs: reading logs takes numpy, watching a ledger does not.
__getattr__ = late(__name__, {"logs": "LogView log_view"})
