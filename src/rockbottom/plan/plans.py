"""What the planner answers: where the points go, what they should save, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, overload

import msgspec
from msgspec import Struct

from rockbottom.dialects import Request
from rockbottom.figures import rounded, share, thousands, usd, usd_exact
from rockbottom.plan.returns import Chance
from rockbottom.prompt import Placement, PrefixHash
from rockbottom.quantities import Usd

_MODES = {
    True: "mode implicit: the service reads and writes up to the latest message",
    False: "mode explicit: nothing is read or written but at the points above",
}
Apply = Callable[[Mapping[str, Any]], Request]


class PlannedPoint(Struct, frozen=True):
    """One cachePoint: its place in AWS's words, the tokens below it, its lifetime, what it is for.

    ``known`` is what is known of its kind; ``waiting``: too little, so that the first is to return first.
    """

    place: str
    tokens: int
    ttl: str
    purpose: str
    known: Chance | None = None
    waiting: bool = False

    @property
    def evidence(self) -> str:
        """What is known of its kind, in words: not made before it is asked for."""
        if self.known is None:
            return ""
        quick, whole = share(self.known.quick), share(self.known.total)
        return (
            f"comes back within 5 min with {quick}, within the hour with {whole} ({self.known.source}, "
            f"{thousands(self.known.own)} seen){'; waiting for the first to return' if self.waiting else ''}"
        )


class Move(Struct, frozen=True):
    """One change of content that the caller allowed, and what it should save per request."""

    what: str
    why: str
    saving_tokens: int


class Term(Struct, frozen=True):
    """A part of the expected saving: what writing ``tokens`` for ``ttl`` should save.

    The rest is in input tokens per token: ``each`` is saved, which is ``chance`` (of a next use within the
    lifetime) times ``worth`` (what that use and later ones save), less ``extra`` (to write) and ``caution``
    (for what is not certain). ``chance`` None: too little is known, and the write is counted as lost.
    """

    tokens: int
    ttl: str
    each: float
    chance: float | None = None
    worth: float = 0.0
    extra: float = 0.0
    caution: float = 0.0

    @property
    def saving(self) -> float:
        """Input tokens that the term saves, at the price of plain ones; a loss where below zero."""
        return self.tokens * self.each

    def explain(self) -> str:
        """The product in words, with the chance behind it."""
        line = f"{thousands(self.saving)} = {thousands(self.tokens)} written for {self.ttl} x {rounded(self.each, 4)}"
        if self.chance is None:
            return f"{line}: counted as lost until one like it returns"
        return (
            f"{line}; a token: {share(self.chance, 2)} comes back\n"
            f"          x {rounded(self.worth, 4)} saved by its reads - {rounded(self.extra, 4)} to write - "
            f"{rounded(self.caution, 4)} caution"
        )


class PointResult(msgspec.Struct, frozen=True):
    """A planned point as a document, its evidence in words and in numbers: the chances that it comes back within five
    minutes and within the hour, and how many were ``seen``; None where nothing is known."""

    place: str
    tokens: int
    ttl: str
    purpose: str
    evidence: str
    comes_back_in_5m: float | None = None
    comes_back_in_1h: float | None = None
    seen: float | None = None


class PlanResult(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as a document: its encoding is the JSON that ``rockbottom plan --json`` prints. Money is text in JSON.

    ``tokens_within`` is how far an estimate of the tokens of English prose may be off, as a share (None: not asked).
    ``read_saves`` is what a token saves that is read, in input tokens. ``written_5m`` counts writes for ``usual_ttl``,
    the model's usual lifetime (None: no points). ``implicit``: whether the service adds a point of its own (None: it
    never does).
    """

    model: str
    tokens: int
    reason: str
    points: tuple[PointResult, ...]
    read: int
    written_5m: int
    written_1h: int
    saving_tokens: int
    saving_usd: Usd
    saving_terms: tuple[Term, ...]
    moves: tuple[Move, ...]
    read_saves: Decimal
    usual_ttl: str | None
    implicit: bool | None
    tokens_within: float | None = None


NO_POINTS = "the model accepts no cachePoint"
NO_PRICE = "no price is known for its cache"
OWN_POINTS = "they have cachePoints of their own, which stay as they are"
"""Why requests are left alone."""


