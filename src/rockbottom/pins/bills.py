"""The bill of a conversation: turn by turn, against a budget and a hit rate.

From requests alone it is worked out by the documented rules; from a local endpoint it is what that reported. Both are
simulated, and what is made of them says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Catalog, ModelId, NoPriceInForce, Tier
from rockbottom.cost import bill
from rockbottom.diagnose import Archive, LoggedRequest
from rockbottom.dialects import model_id_of, opened, tier_of
from rockbottom.figures import share, usd
from rockbottom.pins.prefix import vendor_of
from rockbottom.quantities import NO_USAGE, RockbottomError, Usage, Usd, digits_of

_GAP_S = Decimal(30)
_DECIMALS = ((10, 2), (Usd("0.01"), 4), (0, 6))


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """What a conversation is held to: US dollars, percent of its input that is read (None: no limit).

    ``gap_s`` is the time between two turns in seconds, ``output_tokens`` those of each turn (None: not counted).
    """

    max_usd: Usd | None = None
    min_hit_rate: Usd | None = None
    gap_s: Decimal = _GAP_S
    output_tokens: int | None = None

    @property
    def asked(self) -> bool:
        return self.max_usd is not None or self.min_hit_rate is not None


@dataclass(frozen=True, slots=True)
class BilledTurn:
    """One request of a conversation. ``usd`` None: no price in force. ``failed`` is the error of a refused one."""

    model: str
    usage: Usage
    usd: Usd | None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class ConversationBill:
    """The turns of one conversation; every figure is simulated. ``outputs`` False: output tokens are not in it."""

    turns: tuple[BilledTurn, ...]
    outputs: bool = True

    @property
    def usage(self) -> Usage:
        return sum((turn.usage for turn in self.turns), NO_USAGE)

    @property
    def usd(self) -> Usd | None:
        """What it costs; None where a price is missing."""
        known = [turn.usd for turn in self.turns if turn.usd is not None]
        return sum(known, Usd(0)) if len(known) == len(self.turns) else None

    @property
    def hit_rate(self) -> Usd | None:
        """Percent of the input that was read: read / (input + read + write). None without input."""
        usage = self.usage
        return Usd(100 * usage.cache_read) / usage.total_input if usage.total_input else None

    def failures(self, max_usd: Usd | None, min_hit_rate: Usd | None) -> list[str]:
        """A sentence for each limit that is not kept, and for each turn that failed."""
        problems = [f"turn {number} failed: {turn.failed}" for number, turn in enumerate(self.turns, 1) if turn.failed]
        if not self.turns:
            return ["no request was made, so there is nothing to bill"]
        if max_usd is not None and self.usd is None:
            problems.append(
                f"no price is in force for {', '.join(sorted(self._unpriced()))}: the budget cannot be checked"
            )
        elif max_usd is not None and self.usd is not None and self.usd > max_usd:
            problems.append(f"the conversation costs {dollars(self.usd)}, more than {dollars(max_usd)} (simulated)")
        if min_hit_rate is not None and (self.hit_rate is None or self.hit_rate < min_hit_rate):
            rate = "nothing" if self.hit_rate is None else share(self.hit_rate / 100, 1)
            problems.append(
                f"{rate} of the input is read from the cache, less than {digits_of(min_hit_rate)}% (simulated)"
            )
        return problems

    def _unpriced(self) -> set[str]:
        return {turn.model for turn in self.turns if turn.usd is None}


def dollars(amount: Usd, *, signed: bool = False) -> str:
    """An amount as the gate prints it: cents from ten dollars on, four decimals below, six below a cent."""
    return usd(amount, _DECIMALS, symbol=True, signed=signed)


def simulated_bill(
    requests: Sequence[Mapping[str, Any]],
    *,
    archive: Archive,
    on: date,
    model: str | None = None,
    gap_s: float | Decimal = _GAP_S,
    output_tokens: Sequence[int] = (),
) -> ConversationBill:
    """The bill of these requests sent one after another, ``gap_s`` seconds apart, into an empty cache.

    ``output_tokens`` of each turn, where they are known. Raises RockbottomError for a request that cannot be read.
    """
    catalog, behaviour = archive.catalog, behaviour_of(archive.catalog.switches)
    state, turns = dict[Namespace, PrefixCache](), list[BilledTurn]()
    start = datetime(on.year, on.month, on.day, 12, tzinfo=UTC).timestamp()
    for number, request in enumerate(requests):
        model_id, at = model_id_of(request) or model or "", start + number * float(gap_s)
        api, body = opened(request, vendor_of(model_id, catalog))
        sent = archive.sent(LoggedRequest(at, model_id, api, body))
        space = Namespace("", "", sent.model.model.id)
        old = state.get(space, PrefixCache())
        state[space], result = step(old, sent.prompt, at, sent.rules, behaviour, space, at)
        usage = result.usage(output_tokens[number] if number < len(output_tokens) else 0)
        turns.append(BilledTurn(model_id, usage, _usd(usage, sent.model, tier_of(request), on, catalog)))
    return ConversationBill(tuple(turns), len(output_tokens) >= len(requests))


def observed_bill(
    rows: Iterable[tuple[str, Usage | None, str, str]], catalog: Catalog, on: date, region: str
) -> ConversationBill:
    """The bill of calls as an endpoint lists them: model, usage (None: failed), tier, error."""
    turns = list[BilledTurn]()
    for name, usage, tier, error in rows:
        try:
            model = catalog.model(name)
        except RockbottomError:
            turns.append(BilledTurn(name, usage or NO_USAGE, None, error))
            continue
        priced = Tier(tier) if tier in {member.value for member in Tier} else Tier.DEFAULT
        cost = Usd(0) if usage is None else _usd(usage, model, priced, on, catalog, region)
        turns.append(BilledTurn(name, usage or NO_USAGE, cost, error))
    return ConversationBill(tuple(turns))


def _usd(usage: Usage, model: ModelId, tier: Tier, on: date, catalog: Catalog, region: str | None = None) -> Usd | None:
    try:
        return bill(usage, model, tier, on, catalog.price_book, region=region).usd
    except NoPriceInForce:
        return None
