"""What the usage of a reply teaches about entries and reads, whoever planned the request."""

from decimal import Decimal

from msgspec import Struct

from rockbottom.plan.decision import Mind
from rockbottom.plan.insurance import Insurance
from rockbottom.plan.pending import Awaited, Pending
from rockbottom.plan.sightings import SeenUsage
from rockbottom.quantities import Usage


class ReplyEffects(Struct, frozen=True):
    """What follows from one reply: writing stops for a while, or tail insurance for good."""

    paused: bool = False
    uninsured: bool = False


def extra_of(pending: Pending, usage: Usage) -> Decimal:
    """What the reply says was spent beyond the bill without caching, in input tokens."""
    multiples = pending.conditions.multiples
    assert multiples is not None
    hour = multiples.write_1h if multiples.write_1h is not None else multiples.write_5m
    return (
        usage.cache_read * (multiples.read - 1)
        + (usage.cache_write - usage.cache_write_1h) * (multiples.write_5m - 1)
        + usage.cache_write_1h * (hour - 1)
    )


def observed_of(pending: Pending, key: bytes, usage: Usage, extra: Decimal, now: float) -> SeenUsage:
    """A reply, and how far what should have been read was."""
    total, read, written = usage.total_input, usage.cache_read, usage.cache_write
    if not pending.read or not total:  # counted at no token: no model saw it, so nothing came and nothing was missed
        return SeenUsage(pending.conditions.account, now, key, total, read, written)
    came, insured, saved, lost = read * 2 >= pending.read, None, None, None
    if pending.relied or pending.across:
        between = Decimal(pending.read + pending.certain) / 2  # shares of the prompt: its tokens are only estimated
        insured = pending.relied, read * pending.tokens > between * total
    elif pending.confirmed and came:
        assert pending.conditions.multiples is not None
        saved = read * (1 - pending.conditions.multiples.read)
    elif pending.confirmed:
        lost = extra - pending.extra
    return SeenUsage(pending.conditions.account, now, key, total, read, written, came, insured, saved, lost)


def _looked_back(observed: SeenUsage, awaited: Awaited) -> bool:
    """Whether more was read than by points alone: shares of the prompt, whose tokens are only estimated."""
    between = (awaited.depths[awaited.hit] + awaited.by_hand) / 2
    return observed.read * awaited.tokens > between * observed.total


def settle(mind: Mind, observed: SeenUsage, awaited: Awaited) -> ReplyEffects:
    """Whether what should have been read was: it tells how far this account's entries can be relied on."""
    paused = uninsured = False
    if observed.came is not None:
        trust = mind.trust(observed.account)
        trust.count(observed.came)
        relied = awaited.by_itself and trust.looks_back(observed.at)
        if relied:
            trust.looked_back(_looked_back(observed, awaited), observed.at)
        if observed.insured is not None:
            after_gap, came = observed.insured
            insurance = mind.insurances.setdefault(observed.account, Insurance())
            uninsured = insurance.count(came, after_gap=after_gap)
        if observed.saved is not None:
            trust.confirmed_came(observed.saved)
        elif observed.lost is not None and not relied:  # what is doubted then is not that entries live
            paused = trust.confirmed_missed(observed.lost, observed.at)
        if not observed.came:
            awaited.forget(observed.read)
    if not observed.total:
        awaited.unwrite()
    awaited.confirm(observed.read + observed.written, observed.total)
    return ReplyEffects(paused, uninsured)
