"""Where a fact comes from."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Source:
    """A place a reader can check: what it is, its address, and the day it was last checked."""

    key: str
    title: str
    url: str
    checked_on: date
