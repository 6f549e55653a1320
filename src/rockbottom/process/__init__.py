"""What a process does with its system, once for the whole house: forks, ends, daemon threads, work that may hang,
SQLite files that are shared, the terminal behind a stream, and who may speak to its listeners."""

from typing import TYPE_CHECKING

from rockbottom.faces import late
from rockbottom.process.arrivals import Arrival
from rockbottom.process.disks import is_of_this_machine
from rockbottom.process.endings import close_at_exit, end_at_exit, hasten_at_exit, seconds_left
from rockbottom.process.forks import hold_over_forks, lock_of, renew_in_child
from rockbottom.process.handovers import UNWAITED_S, Deputy, Handover, within
from rockbottom.process.workers import Worker

if TYPE_CHECKING:  # of commands and servers, not of an attached client
    from rockbottom.process.databases import MEMORY, SqliteTurn, roll_back, shared_database
    from rockbottom.process.listeners import ended_by_signals, most_files
    from rockbottom.process.loopback import bare_session, leads_here, local_client, opened
    from rockbottom.process.memory import give_back
    from rockbottom.process.replies import BoundedSession, bounded, content_of_reply
    from rockbottom.process.terminal import Terminal, terminal_of
    from rockbottom.process.visitors import Visitors, guarded, is_loopback
    from rockbottom.process.waits import ANSWERING_S, Wait, awaited, host_of, tell_waits

__all__ = [
    "ANSWERING_S",
    "MEMORY",
    "UNWAITED_S",
    "Arrival",
    "BoundedSession",
    "Deputy",
    "Handover",
    "SqliteTurn",
    "Terminal",
    "Visitors",
    "Wait",
    "Worker",
    "awaited",
    "bare_session",
    "bounded",
    "close_at_exit",
    "content_of_reply",
    "end_at_exit",
    "ended_by_signals",
    "give_back",
    "guarded",
    "hasten_at_exit",
    "hold_over_forks",
    "host_of",
    "is_loopback",
    "is_of_this_machine",
    "leads_here",
    "local_client",
    "lock_of",
    "most_files",
    "opened",
    "renew_in_child",
    "roll_back",
    "seconds_left",
    "shared_database",
    "tell_waits",
    "terminal_of",
    "within",
]

_HOMES = {
    "databases": "MEMORY SqliteTurn roll_back shared_database",
    "listeners": "ended_by_signals most_files",
    "memory": "give_back",
    "replies": "BoundedSession bounded content_of_reply",
    "loopback": "bare_session leads_here local_client opened",
    "terminal": "Terminal terminal_of",
    "visitors": "Visitors guarded is_loopback",
    "waits": "ANSWERING_S Wait awaited host_of tell_waits",
}

__getattr__ = late(__name__, _HOMES)
