"""One request from departure to its end, and how ``attach`` was called."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from rockbottom.catalog import ModelId, Tier
from rockbottom.client.charges import BLIND_GUARDRAIL, LOST_ATTEMPTS, Charges
from rockbottom.client.flights import DEFAULT_HOLD_S, Flight
from rockbottom.client.holdout import Holdout
from rockbottom.client.whereabouts import NOWHERE, Whereabouts
from rockbottom.cost import Arm
from rockbottom.dialects import (
    Counts,
    Params,
    Request,
    RequestReader,
    StreamCounts,
    counting_of,
    counts_of,
    model_id_of,
    tier_of,
)
from rockbottom.quantities import Ttl, Usage, Usd

if TYPE_CHECKING:
    from rockbottom.client.rehearsal import Rehearsed


class Call(Struct, eq=False, weakref=True):
    """One request under way. ``sent`` is what travels; ``original`` what the caller wrote.

    What cannot be read passes as it is: it has no ``request``, and is only recorded.
    """

    at: float
    original: Params
    sent: Params
    request: Request | None = None  # ``sent``, read
    model: ModelId | None = None  # known even where the rest cannot be read: its calls are priced all the same
    tier: Tier = Tier.DEFAULT
    usual_ttl: Ttl = Ttl.FIVE_MINUTES  # of the model of what could not be read
    invoked: str = ""  # the model that a prompt router chose, as its reply names it: that one is billed
    unread: str = ""  # where reading it failed, or with which error
    rehearsed: "Rehearsed | None" = None  # of a call that is only observed: what the planner would have sent
    planned_usd: Usd | None = None  # and what that would have cost
    prompt_usd: tuple[Usd, Usd] | None = None  # the least and the most that it cost, where its usage never came
    arm: Arm | None = None  # where some conversations are left unplanned: whether this is one of them
    unplanned: str = ""  # why nothing was decided about it, in words that end a sentence about calls
    planned: bool = False  # a planner decided about it, and is told what came of it
    flight: Flight | None = None
    restored: bool = False  # the service refused what was sent, and the original was sent instead
    refusal: str = ""  # with what words
    done: bool = False
    lost: int = 0  # attempts that may have reached the service and got no answer
    charges: Charges | None = None  # what its reply says of charges beside tokens
    guarded: bool = False  # its headers name a guardrail, of which its reply may tell
    operation: str = "Converse"
    whereabouts: Whereabouts = NOWHERE
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    left: float = 0.0  # by the stopwatch, when the request left
    first: float | None = None  # by the stopwatch, when its first token came
    request_id: str = ""
    at_least: Usage | None = None  # what its stream counted before the first token
    cut: bool = False  # its stream was not read to the end: what is counted is the least it can be
    silent: bool = False  # its reply was read whole, and counts no tokens
    cause: str = ""  # the rule of ``diagnose.Cause`` that would explain a miss
    source: str = "client"
    sent_off: bool = False  # it passed boto3's validation, and handlers of others before it left
    grounded: bool = False  # boto3 refused it before it left
    reply: tuple[Mapping[str, Any], dict[str, Any] | None] | None = None  # as it came, and parsed, while others look

    @property
    def first_ms(self) -> float | None:
        """How long its first token took; None where it is not known."""
        return None if self.first is None else (self.first - self.left) * 1000

    @property
    def changed(self) -> bool:
        """Whether what travels differs from what the caller wrote."""
        return self.sent is not self.original and not self.restored

    @property
    def billed_tier(self) -> Tier:
        """The tier whose prices it is billed at: the one that its reply names, else the one it asked for."""
        requested_tier = self.request.tier if self.request is not None else self.tier
        return (self.charges.tier if self.charges is not None else None) or requested_tier

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Charges that are not in its cost, by name."""
        lost = (LOST_ATTEMPTS,) if self.lost else ()
        blind = (BLIND_GUARDRAIL,) if self.charges is None and self.guarded else ()
        silent = (f"{model_id_of(self.sent)}, whose replies count no tokens",) if self.silent else ()
        return (*lost, *blind, *silent, *(self.charges.uncounted if self.charges is not None else ()))

    @property
    def default_ttl(self) -> Ttl:
        """The TTL of writes for which the reply names none."""
        return self.request.default_ttl if self.request is not None else self.usual_ttl

    @property
    def has_one_ttl(self) -> bool:
        """Whether every point asks for the same TTL, so that a sum of writes can be told apart by it."""
        return self.request is None or len({point.ttl for point in self.request.prompt.points}) <= 1

    def look_up(self, requests: RequestReader) -> None:
        """Find the model of what could not be read, to price it; of one that nobody knows tokens are counted."""
        try:
            self.model = requests.model(model_id_of(self.sent))
            self.usual_ttl = requests.usual_ttl(self.model)
            self.tier = tier_of(self.sent)
        except Exception:
            self.unread = ""

    def counts_of(self, usage: object) -> Counts | None:
        """The counts in the ``usage`` of its reply."""
        return counts_of(usage) if self.request is None else self.request.dialect.counters.counts(usage)

    def counting(self) -> StreamCounts:
        """What picks the counts out of its stream."""
        return counting_of(self.operation) if self.request is None else self.request.dialect.counting()


class Options(Struct, frozen=True):
    """The arguments of ``attach`` that calls are made by."""

    hold_s: float = DEFAULT_HOLD_S  # 0: no holding
    keep_alive_usd: Usd | None = None  # None: off
    notices: bool = True
    request_metadata: bool = False
    dry_run: bool = False  # only observe
    holdout: Holdout | None = None  # conversations that are left unplanned
