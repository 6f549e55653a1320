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
        plain = _plain(f"{words.get('model') or ''} {words['about']}")
        kind = next((row["kind"] for row in _data()["unit"] if any(word in plain for word in row["words"])), "none")
        if kind == "none":
            return None
        tier = next((tier for tier in (Tier.BATCH, Tier.FLEX, Tier.PRIORITY) if tier.value in plain), Tier.DEFAULT)
        region = _data()["regions"].get(words["region"], "")
        return Meaning(words.get("model") or "", kind, "global" in plain, tier, region, tokens)
    return None


def charge_named(usage_type: str) -> str | None:
    """The name of a charge that is not tokens of calls: guardrails, provisioned throughput ...; None: it has none."""
    plain = _plain(usage_type)
    return next((row["name"] for row in _data()["charge"] if any(word in plain for word in row["words"])), None)


def tokens_per_unit(said: str) -> int | None:
    """How many tokens a unit is, from ``pricing/unit`` or a description; None where they do not say."""
    low = said.lower()
    return next((count for word, count in _data()["tokens_per"].items() if word.lower() in low), None)


def model_named(name: str, models: Iterable[Model]) -> str | None:
    """The id of the one model that a bill means: "Claude4.6Sonnet", "Llama3-3-70B", "Claude Opus 4.6 (Amazon ...)".

    The order of words does not count, that of versions does, and a bill leaves ``instruct`` out; None where no model,
    or more than one, is named so.
    """
    wanted = _words(name.replace(EDITION, ""))
    found = [model.id for model in models if wanted in (words := _words(model.name), _without_instruct(words))]
    return found[0] if len(found) == 1 else None


_Words = tuple[tuple[str, ...], tuple[str, ...]]


def _words(name: str) -> _Words:
    """Lower-case words in order of the alphabet, and numbers in theirs; 2.0 is 2, and 3-3 and 3.3 are alike."""
    plain = re.sub(r"(?<=\d)\.0(?!\d)", "", name)
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)
    return tuple(sorted(word.lower() for word in words)), tuple(re.findall(r"\d+", plain))


def _without_instruct(words: _Words) -> _Words:
    return tuple(word for word in words[0] if word != "instruct"), words[1]


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
