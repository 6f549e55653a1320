"""Bills requests with the project's own engine: refusals, the reference semantics, the prices in force.

Whatever was placed by whom, the same three functions decide what it costs. A request that the service would
refuse on account of its points is counted, and billed as if it had then been sent without any.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, refusal, step
from rockbottom.catalog import CacheRules, Catalog, ModelId, Tier, load_catalog
from rockbottom.cost import bill
from rockbottom.dialects import CONVERSE, BodyReader
from rockbottom.prompt import Api, Prompt
from rockbottom.quantities import Usage

ON = date(2026, 11, 20)  # prices and rules of this day
ACCOUNT, REGION = "bench", "us-east-1"


@dataclass(slots=True)
class Bill:
    """What a lane paid so far, in US dollars, and against no caching.

    ``worst_excess`` is the largest running excess over no caching, in tokens at the price of input.
    """

    paid: Decimal = Decimal(0)
    none: Decimal = Decimal(0)
    requests: int = 0
    rejected: int = 0
    worst_excess: Decimal = Decimal(0)
    reasons: tuple[str, ...] = ()

    @property
    def relative(self) -> float:
        """The input cost relative to no caching."""
        return float(self.paid / self.none) if self.none else 1.0

    def add(self, other: "Bill") -> None:
        """Another bill's amounts, as if the two had been separate accounts."""
        self.paid += other.paid
        self.none += other.none
        self.requests += other.requests
        self.rejected += other.rejected
        self.worst_excess = max(self.worst_excess, other.worst_excess)
        self.reasons = tuple(dict.fromkeys(self.reasons + other.reasons))


class Engine:
    """The catalogue and one reader, shared by all lanes."""

    def __init__(self, profiles: Mapping[str, str] | None = None) -> None:
        self.catalog: Catalog = load_catalog()
        self.reader = BodyReader.of(self.catalog)
        self.behaviour = behaviour_of(self.catalog.switches)
        self._profiles = {arn: f"us.{model}" for arn, model in (profiles or {}).items()}

    def resolve(self, arn: str) -> str:
        """The id behind an application profile, as GetInferenceProfile would tell."""
        return self._profiles[arn]

    def model(self, given: str) -> ModelId:
        """The model behind an id or ARN."""
        return self.catalog.model(given, self.resolve)

    def rules(self, model: ModelId) -> CacheRules:
        """Its cache rules on the day of the benchmark."""
        return self.catalog.rules(model, ON)

    def read(self, body: Mapping[str, Any], model: ModelId) -> Prompt:
        """A Converse body as the service reads it."""
        return self.reader.read(body, Api.CONVERSE, model.model)

    def usd(self, usage: Usage, model: ModelId) -> Decimal:
        """The price of the input side of a usage."""
        return bill(usage, model, Tier.DEFAULT, ON, self.catalog.price_book).input_usd


class Lane:
    """One account that sends one stream of requests: entries live from request to request."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.bill = Bill()
        self._state = PrefixCache()

    def send(self, body: Mapping[str, Any], now: float) -> Usage:
        """Send a Converse body at an instant; the usage that the service would report."""
        engine = self.engine
        model = engine.model(body["modelId"])
        rules, prompt = engine.rules(model), engine.read(body, model)
        refused = refusal(prompt, rules, engine.behaviour)
        if refused is not None:
            self.bill.rejected += 1
            self.bill.reasons = tuple(dict.fromkeys((*self.bill.reasons, refused.reason.value)))
            prompt = engine.read(CONVERSE.without_points(body), model)
        namespace = Namespace(ACCOUNT, model.region or REGION, model.model.id)
        self._state, outcome = step(self._state, prompt, now, rules, engine.behaviour, namespace)
        usage = outcome.usage()
        self._account(usage, model)
        return usage

    def _account(self, usage: Usage, model: ModelId) -> None:
        bare = Usage(input=usage.total_input)
        none = self.engine.usd(bare, model)
        self.bill.paid += self.engine.usd(usage, model)
        self.bill.none += none
        self.bill.requests += 1
        excess = (self.bill.paid - self.bill.none) * bare.input / none if none else Decimal(0)
        self.bill.worst_excess = max(self.bill.worst_excess, excess)
