"""What a process does with its system, once for the whole house: forks, ends, daemon threads, files of its owner,
and who may speak to its listeners."""

from rockbottom.process.endings import Closing, Ending, close_at_exit, end_at_exit
from rockbottom.process.files import PRIVATE, make_private, named, private
from rockbottom.process.forks import Forked, Forking, hold_over_forks, lock_of, renew_in_child
from rockbottom.process.visitors import Visitors, guarded, is_loopback
from rockbottom.process.workers import Worker

__all__ = [
    "PRIVATE",
    "Closing",
    "Ending",
    "Forked",
    "Forking",
    "Visitors",
    "Worker",
    "close_at_exit",
    "end_at_exit",
    "guarded",
    "hold_over_forks",
    "is_loopback",
    "lock_of",
    "make_private",
    "named",
    "private",
    "renew_in_child",
]
