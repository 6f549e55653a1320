"""What the planner answers: where the points go, what they should save, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rockbottom.prompt import Placement, PrefixHash

Apply = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PlannedPoint:
    """One cachePoint: its place in AWS's words, the tokens below it, its lifetime, what it is for."""

    place: str
    tokens: int
    ttl: str
    purpose: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Move:
    """One change of content that the caller allowed, and what it should save per request."""

    what: str
    why: str
    saving_tokens: int


@dataclass(frozen=True, slots=True)
class CachePlan:
    """A decision about one request; changes nothing until it is applied.

    Tokens are estimates unless the prompt was counted. ``saving_tokens`` is the expected saving, in input
    tokens, of this request and of those that will read what it writes; ``read`` and the two ``written`` are
    what this request itself should do. ``reason`` says in a sentence why it is so.
    """

    model: str
    tokens: int
    placements: tuple[Placement, ...] = ()
    points: tuple[PlannedPoint, ...] = ()
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0
    saving_tokens: int = 0
    saving_usd: Decimal = Decimal(0)
    reason: str = ""
    moves: tuple[Move, ...] = ()
    key: PrefixHash | None = field(default=None, repr=False)
    _apply: Apply | None = field(default=None, repr=False, compare=False)

    def apply(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A new request with the points set; the objects given are not changed."""
        return dict(request) if self._apply is None else self._apply(request)

    def explain(self) -> str:
        """The decision in words: where, which TTL, what it should save, on which evidence."""
        lines = [f"{self.model}: {self.tokens:,} input tokens (estimated)"]
        if self.reason:
            lines.append(f"  {self.reason}")
        for point in self.points:
            lines.append(f"  cachePoint after {point.place}, {point.ttl}: {point.tokens:,} tokens; {point.purpose}")
            if point.evidence:
                lines.append(f"      {point.evidence}")
        if self.points:
            lines.append(
                f"  this request: reads {self.read:,}, writes {self.written_5m:,} for 5m and {self.written_1h:,} for 1h"
            )
            lines.append(f"  expected saving: {self.saving_tokens:,} input tokens (${self.saving_usd:.6f})")
        for move in self.moves:
            lines.append(f"  moved: {move.what}; {move.why}; saves about {move.saving_tokens:,} input tokens a request")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The decision as plain values, for JSON."""
        return {
            "model": self.model,
            "tokens": self.tokens,
            "reason": self.reason,
            "points": [
                {
                    "place": point.place,
                    "tokens": point.tokens,
                    "ttl": point.ttl,
                    "purpose": point.purpose,
                    "evidence": point.evidence,
                }
                for point in self.points
            ],
            "read": self.read,
            "written_5m": self.written_5m,
            "written_1h": self.written_1h,
            "saving_tokens": self.saving_tokens,
            "saving_usd": str(self.saving_usd),
            "moves": [{"what": m.what, "why": m.why, "saving_tokens": m.saving_tokens} for m in self.moves],
        }
