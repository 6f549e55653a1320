"""What the service remembers: prefixes written at a cachePoint, each readable until it expires."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rockbottom.prompt import PrefixHash
from rockbottom.quantities import Ttl


class EntryKey(NamedTuple):
    """A prefix, and the TTL it was written with where the switch ``ttl_in_key`` says so (else None)."""

    prefix: PrefixHash
    ttl: Ttl | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One live prefix.

    It lives until ``expires_at`` (exclusive), is readable from ``visible_at`` on (the start of its
    writer's response), holds ``tokens`` and, where lifetimes are per block, is readable only while the
    shallower entry ``parent`` that it was written on top of is.
    """

    ttl: Ttl
    tokens: int
    expires_at: float
    visible_at: float
    parent: EntryKey | None = None

    def refreshed(self, now: float) -> "Entry":
        """The entry with its lifetime counted from ``now``, the START of the request that read it."""
        expires_at = max(self.expires_at, now + self.ttl.seconds)
        return Entry(self.ttl, self.tokens, expires_at, self.visible_at, self.parent)


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where entries are shared: one account, one Region that serves, one model, one family of operations, one host.

    ``host`` is empty for bedrock-runtime.
    """

    account: str
    region: str
    model: str
    host: str = ""

    def parts(self) -> tuple[str, ...]:
        """The parts as text, for the seed of the prefix hashes."""
        return (self.account, self.region, self.model, *((self.host,) if self.host else ()))


@dataclass(frozen=True, slots=True)
class PrefixCache:
    """An immutable set of entries. ``sweep_at`` is the size at which expired entries are next dropped."""

    entries: Mapping[EntryKey, Entry] = field(default_factory=dict[EntryKey, Entry])
    sweep_at: int = 256

    def changed(self, changes: Iterable[tuple[EntryKey, Entry]], now: float) -> "PrefixCache":
        """The state after these entries were written or refreshed; drops the expired now and then."""
        entries = dict(self.entries)
        entries.update(changes)
        if len(entries) < self.sweep_at:
            return PrefixCache(entries, self.sweep_at)
        alive = {key: entry for key, entry in entries.items() if entry.expires_at > now}
        return PrefixCache(alive, max(256, 2 * len(alive)))
