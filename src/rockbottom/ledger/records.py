"""The record of one call, and who may be given one.

Money is decimal text in a record and integers of pico-dollars (10^-12) in sums: every price in use has at most six
decimals per million tokens, so a pico-dollar is the smallest amount that one token can cost.
"""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Protocol

import msgspec

from rockbottom.quantities import Usage, Usd

PICO = 12
"""Decimals of a dollar that sums are kept in."""

LARGEST_COUNT = 10**9

Tokens = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_COUNT)]
"""A count; a line with a negative or an absurd one is damage, not a call."""

Money = Annotated[str, msgspec.Meta(pattern=r"^(100000|[0-9]{1,5}(\.[0-9]{1,40})?([eE]-[0-9]{1,2})?)$")]
"""US dollars as decimal text; beyond a hundred thousand, below zero or no number is damage: no call costs that."""

Instant = Annotated[float, msgspec.Meta(ge=-(10**11), le=10**11)]
"""Seconds since the epoch, some three thousand years to either side: beyond that it is damage, not a clock."""

Milliseconds = Annotated[float, msgspec.Meta(ge=-(10**12), le=10**12)]
"""How long something took; one of decades is damage."""


class CallRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call that finished or failed; one JSON line on disk. Holds no text of a prompt or of an answer.

    ``at`` is when it left, in seconds since the epoch. Tokens are integers by billable unit (``input``: uncached).
    ``cost_usd`` and ``uncached_usd`` (the same call without caching) are US dollars as decimal text; None where no
    price is known. ``status`` is ``ok``, ``no usage`` or ``failed``; ``endpoint`` is ``aws`` or ``local``. ``family``
    is a digest of the tools and system that calls share; ``hashes`` to ``ends`` say which prefixes the prompt has.
    ``least_usd`` and ``most_usd`` bound what the prompt of an answered call without usage cost, estimated.
    """

    at: Instant
    model: str  # the catalogue's id; as given where the catalogue does not know it
    operation: str  # one of dialects.OPERATIONS: Converse, InvokeModelWithResponseStream, ResponsesStream ...
    scope: str = ""  # the catalogue's scope: in_region, us, eu, global...
    region: str = ""
    tier: str = ""
    input: Tokens = 0
    output: Tokens = 0
    cache_read: Tokens = 0
    cache_write_5m: Tokens = 0
    cache_write_30m: Tokens = 0
    cache_write_1h: Tokens = 0
    cost_usd: Money | None = None
    uncached_usd: Money | None = None
    family: str = ""  # the tools and system that calls share: a digest of them
    points: Tokens = 0  # cachePoints sent
    minimum: Tokens = 0  # tokens that a prefix needs on this model; 0: not known
    cacheable: Tokens = 0  # tokens in front of the last point, estimated
    tags: dict[str, str] = {}
    first_ms: Milliseconds | None = None  # to the first token of a stream
    elapsed_ms: Milliseconds | None = None
    status: str = "ok"  # "ok" | "no usage" | "failed"
    request_id: str = ""
    source: str = ""  # "client" | "bench" | "keep-alive"
    endpoint: str = ""  # "aws" | "local"
    cause: str = ""  # the rule that a miss broke, where it was cheap to tell
    hashes: tuple[str, ...] = ()  # keyed hashes (16 hex digits) of prefixes of the prompt, the shortest first
    depths: tuple[Tokens, ...] = ()  # their tokens, estimated
    sections: tuple[int, int] = (0, 0)  # how many of them end in tools, and in tools or system
    weights: tuple[int, ...] = ()  # blocks that the lookback counts from one to the next; (): one each
    marks: tuple[int, ...] = ()  # how many of them end at or before each cachePoint; 0: the service is to add none
    ttls: tuple[str, ...] = ()  # of each cachePoint, "": none was named
    ends: tuple[int, ...] = ()  # which of them, from 1, end a message, where the service's own point reads there
    family_tokens: Tokens = 0  # of the tools and system, estimated
    cut: bool = False  # a stream not read to its end: tokens and cost are the least it can be
    lost: Tokens = 0  # attempts sent without an answer, each of which AWS may bill as well
    charges: dict[str, Tokens] = {}  # units of guardrails and tools that the service ran, by AWS's names
    extra_usd: Money | None = None  # what they cost, which is in both costs above
    uncounted: tuple[str, ...] = ()  # charges whose price is not known, or whose amount is not: in no cost
    least_usd: Money | None = None  # if all that was marked was read
    most_usd: Money | None = None  # if it was written
    planned_usd: Money | None = None  # of a call that was only observed: with the planner, as far as can be told
    host: str = ""  # "bedrock-mantle"; "": bedrock-runtime
    arm: str = ""  # where some conversations are left unplanned: "planned:17" or "held out:17", of 32 groups

    @property
    def called_as(self) -> str:
        """The model id as AWS spells it, with the profile that the call went through."""
        return self.model if self.scope in ("", "in_region") else f"{self.scope}.{self.model}"

    @property
    def bench_pass(self) -> str | None:
        """Lane and repeat of a bench's call to the local endpoint, where each pass has its own cache; else None."""
        alone = self.source == "bench" and self.simulated
        return f"{self.tags.get('lane')} {self.tags.get('repeat')}" if alone else None

    @property
    def usage(self) -> Usage:
        """Tokens by billable unit."""
        return Usage(*_tokens(self))

    @property
    def cache_write(self) -> int:
        """Tokens written, whatever the lifetime."""
        return self.usage.cache_write

    @property
    def total_input(self) -> int:
        """Every token of the prompt: uncached, read and written."""
        return self.input + self.cache_read + self.cache_write

    @property
    def hit_rate(self) -> float | None:
        """Read / (uncached + read + written), between 0 and 1; None without input."""
        return self.cache_read / self.total_input if self.total_input else None

    @property
    def fits(self) -> bool:
        """Whether the members on prefixes agree with each other and fit a trace's columns; a damaged line's may not."""
        blocks, (tools, stable) = len(self.hashes), self.sections
        return (
            len(self.depths) == blocks
            and len(self.weights) in (0, blocks)
            and len(self.marks) == len(self.ttls)
            and 0 <= tools <= stable <= blocks
            and all(0 <= mark <= blocks for mark in (*self.marks, *self.ends))
            and all(0 <= weight < 256 for weight in self.weights)
            and list(self.depths) == sorted(self.depths)
            and all(map(_is_hash, self.hashes))
            and self.total_input < 2**31
        )

    @property
    def saved_usd(self) -> Usd | None:
        """US dollars saved against no caching, negative where caching cost money; None where no price is known."""
        if self.cost_usd is None or self.uncached_usd is None:
            return None
        return Decimal(self.uncached_usd) - Decimal(self.cost_usd)

    @property
    def simulated(self) -> bool:
        """Whether the call went to the local endpoint, so that its figures are simulated."""
        return self.endpoint == "local"


