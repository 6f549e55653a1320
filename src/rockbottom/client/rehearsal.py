"""What the planner would have done, played beside the calls as they really went: nothing of it is sent.

The cache of the service is simulated by the reference semantics (``cache.outcome``), with the points that the planner
would have set. Its tokens are estimates, so they are scaled to what the service counted for the same call. A request
for which nothing is planned would have used what it did use.
"""

from dataclasses import dataclass
from datetime import date

from rockbottom.cache import CacheOutcome, Entry, EntryKey, Namespace, behaviour_of, outcome
from rockbottom.catalog import Catalog
from rockbottom.dialects import Request
from rockbottom.quantities import Usage

_MOST_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One call as the planner would have sent it; ``outcome`` None: as it was."""

    request: Request
    outcome: CacheOutcome | None

    def usage(self, billed: Usage) -> Usage:
        """The usage that the call would have had with the plan, by the usage that it had."""
        if self.outcome is None:
            return billed
        played, total = self.outcome.usage(), billed.total_input
        parts = max(1, played.total_input)
        read = played.cache_read * total // parts
        writes = {ttl: tokens * total // parts for ttl, tokens in played.writes().items()}
        return Usage.of(total - read - sum(writes.values()), billed.output, read, writes)


class Rehearsal:
    """The entries that the planner's points would have made. Called under the attachment's lock."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._entries: dict[EntryKey, Entry] = {}

    def play(self, request: Request, planned: Request, now: float, on: date) -> Rehearsed:
        """One request as it was, and as it would have been sent at ``now``."""
        if planned is request:
            return Rehearsed(request, None)
        rules = self._catalog.rules(request.model, on)
        behaviour = behaviour_of(self._catalog.switches_of(request.model, on))
        place = Namespace("", request.model.region or "", request.model.model.id)
        played = outcome(self._entries, planned.prompt, now, rules, behaviour, place)
        self._entries.update(played.changes)
        if len(self._entries) > _MOST_ENTRIES:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.expires_at > now}
        return Rehearsed(planned, played)
