"""Replies of Responses that the service keeps, so that a later request can go on from one by its id."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.quantities import is_list

Json = dict[str, Any]
MOST_KEPT = 10_000
UNDER_WAY: Json = {"status": "in_progress", "output": [], "usage": None, "completed_at": None}
"""What a reply in the background is at first (sample-per-model-bedrock)."""


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply, and the whole input that it answered."""

    reply: Json
    items: tuple[Any, ...]
    at: float


@dataclass(slots=True)
class StoredResponses:
    """Replies by id, the oldest dropped beyond ``MOST_KEPT``.

    ``under_way`` are those in the background that nobody has looked at yet: who looks finds them complete.
    """

    kept: OrderedDict[str, KeptReply] = field(default_factory=OrderedDict[str, KeptReply])
    under_way: set[str] = field(default_factory=set[str])

    def add(self, entry: KeptReply) -> None:
        self.kept[entry.reply["id"]] = entry
        if entry.reply["background"]:
            self.under_way.add(entry.reply["id"])
        while len(self.kept) > MOST_KEPT:
            self.under_way.discard(self.kept.popitem(last=False)[0])

    def kept_reply(self, identifier: str, missing: str = "Response not found.") -> KeptReply:
        """A reply by its id. Raises ServiceFailure with the words ``missing``."""
        entry = self.kept.get(identifier)
        if entry is None:
            raise ServiceFailure("ResourceNotFoundException", missing)
        return entry

    def looked_at(self, identifier: str) -> Json:
        """A reply by its id, for who polls it. Raises ServiceFailure."""
        self.under_way.discard(identifier)
        return self.kept_reply(identifier).reply

    def remove(self, identifier: str) -> None:
        """Forget a reply. Raises ServiceFailure."""
        self.kept_reply(identifier)
        del self.kept[identifier]

    def cancelled(self, identifier: str) -> Json:
        """A reply that runs in the background, cancelled; as it is, where it is complete. Raises ServiceFailure."""
        entry = self.kept_reply(identifier)
        if not entry.reply.get("background"):
            raise invalid("Only responses created with background set to true can be cancelled.")
        if identifier in self.under_way:
            self.under_way.discard(identifier)
            entry = replace(entry, reply={**entry.reply, **UNDER_WAY, "status": "cancelled"})
            self.kept[identifier] = entry
        return entry.reply

    def all(self) -> list[Json]:
        """Every reply, the newest first."""
        return [entry.reply for entry in reversed(self.kept.values())]

    def whole(self, body: Json, *, names_missing: bool = False) -> Json:
        """A body with the input and the output of the reply that it goes on from in front. Raises ServiceFailure.

        ``names_missing``: where there is none, the words name it, as recorded of gpt-oss (sample-per-model-bedrock).
        """
        earlier = body.get("previous_response_id")
        if earlier is None:
            return body
        missing = f"Response '{earlier}' not found." if names_missing else "Response not found."
        entry = self.kept_reply(str(earlier), missing)
        rest = {member: value for member, value in body.items() if member != "previous_response_id"}
        new: Any = body.get("input")
        added = list(new) if is_list(new) else [{"role": "user", "content": new}] if isinstance(new, str) else []
        return {**rest, "input": [*entry.items, *entry.reply["output"], *added]}

    def clear(self) -> None:
        self.kept.clear()
        self.under_way.clear()
