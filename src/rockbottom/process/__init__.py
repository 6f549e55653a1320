"""What happens to a process, once for the whole house: forks, its end, daemon threads beside its caller."""

from rockbottom.process.endings import Closing, Ending, close_at_exit, end_at_exit
from rockbottom.process.forks import Forked, Forking, hold_over_forks, lock_of, renew_in_child
from rockbottom.process.workers import Worker

__all__ = [
    "Closing",
    "Ending",
    "Forked",
    "Forking",
    "Worker",
    "close_at_exit",
    "end_at_exit",
    "hold_over_forks",
    "lock_of",
    "renew_in_child",
]
