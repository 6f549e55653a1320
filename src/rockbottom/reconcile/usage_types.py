"""From the words of a bill's line to model, kind of token, tier and Region. Pure; the words are data."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rockbottom.catalog import Model, Tier

EDITION = "(Amazon Bedrock Edition)"
"""How product names of models end that are billed through the Marketplace."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a usage type says. ``model`` is the model's name as written; "" where only the product's name has it."""

    model: str
    kind: str  # input, output, read, write, write_1h
    is_global: bool
    tier: Tier
    region: str  # "" where the short name is not known
    tokens_per_unit: int


@cache
def _data() -> Mapping[str, Any]:
    text = files("rockbottom.reconcile").joinpath("data/usage_types.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _grammars() -> tuple[tuple[re.Pattern[str], int], ...]:
    return tuple((re.compile(row["pattern"]), row["tokens_per_unit"]) for row in _data()["grammar"])


@cache
def meaning(usage_type: str) -> Meaning | None:
    """What a usage type is about; None where it is not about tokens on demand or in batch."""
    for pattern, tokens in _grammars():
        match = pattern.match(usage_type)
        if match is None:
            continue
        words = match.groupdict()
        plain = _plain(words["about"])
        kind = next((row["kind"] for row in _data()["unit"] if any(word in plain for word in row["words"])), "none")
        if kind == "none":
            return None
        tier = next((tier for tier in (Tier.BATCH, Tier.FLEX, Tier.PRIORITY) if tier.value in plain), Tier.DEFAULT)
        region = _data()["regions"].get(words["region"], "")
        return Meaning(words.get("model") or "", kind, "global" in plain, tier, region, tokens)
    return None


def tokens_per_unit(said: str) -> int | None:
    """How many tokens a unit is, from ``pricing/unit`` or a description; None where they do not say."""
    low = said.lower()
    return next((count for word, count in _data()["tokens_per"].items() if word.lower() in low), None)


def model_named(name: str, models: Iterable[Model]) -> str | None:
    """The id of the one model that a bill means: "Claude4.6Sonnet", "Nova2.0Lite", "Claude Opus 4.6 (Amazon ...)".

    Words and versions count, their order does not; None where no model, or more than one, has just these.
    """
    wanted = _words(name.replace(EDITION, ""))
    found = [model.id for model in models if _words(model.name) == wanted]
    return found[0] if len(found) == 1 else None


def _words(name: str) -> frozenset[str]:
    """Lower-case words and versions; 2.0 is 2."""
    parts = re.findall(r"\d+(?:\.\d+)*|[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return frozenset(re.sub(r"\.0$", "", part.lower()) for part in parts)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
