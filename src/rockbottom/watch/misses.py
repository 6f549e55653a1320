"""A miss: a call that could have read tokens from the cache and did not, with the cause that can be told."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rockbottom.catalog import Catalog, NoPriceInForce, Scope, Tier
from rockbottom.diagnose import Cause
from rockbottom.diagnose.prices import with_read
from rockbottom.ledger import CallRecord
from rockbottom.quantities import ZERO_USD, Unit, Usage, Usd, usd_of_tokens

PREFIX_CHANGED = "the prefix changed"
_FIX_CHANGED = "Find what moved: rockbottom explain A.json B.json shows the first difference of two requests."
_UNEXPLAINED = "The ledger alone cannot tell; rockbottom explain on invocation logs looks at the requests themselves."
_SIZES = (Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE_5M, Unit.CACHE_WRITE_30M, Unit.CACHE_WRITE_1H)


@dataclass(frozen=True, slots=True)
class Miss:
    """One miss. ``tokens`` could have been read; ``lost_usd`` is what that cost above a read (None: no price known).

    ``rule`` is the rule id of ``rockbottom explain``, empty where the ledger shows the cause and no rule names it.
    """

    at: float
    model: str
    family: str
    tags: tuple[tuple[str, str], ...]
    local: bool
    rule: str
    cause: str
    evidence: str
    tokens: int
    lost_usd: Usd | None = None

    @property
    def fix(self) -> str:
        """What to do about it, in one sentence."""
        return fix_of(self.rule)

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal text, the instant in seconds since the epoch."""
        return {
            "at": self.at,
            "model": self.model,
            "family": self.family,
            "tags": dict(self.tags),
            "simulated": self.local,
            "rule": self.rule or None,
            "cause": self.cause,
            "evidence": self.evidence,
            "tokens": self.tokens,
            "lost_usd": None if self.lost_usd is None else f"{self.lost_usd:f}",
            "fix": self.fix,
        }


def fix_of(rule: str) -> str:
    """What to do about a cause, by its rule id; empty: a prefix that changed."""
    if rule == Cause.UNEXPLAINED.value:
        return _UNEXPLAINED
    return next((cause.fix for cause in Cause if cause.value == rule), _FIX_CHANGED)


_DIGEST_AND_SIZE = re.compile(r"^[^:]*: (\d[\d,]*) tokens")


def family_shown(miss: Miss) -> str:
    """The name that a miss is added up under: prefixes that change every time are one prefix to mend."""
    found = _DIGEST_AND_SIZE.match(miss.family)
    if miss.rule != Cause.VOLATILE_TEXT.value or not found:
        return miss.family
    size = int(found[1].replace(",", ""))
    rough = round(size, 2 - len(str(size)))
    return f"changes every time: about {rough:,} tokens{miss.family[found.end() :]}"


def title_of(rule: str) -> str:
    """A cause in a few words, by its rule id or its name; text that is neither stands for itself."""
    for cause in Cause:
        if rule in (cause.value, cause.name, cause.name_in_words):
            return cause.title
    return rule or PREFIX_CHANGED


def rule_of(text: str) -> str:
    """The rule id that a recorded cause names, by id or by name; empty where it is none of ours."""
    return next((c.value for c in Cause if text in (c.value, c.name, c.name_in_words)), "")


def lost_usd(call: CallRecord, tokens: int, catalog: Catalog) -> Usd | None:
    """What a call's input cost above the same call with ``tokens`` more of it read; None: a price is not known.

    Zero where a read is not the cheaper one: some models write for nothing.
    """
    met = with_read(call.usage, tokens)
    paid, meant = _input_usd(call, call.usage, catalog), _input_usd(call, met, catalog)
    return None if paid is None or meant is None else max(paid - meant, ZERO_USD)


def priced(miss: Miss, call: CallRecord, catalog: Catalog) -> Miss:
    """The miss with what it cost."""
    return replace(miss, lost_usd=lost_usd(call, miss.tokens, catalog))


def _input_usd(call: CallRecord, usage: Usage, catalog: Catalog) -> Usd | None:
    on = datetime.fromtimestamp(call.at, UTC).date()
    total = ZERO_USD
    try:
        scope, tier = Scope(call.scope), Tier(call.tier or Tier.DEFAULT.value)  # no serviceTier: the default one
        for unit in _SIZES:
            if tokens := getattr(usage, unit.value):
                price = catalog.price_book.price(
                    call.model, scope, tier, unit, on, usage.total_input, call.region or None
                )
                total += usd_of_tokens(tokens, price.usd_per_mtok)
    except (NoPriceInForce, ValueError, OverflowError, OSError):  # a scope, tier or instant that nobody knows
        return None
    return total
