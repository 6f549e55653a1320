"""The words of a usage type in AWS's price list: which kind of token, which tier, reached how.

Four spellings are in use::

    USE1-Nova2.0Lite-input-tokens-cross-region-global-batch         the model's name, then what is counted
    USE1-moonshotai.kimi-k3-mantle-cache-read-tokens-standard       the model's id, on bedrock-mantle
    USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units           Marketplace: the model is in the product's name
    USE1-MP:USE1_cache_read_tokens_long_ctx_standard-Units          the same, of newer models

``data/usage_types.toml`` has the words. A usage type with a word that nobody knows is refused, never half understood.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rockbottom.catalog.models import Tier
from rockbottom.files import packaged
from rockbottom.quantities import UNNAMED, WRITES, Ttl, Unit

_TIERS: Mapping[str, Tier] = {
    "standard": Tier.DEFAULT, "batch": Tier.BATCH, "flex": Tier.FLEX, "priority": Tier.PRIORITY,
    "optimized": Tier.OPTIMIZED,
}  # fmt: skip
_MARKETPLACE = re.compile(r"(?:[A-Z]{2,4}\d*-)?(?:MP:)?(?:[A-Z]{2,4}\d*_)(?P<about>[^-]+)(?:-Units)?")
_FIRST_PARTY = re.compile(
    r"(?:[A-Z]{2,4}\d*-)(?P<name>.+?)(?P<mantle>-mantle)?-(?P<about>(?:(?:text-)?(?:input|output)-|cache-(?:read|writes?)-).+)"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[a-z]*")


class NotATokenPrice(ValueError):
    """A usage type is not about a price of tokens, or is not understood; the message says why."""


@dataclass(frozen=True, slots=True)
class UsageType:
    """What a usage type says. ``name`` is the model's name or id as written; "" where only the product has it.

    ``ttl`` is the lifetime of a write where it is named; ``old_batch`` marks the spelling of batch before 2026.
    """

    name: str
    mantle: bool
    unit: Unit
    ttl: Ttl | None
    tier: Tier | None
    is_global: bool
    long_context: bool
    old_batch: bool


words_of_the_list = partial(packaged, "catalog", "usage_types")
"""The data of ``usage_types.toml``."""


def usage_type(text: str) -> UsageType:
    """What a usage type says; raises NotATokenPrice with the reason."""
    refuse_other_things(words(text))
    marketplace = _MARKETPLACE.fullmatch(text)
    match = marketplace or _FIRST_PARTY.fullmatch(text)
    if match is None:
        raise NotATokenPrice("not counted in tokens")
    about = words(match["about"])
    lifetimes = {ttl.value for ttl in Ttl}
    strange = [word for word in about if word not in words_of_the_list()["words"] and word not in lifetimes]
    if strange:
        raise NotATokenPrice(f"words that are not known: {', '.join(strange)}")
    ttl = _lifetime(about)
    return UsageType(
        name="" if marketplace else match["name"],
        mantle=bool(not marketplace and match["mantle"]),
        unit=_unit(about, ttl),
        ttl=ttl,
        tier=tier_named(about),
        is_global="global" in about,
        long_context="ctx" in about or "context" in about,
        old_batch=about[:2] == ["million", "batch"],
    )


def words(text: str) -> list[str]:
    """The words of a usage type or a name, in lower case; capitals and marks part them."""
    return [word.lower() for word in _WORD.findall(text)]


def refuse_other_things(terms: Collection[str]) -> None:
    """Raises NotATokenPrice where one of these words says that something else is sold."""
    for row in words_of_the_list()["apart"]:
        if not set(row["words"]).isdisjoint(terms):
            raise NotATokenPrice(row["why"])


def tier_named(terms: Sequence[str]) -> Tier | None:
    """The tier that words name; raises NotATokenPrice where they name several."""
    tiers = {_TIERS[word] for word in terms if word in _TIERS}
    if len(tiers) > 1:
        raise NotATokenPrice("several tiers at once")
    return next(iter(tiers), None)


def _lifetime(about: Sequence[str]) -> Ttl | None:
    named = {ttl for ttl in Ttl if ttl.value in about}
    if "hour" in about:
        named.add(Ttl.ONE_HOUR)
    if len(named) > 1:
        raise NotATokenPrice("several lifetimes at once")
    return next(iter(named), None)


def _unit(about: Sequence[str], ttl: Ttl | None) -> Unit:
    """The cache before the input: "CacheReadInputTokenCount" holds both words."""
    if "token" not in about and "tokens" not in about:
        raise NotATokenPrice("not counted in tokens")
    if "cache" in about:
        if "read" in about:
            return Unit.CACHE_READ
        return WRITES[ttl or UNNAMED]
    if ttl is not None:
        raise NotATokenPrice("a lifetime without a cache")
    if ("input" in about) == ("output" in about):
        raise NotATokenPrice("neither input nor output, or both")
    return Unit.INPUT if "input" in about else Unit.OUTPUT