_tokens = attrgetter(*Usage.__struct_fields__)

_is_hash = re.compile(r"[0-9a-f]{1,16}").fullmatch

OLD_FAMILY = r"^([^:]*): ([0-9][0-9,]*) tokens"
"""How records named a family before its size was a member: a digest, and the size for people."""

_match_old_family = re.compile(OLD_FAMILY).match


def with_family_of_old(call: CallRecord) -> CallRecord:
    """The record with its family as id and tokens, where it was written before these were two members."""
    named = None if call.family_tokens else _match_old_family(call.family)
    if named is None:
        return call
    size = int(named[2].replace(",", ""))
    return msgspec.structs.replace(call, family=named[1], family_tokens=size) if size <= LARGEST_COUNT else call


class Sink(Protocol):
    """Takes the records of calls, in the thread of the caller: it must return at once and must not raise."""

    def record(self, call: CallRecord) -> None:
        """Take the record of one call that has ended."""
        ...

    def close(self) -> None:
        """Deliver what is still held."""
        ...


@lru_cache(maxsize=4096)  # the same amounts come again and again
def picousd_of(text: str) -> int:
    """Pico-dollars of an amount in decimal text; what is finer is rounded half to even."""
    return int(Decimal(text).scaleb(PICO).to_integral_value(ROUND_HALF_EVEN))


def usd_of_picousd(amount: int) -> Usd:
    """US dollars of an amount in pico-dollars, exact."""
    return Decimal(amount).scaleb(-PICO)
