"""What a month costs beside the tokens of the model: guardrails, an agent's other parts, embeddings, searches.

Prices are the catalogue's rows of levers; a name without a row is an error that lists those there are, never a zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from rockbottom.advise.errors import UnknownBeside
from rockbottom.catalog import LeverPrice, limit, prices_of
from rockbottom.documents import BesideCost
from rockbottom.figures import thousands
from rockbottom.quantities import ZERO_USD, Usd

POLICIES: Mapping[str, str] = {
    "content": "contentPolicyUnits",
    "topics": "topicPolicyUnits",
    "words": "wordPolicyUnits",
    "pii": "sensitiveInformationPolicyUnits",
    "pii-regex": "sensitiveInformationPolicyFreeUnits",
    "grounding": "contextualGroundingPolicyUnits",
    "reasoning": "automatedReasoningPolicyUnits",
}
"""Policies of a guardrail by a short name, and the name of their units in a trace."""

CHARACTERS_PER_TOKEN = Decimal("3.6")
"""English text of Claude: 10,350 characters were 2,871 tokens (a public measurement on Sonnet 4.6)."""


@dataclass(frozen=True, slots=True)
class BesideLine:
    """So many units of something in a month; ``derived`` says how they were counted, where they were not given."""

    price: LeverPrice
    units: Decimal
    derived: str = ""

    @property
    def usd(self) -> Usd:
        """US dollars a month, exact."""
        return self.price.of(self.units)


@dataclass(frozen=True, slots=True)
class Guarding:
    """A guardrail on a workload: its policies, and how much of the input it evaluates.

    ``tagged``: the user's turn alone stands in ``guardContent``, so only that is evaluated and not the whole prompt.
    """

    policies: tuple[str, ...]
    tagged: bool = False

    def lines(self, requests: Decimal, input_tokens: Decimal, own_tokens: Decimal, output_tokens: Decimal) -> "Lines":
        """What it charges in a month, a line for each policy; tokens are those of one request."""
        guarded = own_tokens if self.tagged else input_tokens
        each = text_units(guarded) + text_units(output_tokens)
        extent = "the user's turn and the answer" if self.tagged else "all of the input and the answer"
        derived = f"{thousands(each)} text units a request: {extent}, at {CHARACTERS_PER_TOKEN} characters a token"
        prices = prices_of("guardrail")
        return tuple(BesideLine(prices[_policy(name)], requests * each, derived) for name in self.policies)


Lines = tuple[BesideLine, ...]


def text_units(tokens: Decimal) -> int:
    """Text units of a text of so many tokens; none of an empty one."""
    return ceil(tokens * CHARACTERS_PER_TOKEN / limit("text_unit_characters"))


def lines_of(units: Mapping[str, Decimal]) -> Lines:
    """A month of an agent's other parts, by the names of their rows. Raises UnknownBeside."""
    prices = prices_of("agent")
    for name in units:
        if name not in prices:
            raise UnknownBeside(f"no price of {name!r}; there are {', '.join(prices)}")
    return tuple(BesideLine(prices[name], amount) for name, amount in units.items())


def costs_of(lines: Lines) -> tuple[BesideCost, ...]:
    """The lines as a result tells them."""
    return tuple(
        BesideCost(
            name=line.price.name, what=line.price.what, units=line.units, unit=line.price.unit, usd=line.usd,
            derived=line.derived, source=line.price.source.title, url=line.price.source.url,
            checked_on=str(line.price.source.checked_on), note=line.price.note,
        )
        for line in lines
    )  # fmt: skip


def total_of_lines(lines: Sequence[BesideLine]) -> Usd:
    """US dollars of them all."""
    return sum((line.usd for line in lines), ZERO_USD)


def guarding(text: str, *, tagged: bool) -> Guarding:
    """The guardrail of a list such as ``content,topics``. Raises UnknownBeside."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        _policy(name)
    return Guarding(names, tagged)


def _policy(name: str) -> str:
    if name not in POLICIES:
        raise UnknownBeside(f"no policy {name!r} of a guardrail; there are {', '.join(POLICIES)}")
    return POLICIES[name]
