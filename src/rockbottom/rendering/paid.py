"""What was paid, what of it nothing more is known of, and what the rest would have been, in words."""

from collections.abc import Iterator
from datetime import date

from rockbottom.catalog import Tier
from rockbottom.documents import AloneRequests, ReplayResult
from rockbottom.figures import counted, share, usd
from rockbottom.quantities import ZERO_USD, Usd


def decimals_of(largest: Usd) -> int:
    """Cents from a dollar on; of less, what the largest of the amounts needs, for all alike."""
    return 2 if largest >= 1 else 4 if largest >= Usd("0.01") else 6


def more_or_less(amount: Usd, before: Usd) -> str:
    """How much less or more an amount is than the one before, as a share of that."""
    if amount == before:
        return "the same"
    return f"{share(abs(1 - amount / before))} {'less' if amount < before else 'more'}"


def whole_in_words(paid: Usd, alone: AloneRequests, decimals: int) -> str:
    """What was paid, with requests of which nothing but their cost is known."""
    return f"{'' if alone.whole else 'at least '}{usd(paid + alone.usd, decimals, symbol=True)}"


def alone_in_words(alone: AloneRequests, decimals: int) -> Iterator[str]:
    """What of it went to requests whose prompts are not known; nothing where there are none."""
    if alone.requests:
        amount = whole_in_words(ZERO_USD, alone, decimals)
        went = f"{amount[0].upper()}{amount[1:]} of it" if alone.usd else "An unknown part of it"
        unknown = "what repeats there is not known, and no further figure includes them"
        yield f"{went} went to {unread_in_words(alone)}: {unknown}."


def unread_in_words(alone: AloneRequests) -> str:
    """How many requests have a prompt that is not known."""
    prompts = "prompt" if alone.requests == 1 else "prompts"
    return f"{counted(alone.requests, 'request')} whose {prompts} could not be read whole"


def attached_in_words(
    attached: Usd, paid: Usd | None, alone: AloneRequests, decimals: int, *, by_counters: bool
) -> str:  # fmt: skip
    """What the rest would have cost, and how much less or more that is."""
    rest = f"the other {usd(paid, decimals, symbol=True)}" if paid is not None and alone.requests else "it"
    verb = "would have been" if by_counters else "costs" if rest == "it" else "cost"
    difference = "" if not paid else f" ({more_or_less(attached, paid)})"
    return f"{rest} {verb} {usd(attached, decimals, symbol=True)}{difference}"


def tier_in_words(tier: Tier | None) -> str:
    """The tier that requests are priced at; None: each at its own."""
    return "as sent" if tier is None else tier.value


def day_in_words(day: date | None) -> str:
    """The day whose prices they have; None: each those of its own."""
    return "each day" if day is None else day.isoformat()


def prices_in_words(replay: ReplayResult) -> str:
    """The tier and the day that requests are priced at."""
    tier = "tiers as sent" if replay.tier is None else f"{replay.tier.value} tier"
    return f"{tier} · prices of {'the day of each request' if replay.on is None else replay.on.isoformat()}"
