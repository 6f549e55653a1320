"""What a store must do for those who share it: a stream that all read, and small values changed by one at a time.

Everything else (who may spend how much, who writes a prefix first) is decided on these by the members themselves, by
the same code whatever the store is.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

STREAM_KEPT = 10_000
"""Entries of the stream that a store keeps, for members that come later: some 20 MB."""

Change = Callable[[bytes | None, Sequence[bytes], float], bytes | None]
"""The new value from the one that is there (None: none), the entries that wait at its name, oldest first, and the
store's own clock, in seconds since the epoch. None: the value stays, for somebody else took the entry in."""


class Read(NamedTuple):
    """Entries of the stream behind a place, oldest first, and the place behind the last of them."""

    place: str
    entries: Sequence[bytes]


class Store(Protocol):
    """One store, used by one thread at a time. Every method raises StoreAway where it cannot do its work."""

    @property
    def era(self) -> str:
        """What is another once the server was started again or another took its place; of the last connection."""
        ...

    def quiet_until(self, now: float) -> float:
        """For a group that is not there at ``now``: until when who knows of it may still have to say so, if the store
        had it and lost it. -inf: it loses nothing. All by the store's clock."""
        ...

    def publish(self, entry: bytes) -> None:
        """Put an entry at the end of the stream."""
        ...

    def read(self, place: str, wait_s: float) -> Read:
        """What lies behind a place ("": everything kept); waits so long for a first entry where nothing does."""
        ...

    def change(self, name: str, entry: bytes, change: Change, for_s: float) -> None:
        """Put an entry to those that wait at a name, and replace the value by what ``change`` makes of it and of them;
        it lives for ``for_s`` seconds. ``change`` is called again where another process replaced the value meanwhile:
        that one has probably taken in this entry as well, so that many who come at once need not all have their turn.
        """
        ...

    def put_if_absent(self, name: str, value: bytes, for_s: float) -> bytes | None:
        """Put a value that lives for ``for_s`` seconds; where there is one already it stays and is returned."""
        ...

    def put(self, name: str, value: bytes, for_s: float) -> None:
        """Put a value that lives for ``for_s`` seconds, in the place of any other."""
        ...

    def drop(self, name: str) -> None:
        """Remove a value."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
