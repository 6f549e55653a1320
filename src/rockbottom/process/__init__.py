"""What a process does with its system, once for the whole house: forks, ends, daemon threads, files of its owner."""

from rockbottom.process.endings import Closing, Ending, close_at_exit, end_at_exit
from rockbottom.process.files import PRIVATE, make_private, named, private
from rockbottom.process.forks import Forked, Forking, hold_over_forks, lock_of, renew_in_child
from rockbottom.process.workers import Worker

__all__ = [
    "PRIVATE",
    "Closing",
    "Ending",
    "Forked",
    "Forking",
    "Worker",
    "close_at_exit",
    "end_at_exit",
    "hold_over_forks",
    "lock_of",
    "make_private",
    "named",
    "private",
    "renew_in_child",
]
