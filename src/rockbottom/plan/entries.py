"""Entries believed alive: for which lifetime, until when, and how sure that is."""

from msgspec import Struct

from rockbottom.quantities import Ttl


class Writing(Struct, gc=False):
    """A plan whose reply has not come yet: what it writes is counted at its worst, once for all who read it."""

    in_flight: bool = True


class BelievedEntry(Struct, gc=False):
    """A prefix of ``position`` segments believed in the cache; an instant of 0.0 means: not with that lifetime.

    ``five_until`` is of the lifetime that the model has besides an hour: ``usual_s`` seconds, mostly five minutes.

    ``confirmed``: a reply said that it was written or read. ``insured``: it is there because of a one-hour tail, and
    is judged by that.
    """

    position: int
    five_until: float = 0.0
    hour_until: float = 0.0
    insured: bool = False
    confirmed: bool = False
    writing: Writing | None = None
    usual_s: int = Ttl.FIVE_MINUTES.seconds

    @property
    def until(self) -> float:
        """When the last of its lifetimes ends."""
        five, hour = self.five_until, self.hour_until
        return five if five > hour else hour  # asked some fifty times for each plan

    @property
    def vouched(self) -> bool:
        """Whether its loss need not be counted again: a reply confirmed it, or the plan that writes it carries that."""
        return self.confirmed or (self.writing is not None and self.writing.in_flight)

    def renew(self, now: float) -> None:
        """A read renews each lifetime that has not ended."""
        if self.five_until > now:
            self.five_until = now + self.usual_s
        if self.hour_until > now:
            self.hour_until = now + Ttl.ONE_HOUR.seconds

    def write(self, ttl: Ttl, now: float) -> None:
        """Written, or marked again, with this lifetime."""
        if ttl is Ttl.ONE_HOUR:
            self.hour_until = max(self.hour_until, now + ttl.seconds)
        else:
            self.usual_s = ttl.seconds
            self.five_until = max(self.five_until, now + ttl.seconds)

    def drop(self) -> None:
        self.five_until = self.hour_until = 0.0
        self.insured = self.confirmed = False
        self.writing = None

    def row(self) -> list[float]:
        """As it is kept in a file."""
        return [self.five_until, self.hour_until, float(self.insured), float(self.confirmed), float(self.usual_s)]

    @classmethod
    def of_row(cls, position: int, row: list[float]) -> "BelievedEntry":
        """From a file; one that says nothing of confirmation is not confirmed."""
        five, hour, insured, confirmed = [*row, 0.0, 0.0][:4]
        usual_s = int(row[4]) if len(row) > 4 else Ttl.FIVE_MINUTES.seconds
        return cls(position, five, hour, insured > 0.0, confirmed > 0.0, usual_s=usual_s)