@dataclass(frozen=True, slots=True)
class CachePlan:
    """A decision about one request; changes nothing until it is applied.

    Tokens are estimates unless the prompt was counted. ``saving_tokens`` is the expected saving, in input
    tokens, of this request and of those that will read what it writes: ``read`` times ``read_saves`` (a token read
    instead of sent plain), and the ``terms``; ``read`` and the two ``written`` are
    what this request itself should do. ``reason`` says in a sentence why it is so; ``held_back``: the guard forbade
    what was expected to pay; ``left_alone``: why there was nothing to decide, in words that end a sentence about
    requests; ``implicit``: whether the service adds a point of its own at the latest message (None: it
    never does for this model); ``notices`` are sentences for whoever runs the program, each said once.
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
    read_saves: Decimal = Decimal(0)
    terms: tuple[Term, ...] = ()
    moves: tuple[Move, ...] = ()
    held_back: bool = False
    left_alone: str = ""
    implicit: bool | None = None
    notices: tuple[str, ...] = ()
    key: PrefixHash | None = field(default=None, repr=False)
    _apply: Apply | None = field(default=None, repr=False, compare=False)

    @property
    def writes_most(self) -> bool:
        """Whether it should write more tokens than it reads."""
        return self.written_5m + self.written_1h > self.read

    @overload
    def apply(self, request: Request) -> Request: ...  # pyright: ignore[reportOverlappingOverload]  # no dict is one

    @overload
    def apply(self, request: Mapping[str, Any]) -> dict[str, Any]: ...

    def apply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new request with the points set, a ``Request`` for one; the objects given are not changed."""
        if isinstance(request, Request):
            return request.with_points((), self.key) if self._apply is None else self._apply(request)
        return dict(request) if self._apply is None else dict(self._apply(request).arguments)

    def explain(self, error: Fraction | None = None) -> str:
        """The decision in words: where, which TTL, what it should save, on which evidence.

        ``error`` is the stated relative error of estimates of tokens, to be said with them.
        """
        bound = "" if error is None else f", of English prose within {share(float(error))}"
        lines = [f"{self.model}: {thousands(self.tokens)} input tokens (estimated{bound})"]
        if self.reason:
            lines.append(f"  {self.reason}")
        for point in self.points:
            lines.append(
                f"  cachePoint after {point.place}, {point.ttl}: {thousands(point.tokens)} tokens; {point.purpose}"
            )
            if point.evidence:
                lines.append(f"      {point.evidence}")
        if self.points:
            hour = f" and {thousands(self.written_1h)} for 1h" if self.implicit is None else ""
            written = f"{thousands(self.written_5m)} for {self._usual}{hour}"
            lines.append(f"  this request: reads {thousands(self.read)}, writes {written}")
            lines.append(f"  expected saving: {thousands(self.saving_tokens)} input tokens ({self._money()})")
            if self.read:
                lines.append(
                    f"      {thousands(self.read * self.read_saves)} = {thousands(self.read)} read x "
                    f"{rounded(self.read_saves, 4)}"
                )
            lines += [f"      {term.explain()}" for term in self.terms]
        if self.implicit is not None:
            lines.append(f"  {_MODES[self.implicit]}")
        for move in self.moves:
            lines.append(
                f"  moved: {move.what}; {move.why}; saves about {thousands(move.saving_tokens)} input tokens a request"
            )
        return "\n".join(lines)

    @property
    def _usual(self) -> str:
        """The lifetime of what is written, but for an hour."""
        return next((point.ttl for point in self.points if point.ttl != "1h"), "5m")

    def _money(self) -> str:
        amount = usd(self.saving_usd, 6, symbol=True)
        if not self.saving_tokens:
            return amount
        price = round(self.saving_usd * 1_000_000 / self.saving_tokens, 6)
        return f"{amount} at ${usd_exact(price)} a million"

    def result(self, error: Fraction | None = None) -> PlanResult:
        """The decision as a document; ``error`` as for ``explain``."""
        points = tuple(map(_point_result, self.points))
        return PlanResult(
            model=self.model, tokens=self.tokens, reason=self.reason, points=points, read=self.read,
            written_5m=self.written_5m, written_1h=self.written_1h, saving_tokens=self.saving_tokens,
            saving_usd=self.saving_usd, saving_terms=self.terms, moves=self.moves,
            read_saves=self.read_saves, usual_ttl=self._usual if self.points else None, implicit=self.implicit,
            tokens_within=None if error is None else float(error),
        )  # fmt: skip

    def as_dict(self, error: Fraction | None = None) -> dict[str, Any]:
        """The decision as plain values, for JSON; ``error`` as for ``explain``."""
        return msgspec.to_builtins(self.result(error))


def _point_result(point: PlannedPoint) -> PointResult:
    known = point.known
    chances = (None, None, None) if known is None else (float(known.quick), float(known.total), float(known.own))
    return PointResult(point.place, point.tokens, point.ttl, point.purpose, point.evidence, *chances)
