"""What a rule that chooses the model for each request would have cost, as one typed result."""

from decimal import Decimal

import msgspec

from rockbottom.quantities import Usd


class TakenResult(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: how many requests it took. ``hindsight``: it asks for what is known only after the answer."""

    rule: str
    model: str
    requests: int
    hindsight: bool


class RoutedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One caching policy with and without the rules; ``lost_usd`` is what the switches cost in cache.

    ``naive_usd`` is what a price list alone would promise; None, as ``lost_usd``, where a model lacks a price for it.
    """

    policy: str
    usd: Usd
    routed_usd: Usd
    naive_usd: Usd | None
    lost_usd: Usd | None
    read_tokens: int
    routed_read_tokens: int
    written_tokens: int
    routed_written_tokens: int
    saved: Decimal | None


class RoutingResult(msgspec.Struct, frozen=True, kw_only=True):
    """The rules, and every policy; ``best`` and ``best_routed`` are the least bills without and with them."""

    schema: str
    source: str
    requests: int
    rules: tuple[TakenResult, ...]
    policies: tuple[RoutedPolicy, ...]
    best: str
    best_usd: Usd
    best_routed: str
    best_routed_usd: Usd
