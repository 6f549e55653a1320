"""A line of a bill, and what cannot be read as one."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rockbottom.quantities import RockbottomError, Usd


class UnreadableBill(RockbottomError):
    """A file that is no bill, or lacks what is needed of one."""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line. ``amount`` None: the file has no quantities. ``unit`` is what the file says of it, maybe nothing.

    ``until`` is the day after the last of a line that covers more than one day. ``list_usd`` is what it would have been
    at list price, where the file says so; ``note`` is something about the file that whoever reads the sums must know.
    """

    day: date
    usage_type: str
    product: str  # its name, "" where only a code is known
    amount: Decimal | None
    unit: str
    usd: Usd
    kind: str = "Usage"  # Usage, Tax, Credit...
    principal: str = ""
    identity: str = ""
    account: str = ""
    until: date | None = None
    list_usd: Usd | None = None
    note: str = ""
