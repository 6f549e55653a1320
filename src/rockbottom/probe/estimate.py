"""What a probe will cost, before anything is sent: the same experiments against the reference semantics."""

from dataclasses import dataclass, field
from datetime import date

from rockbottom.cache import Behaviour, Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import RUNTIME, Catalog, Tier
from rockbottom.cost import Cost, bill, total_of
from rockbottom.dialects import BodyReader, Params, SurfaceRoute, opened
from rockbottom.probe.laboratory import Experiment, run
from rockbottom.probe.questions import findings_of
from rockbottom.probe.steps import ProbeReply
from rockbottom.probe.subject import ProbedModel
from rockbottom.prompt import Api
from rockbottom.quantities import WRITES, Unit, Usage, Usd

_THINKING_TOKENS = 300  # output of the one request that thinks, as a guess; the worst case takes its limit


@dataclass(frozen=True, slots=True)
class ProbeEstimate:
    """``expected_usd`` if the catalogue is right, ``worst_usd`` if every token is written at the dearest price."""

    requests: int
    expected_usd: Usd
    worst_usd: Usd
    seconds: float


@dataclass(slots=True)
class _Simulated:
    """A service that behaves as the catalogue says; its time passes at once."""

    subject: ProbedModel
    catalog: Catalog
    on: date
    behaviour: Behaviour
    reader: BodyReader
    time: float = 0.0
    state: PrefixCache = field(default_factory=PrefixCache)
    usages: list[tuple[Usage, int]] = field(default_factory=list[tuple[Usage, int]])

    def send(self, request: Params) -> ProbeReply:
        """What the reference semantics says."""
        api, body = opened(request)
        prompt = self.reader.read(body, api, self.subject.model.model)
        host = "" if not api.names_model else SurfaceRoute("", "").at(str(request["model"])).host or ""
        where = Namespace("estimate", "estimate", self.subject.model.model.id, "" if host == RUNTIME else host)
        self.state, outcome = step(self.state, prompt, self.time, self.subject.rules, self.behaviour, where)
        limit = _limit(api, request)
        usage = outcome.usage(min(limit, _THINKING_TOKENS))
        self.usages.append((usage, limit))
        return ProbeReply(usage)

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float, why: str) -> None:
        self.time += seconds


def estimate(subject: ProbedModel, catalog: Catalog, on: date, only: frozenset[str] = frozenset()) -> ProbeEstimate:
    """The price of a probe at today's prices. Raises NoPriceInForce where the model has none."""
    twin = ProbedModel(subject.model_id, subject.model, subject.rules, "estimate", subject.words)
    service = _Simulated(twin, catalog, on, behaviour_of(catalog.switches), BodyReader.of(catalog))
    first, rest = findings_of(twin, only)
    if first is not None:
        run([Experiment("first", first(twin))], service)
    run([Experiment(probe.__name__, probe(twin)) for probe in rest], service)
    expected = total_of(_bill(twin, catalog, on, usage) for usage, _ in service.usages)
    worst = total_of(_bill(twin, catalog, on, _dearest(twin, usage, limit)) for usage, limit in service.usages)
    return ProbeEstimate(len(service.usages), expected.usd, worst.usd, service.time)


def _limit(api: Api, request: Params) -> int:
    if api.names_model:
        return request["max_output_tokens"]
    return 1 if api.native else request["inferenceConfig"]["maxTokens"]


def _bill(subject: ProbedModel, catalog: Catalog, on: date, usage: Usage) -> Cost:
    return bill(usage, subject.model, Tier.DEFAULT, on, catalog.price_book)


def _dearest(subject: ProbedModel, usage: Usage, limit: int) -> Usage:
    if not subject.rules.explicit and not subject.rules.points_on:
        return Usage(input=usage.total_input, output=limit)
    unit = WRITES[max(subject.rules.ttls, key=lambda ttl: ttl.seconds)]
    if subject.model.model.vendor == "amazon":
        unit = Unit.INPUT  # writes are free there; plain input is the dearest
    return Usage(output=limit, **{unit.value: usage.total_input})
