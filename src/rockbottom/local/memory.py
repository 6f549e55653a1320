"""The live cache entries of the endpoint, applied in place and bounded."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from heapq import heapify, heappop, heappush
from math import inf

from rockbottom.cache import Entry, EntryKey, Namespace

Changes = Iterable[tuple[EntryKey, Entry]]


class Memory:
    """Entries by key, at most ``capacity``; beyond it the ones that expire first are dropped, which a reply
    then shows as a miss. The namespace is part of every key, so one table serves all accounts and Regions.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: dict[EntryKey, Entry] = {}
        self._owners: dict[EntryKey, Namespace] = {}
        self._queue: list[tuple[float, EntryKey]] = []
        self.dropped = 0

    @property
    def entries(self) -> Mapping[EntryKey, Entry]:
        """What is held now, expired entries included until they are swept."""
        return self._entries

    def owner(self, key: EntryKey) -> Namespace:
        return self._owners[key]

    def apply(self, changes: Changes, namespace: Namespace, now: float) -> None:
        """Put written and refreshed entries in, then sweep."""
        for key, entry in changes:
            self._entries[key] = entry
            self._owners[key] = namespace
            heappush(self._queue, (entry.expires_at, key))
        self._sweep(now)

    def show(self, changes: Changes, at: float) -> None:
        """The response has started: entries that were waiting for it become readable."""
        for key, _ in changes:
            entry = self._entries.get(key)
            if entry is not None and entry.visible_at == inf:
                self._entries[key] = replace(entry, visible_at=at)

    def renew(self, changes: Changes, at: float) -> None:
        """Count the lifetimes of entries that are still held from ``at`` on."""
        for key, _ in changes:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries[key] = renewed = entry.refreshed(at)
                heappush(self._queue, (renewed.expires_at, key))

    def clear(self) -> None:
        self._entries.clear()
        self._owners.clear()
        self._queue.clear()

    def _sweep(self, now: float) -> None:
        while self._queue and (self._queue[0][0] <= now or len(self._entries) > self._capacity):
            expires_at, key = heappop(self._queue)
            entry = self._entries.get(key)
            if entry is not None and entry.expires_at == expires_at:
                self.dropped += expires_at > now
                del self._entries[key], self._owners[key]
        if len(self._queue) > 4 * len(self._entries) + 1024:
            self._queue = [(entry.expires_at, key) for key, entry in self._entries.items()]
            heapify(self._queue)
