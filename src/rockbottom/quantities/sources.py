"""Where a fact comes from."""

from datetime import date

from msgspec import Struct


class Source(Struct, frozen=True):
    """A place a reader can check: what it is, its address, and the day it was last checked."""

    key: str
    title: str
    url: str
    checked_on: date
