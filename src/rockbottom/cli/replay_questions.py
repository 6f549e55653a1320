"""What ``rockbottom replay`` is asked: policies, crossed with models, scopes, tiers and days."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.values import ParamType

if TYPE_CHECKING:
    from rockbottom.replay import ReplayQuestion

TIERS = ("default", "flex", "priority")


class Several(ParamType):
    """Values separated by commas, each checked."""

    name = "values"

    def __init__(self, of: ParamType | None = None) -> None:
        self._of = of or click.STRING

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        """The values; fails on the first that is none."""
        if not isinstance(value, str):
            return value
        words = [word.strip() for word in value.split(",") if word.strip()]
        if not words:
            self.fail("name at least one")
        return tuple(dict.fromkeys(self._of.convert(word, param, ctx) for word in words))


def profiles_of(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Application inference profiles by ARN, each with the model behind it. Raises UsageError."""
    pairs = [tuple(text.split("=", 1)) for text in texts]
    for pair in pairs:
        if len(pair) != 2 or not all(pair):
            raise click.UsageError(f"--profile {pair[0]}: write ARN=MODEL_ID")
    return tuple((pair[0], pair[1]) for pair in pairs)


def crossed(
    question: "ReplayQuestion", models: Sequence[str], scopes: Sequence[str], tiers: Sequence[str], days: Sequence[date]
) -> Iterator["ReplayQuestion"]:
    """The question for every model, scope, tier and day; of what is empty, as it is."""
    from rockbottom.catalog import Scope, Tier

    for model in models or (question.model,):
        for scope in [Scope(name) for name in scopes] or [question.scope]:
            for tier in [Tier(name) for name in tiers] or [question.tier]:
                for day in days or (question.on,):
                    yield replace(question, model=model, scope=scope, tier=tier, on=day)
