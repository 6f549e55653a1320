"""From the words of a bill's line to model, kind of token, tier and Region; the grammar is the price list's. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial

from rockbottom.catalog import NotATokenPrice, Tier, usage_type
from rockbottom.files import packaged
from rockbottom.quantities import Unit


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a usage type says. ``model`` is the model's name as written; "" where only the product's name has it."""

    model: str
    unit: Unit
    is_global: bool
    tier: Tier
    region: str  # "" where the short name is not known
    tokens_per_unit: int

    @property
    def kind(self) -> str:
        """The kind of token as books have it: input, output, read, or write whatever the lifetime."""
        return _KINDS.get(self.unit, "write")


_KINDS: Mapping[Unit, str] = {Unit.INPUT: "input", Unit.OUTPUT: "output", Unit.CACHE_READ: "read"}


_data = partial(packaged, "reconcile", "usage_types")


@cache
def meaning(text: str) -> Meaning | None:
    """What a usage type is about; None where it is not about tokens on demand or in batch, or not understood."""
    try:
        parsed = usage_type(text)
    except NotATokenPrice:
        return None
    region = _data()["regions"].get(re.split("[-_]", text, maxsplit=1)[0], "")
    sold = _data()["tokens_per_unit"]["amazon" if parsed.name else "marketplace"]
    return Meaning(parsed.name, parsed.unit, parsed.is_global, parsed.tier or Tier.DEFAULT, region, sold)


def charge_named(usage_type: str) -> str | None:
    """The name of a charge that is not tokens of calls: guardrails, provisioned throughput ...; None: it has none."""
    plain = re.sub(r"[^a-z0-9]", "", usage_type.lower())
    return next((row["name"] for row in _data()["charge"] if any(word in plain for word in row["words"])), None)


def tokens_per_unit(text: str) -> int | None:
    """How many tokens a unit is, from ``pricing/unit`` or a description; None where they do not say."""
    low = text.lower()
    return next((count for word, count in _data()["tokens_per"].items() if word.lower() in low), None)
