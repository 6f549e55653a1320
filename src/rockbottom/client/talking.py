"""What an attachment says: each thing once, on the logger ``rockbottom.client``, and never text of a request."""

import logging
import os
import time
from collections.abc import Callable, Iterable

from rockbottom.quantities import RockbottomError

log = logging.getLogger("rockbottom.client")

_LOST = (
    "an attempt got no answer in time and may be billed all the same; if your program then sends it again, a "
    "longer read_timeout in botocore's Config costs less"
)
_MOST_NOTICES, _MOST_SAID = 100, 1000
_LONG_S = 1.0
_YEAR_10000 = 253_402_300_800.0  # seconds since the epoch: no calendar here goes further


def kept_going(clock: Callable[[], float]) -> Callable[[], float]:
    """A clock that tells the time also where ``clock`` fails: then the system's, with one warning."""
    if clock is time.time:
        return clock
    failed: list[str] = []

    def now() -> float:
        try:
            seconds = float(clock())
            if not 0 <= seconds < _YEAR_10000:  # nan is neither
                raise ValueError(seconds)
            return seconds
        except Exception as error:
            if not failed:
                failed.append(type(error).__name__)
                log.warning("rockbottom: clock= fails (%s), so the system's clock is used", failed[0])
            return time.time()

    return now


class Talk:
    """Remembers what was said, without a lock: two threads that notice a thing at the same instant both say it."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self._logged: set[str] = set()

    def say(self, notices: Iterable[str]) -> None:
        """Log what was noticed and keep it for the report."""
        for notice in notices:
            if len(self.notices) < _MOST_NOTICES and notice not in self.notices:
                self.notices.append(notice)
                log.warning("rockbottom: %s", notice)

    def once(self, key: str, message: str) -> None:
        """Log a message the first time its key comes."""
        if key not in self._logged and len(self._logged) < _MOST_SAID:
            self._logged.add(key)
            log.warning("rockbottom: %s", message)

    def passed_through(self, error: Exception) -> None:
        """Log why a request goes out as it is."""
        # What the catalogue or the prompt package refuses to read is the caller's business: boto3 or the service
        # will say so. Anything else is ours, and is worth one line.
        if isinstance(error, RockbottomError):
            log.debug("rockbottom: a request passes unmodified: %s", error)
        elif self.is_ours(error):
            self.failure("planning", error)
        else:
            self.once(
                f"unread {type(error).__name__}",
                f"a request could not be read ({type(error).__name__}); such requests pass unmodified",
            )

    @staticmethod
    def is_ours(error: Exception) -> bool:
        """Whether an error on the way to a plan is a fault of ours, and not of the request."""
        return not isinstance(error, (RockbottomError, KeyError, TypeError, ValueError, AttributeError, RecursionError))

    def unread(self, where: str) -> None:
        """Say once what could not be read in a request that the service answered, without its text."""
        self.say([f"a request could not be read ({where}): such requests are not planned, but they are priced"])

    def waited(self, who: str, seconds: float) -> None:
        """Say once that calls wait for what was given to ``attach``, where one waited longer than anything of ours."""
        if seconds > _LONG_S:
            why = "its disk is slow, another process holds its file, or it is yours and needs a thread of its own"
            self.say([f"{who} takes more than a second, and the call waits for it: {why}"])

    def lost(self, attempts: int) -> None:
        """Say once that attempts of a call got no answer, where some did not."""
        if attempts:
            self.say([_LOST])

    def unsaved(self, error: Exception) -> None:
        """Log once per kind why what was learned is not in its file: somebody holds it, or the disk is full."""
        if isinstance(error, (RockbottomError, TimeoutError)):
            message = f"what was learned is not saved yet ({error}); calls go on, and it is tried again"
            return self.once(f"saving {type(error).__name__}", message)
        return self.failure("saving what was learned", error, "calls go on, and it is tried again")

    def failure(self, doing: str, error: Exception, then: str = "requests pass unmodified") -> None:
        """Log an internal failure once per kind: the type and the place, never the text of a request."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        code = trace.tb_frame.f_code if trace is not None else None
        where = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}" if code and trace else "unknown place"
        self.once(
            f"{doing} {type(error).__name__} {where}",
            f"internal failure while {doing}: {type(error).__name__} at {where}; {then}",
        )
