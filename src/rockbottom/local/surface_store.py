"""Replies of Responses that the service keeps, so that a later request can go on from one by its id."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.quantities import is_list

Json = dict[str, Any]
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply, and the whole input that it answered."""

    reply: Json
    items: tuple[Any, ...]
    at: float


@dataclass(slots=True)
class Responses:
    """Replies by id, the oldest dropped beyond ``MOST_KEPT``."""

    kept: OrderedDict[str, Kept] = field(default_factory=OrderedDict[str, Kept])

    def add(self, entry: Kept) -> None:
        self.kept[entry.reply["id"]] = entry
        while len(self.kept) > MOST_KEPT:
            self.kept.popitem(last=False)

    def kept_reply(self, identifier: str) -> Kept:
        """A reply by its id. Raises ServiceFailure."""
        entry = self.kept.get(identifier)
        if entry is None:
            raise ServiceFailure("ResourceNotFoundException", "Response not found.")
        return entry

    def remove(self, identifier: str) -> None:
        """Forget a reply. Raises ServiceFailure."""
        self.kept_reply(identifier)
        del self.kept[identifier]

    def cancelled(self, identifier: str) -> Json:
        """A reply that runs in the background, cancelled. Raises ServiceFailure."""
        entry = self.kept_reply(identifier)
        if not entry.reply.get("background"):
            raise invalid("Only responses created with background set to true can be cancelled.")
        return entry.reply  # it was complete before it was asked for

    def all(self) -> list[Json]:
        """Every reply, the newest first."""
        return [entry.reply for entry in reversed(self.kept.values())]

    def whole(self, body: Json) -> Json:
        """A body with the input and the output of the reply that it goes on from in front. Raises ServiceFailure."""
        earlier = body.get("previous_response_id")
        if earlier is None:
            return body
        entry = self.kept_reply(str(earlier))
        rest = {member: value for member, value in body.items() if member != "previous_response_id"}
        new: Any = body.get("input")
        added = list(new) if is_list(new) else [{"role": "user", "content": new}] if isinstance(new, str) else []
        return {**rest, "input": [*entry.items, *entry.reply["output"], *added]}

    def clear(self) -> None:
        self.kept.clear()
