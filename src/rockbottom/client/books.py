"""What was used and what it cost, by model and by prefix family, against the same calls without caching.

Without caching the same tokens would all have been input at the input price; the output is the same. Figures
are exact sums of integer tokens per price row. A model without a known price has tokens and no cost.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from msgspec import Struct, field

from rockbottom.catalog import (
    Catalog,
    CatalogError,
    ModelId,
    NoPriceInForce,
    Tier,
    UnknownModel,
    UnresolvedProfile,
    ending,
)
from rockbottom.client.calls import Call
from rockbottom.client.reporting import Beside, Line, Rehearsals, Report
from rockbottom.cost import Arm, ArmSums, Cost, Tally, bill, caching_by_themselves, compared, saved_by_itself
from rockbottom.dialects import Params, Request
from rockbottom.figures import thousands
from rockbottom.prompt import KeptByService, PrefixHash
from rockbottom.quantities import LONGEST_FIRST, NO_USAGE, WRITES, ZERO_USD, Unit, Usage, Usd

_MOST_FAMILIES = 256
OTHER = "other prefixes"
REFUSED = "AWS refused cachePoints for their model, so none are planned for an hour"
TOO_OLD = "this botocore knows no cachePoint"
FAILED = "their planner failed ({})"
UNREAD = "requests that could not be read"


class RunningBook(Struct):
    """Running sums of one model or one family."""

    calls: int = 0
    usage: Usage = NO_USAGE
    paid: Tally = field(default_factory=Tally)
    uncached: Tally = field(default_factory=Tally)
    unpriced: int = 0
    extra_usd: Usd = ZERO_USD  # charges beside tokens

    def add(self, usage: Usage, costs: tuple[Cost, Cost] | None, extra: Usd = ZERO_USD) -> None:
        self.calls += 1
        self.usage += usage
        self.extra_usd += extra
        if costs is None:
            self.unpriced += 1
        else:
            self.paid.add(costs[0])
            self.uncached.add(costs[1])


class Books:
    """Books calls. Its methods are called under the attachment's lock; bounded to 256 families."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._models: dict[str, RunningBook] = {}
        self._used: dict[str, ModelId] = {}  # the model of each of these
        self._families: dict[str, RunningBook] = {}
        self._names: dict[tuple[str, PrefixHash], str] = {}  # of families
        self._total = RunningBook()
        self.without_usage = 0
        self.unmetered_tokens = 0  # of prompts of calls without usage, estimated
        self.unmetered_calls = 0  # of these the answered ones, and the least and the most that their prompts cost
        self.unmetered_usd = (ZERO_USD, ZERO_USD)
        self.lost = 0  # attempts without an answer
        self.cut = 0  # calls of which only the least is known
        self._extra = ZERO_USD
        self._extra_usd = ZERO_USD
        self._charges: Counter[str] = Counter()
        self._uncounted: Counter[str] = Counter()
        self.held_back = 0  # calls of which the guard held back something that was expected to pay
        self._rehearsals: Rehearsals | None = None
        self._arms: dict[Arm, ArmSums] = {}
        self._unplanned: Counter[str] = Counter()  # why, and how many calls
        self._unpriced: Counter[str] = Counter()  # of which model and tier, and how many calls
        self._local = 0

    def missed(self, call: Call, on: date, *, answered: bool) -> None:
        """Count a call that ended without usage; what is known of it is the size of its prompt.

        ``answered``: the service took it and bills it. Then its prompt cost at least what reading all that it marked
        costs, and at most what writing it costs.
        """
        self.without_usage += 1
        self.note(call)
        if call.request is None:
            return
        self.unmetered_tokens += call.request.prompt.tokens
        call.prompt_usd = self._prompt_bounds(call.request, on, call.whereabouts.region) if answered else None
        if call.prompt_usd is not None:
            self.unmetered_calls += 1
            least, most = (so_far + usd for so_far, usd in zip(self.unmetered_usd, call.prompt_usd, strict=True))
            self.unmetered_usd = least, most

    def _prompt_bounds(self, request: Request, on: date, region: str | None) -> tuple[Usd, Usd] | None:
        """The least and the most that a prompt of estimated size costs; None where a price is not known."""
        points, tokens = request.prompt.points, request.prompt.tokens
        marked = request.prompt.depths[max(point.after for point in points)] if points else 0
        if request.adds_point:
            marked = tokens
        longest = min((point.ttl or request.default_ttl for point in points), key=LONGEST_FIRST.index, default=None)
        writes = {longest or request.default_ttl: marked}
        read, written = (
            self.costs(request.model, request.tier, usage, on, request.model.region or region)
            for usage in (Usage(tokens - marked, 0, marked), Usage.of(tokens - marked, 0, 0, writes))
        )
        if read is None or written is None:
            return None
        plain = read[1].usd  # a write may cost less than plain input, and nothing says that it was cached at all
        return min(read[0].usd, plain), max(written[0].usd, plain)

    def note(self, call: Call) -> None:
        """Count what a call that ended tells of charges beside its tokens; they go into the booking that follows."""
        self.lost += call.lost
        self.cut += call.cut
        self._uncounted.update(call.uncounted)
        self._extra = ZERO_USD
        if call.charges is not None:
            self._charges.update(call.charges.units)
            self._extra = call.charges.usd

    def worth_holding(self, request: Request, on: date) -> bool:
        """Whether a write costs more than a read, so that parallel requests on a new prefix had better wait."""
        read = self.usd_per_mtok(request, Unit.CACHE_READ, on)
        write = self.usd_per_mtok(request, WRITES[request.usual_ttl], on)
        return read is not None and write is not None and write > read

    def book(self, request: Request, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        """Book one finished call with what ``costs`` says of it."""
        self._used[model_name(request.model)] = request.model
        self._book(model_name(request.model), self._family(request), usage, costs)
        self._price(request.model, request.tier, costs)

    def _family(self, request: Request) -> str:
        """Its name, worked out once for the requests that share tools and system."""
        key = request.model.model.name, request.hashes[request.stable]
        name = self._names.get(key)
        if name is None:
            if len(self._names) >= _MOST_FAMILIES:
                self._names.clear()
            name = self._names[key] = family_name(request)
        return name

    def book_unread(self, model: ModelId, tier: Tier, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        """Book one finished call whose request could not be read."""
        self._used[model_name(model)] = model
        self._book(model_name(model), UNREAD, usage, costs)
        self._price(model, tier, costs)

    def book_unknown(self, model: str, usage: Usage) -> None:
        """Book one finished call to a model that the catalogue does not know."""
        self._book(model, UNREAD, usage, None)
        self._unpriced[f"{model}, which the catalogue does not know"] += 1

    def look(self, call: Call, costs: tuple[Cost, Cost] | None) -> None:
        """Count what a finished call was: where it went, why it was not planned, in which arm it was."""
        self._local += call.whereabouts.endpoint == "local"
        if call.unplanned:
            self._unplanned[call.unplanned] += 1
        if call.arm is not None:
            cost, uncached = (costs[0].usd, costs[1].usd) if costs is not None else (ZERO_USD, ZERO_USD)
            first_ms = call.first_ms
            group = ArmSums(1, cost, uncached, int(first_ms is not None), first_ms or 0.0)
            self._arms[call.arm] = self._arms.get(call.arm, ArmSums()) + group

    def _price(self, model: ModelId, tier: Tier, costs: tuple[Cost, Cost] | None) -> None:
        if costs is None:
            named = f", tier {tier.value}" if tier is not Tier.DEFAULT else ""
            self._unpriced[f"{model_name(model)}{named}"] += 1

    def rehearsed(self, cost_usd: Usd, planned_usd: Usd | None) -> None:
        """Count a call that was only observed, with what it cost and what it would have cost with the planner."""
        before = self._rehearsals or Rehearsals()
        if planned_usd is not None:
            before = Rehearsals(before.calls + 1, before.cost_usd + cost_usd, before.planned_usd + planned_usd)
        self._rehearsals = before

    def _book(self, model: str, name: str, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        extra, self._extra = self._extra, ZERO_USD
        self._extra_usd += extra
        if name not in self._families and len(self._families) >= _MOST_FAMILIES:
            name = OTHER
        for account in (
            self._total,
            self._models.setdefault(model, RunningBook()),
            self._families.setdefault(name, RunningBook()),
        ):
            account.add(usage, costs, extra)

    def costs(self, model: ModelId, tier: Tier, usage: Usage, on: date, region: str | None) -> tuple[Cost, Cost] | None:
        """The bill of a call in a Region and the bill without caching; None where a price is not known."""
        plain = Usage(input=usage.total_input, output=usage.output)
        book = self._catalog.price_book
        try:
            return (
                bill(usage, model, tier, on, book, region=region or None),
                bill(plain, model, tier, on, book, region=region or None),
            )
        except NoPriceInForce:
            return None

    def usd_per_mtok(self, request: Request, unit: Unit, on: date) -> Usd | None:
        """A price of the request's model for a prompt of its length; None where it is not known."""
        model = request.model
        try:
            return self._catalog.price_book.price(
                model.model.id, model.scope, request.tier, unit, on, request.prompt.tokens, model.region
            ).usd_per_mtok
        except NoPriceInForce:
            return None

    def _endings(self, on: date) -> Iterator[str]:
        """What is to be said of models that end, and what the same tokens cost with their successors."""
        for name, model in self._used.items():
            sentence = ending(self._catalog, model, on, usage=self._models[name].usage)
            if sentence is not None:
                yield sentence

    def _by_themselves(self) -> Iterator[str]:
        """What is to be said of savings of models whose service caches by itself."""
        read = (model.given for name, model in self._used.items() if self._models[name].usage.cache_read)
        names = caching_by_themselves(self._catalog, read)
        if names:
            yield saved_by_itself(names)

    def report(self, since: float, until: float, keep_alive_usd: Usd, notices: Iterable[str]) -> Report:
        """The state of the books, the dearest lines first."""
        return Report(
            since,
            until,
            _lines(self._models),
            _lines(self._families),
            _line("total", self._total),
            self.without_usage,
            keep_alive_usd,
            (*notices, *self._by_themselves(), *self._endings(datetime.fromtimestamp(until, UTC).date())),
            self.held_back,
            self._rehearsals,
            self._local,
            dict(self._unplanned),
            dict(self._unpriced),
            compared(self._arms),
            Beside(
                self.lost,
                self.cut,
                self.unmetered_tokens,
                dict(self._charges),
                self._extra_usd,
                dict(self._uncounted),
                self.unmetered_calls,
                self.unmetered_usd,
            ),
        )


def model_name(model: ModelId) -> str:
    """A model as a report names it, with the scope that its price depends on."""
    return f"{model.model.name} ({model.scope.value})"


def unread_call(params: Params, error: Exception, at: float, *, ours: bool) -> Call | None:
    """A call that passes as it is because it could not be read; None where it names no model at all.

    ``ours``: the fault is ours, and was said when it happened.
    """
    if not isinstance(params.get("modelId", params.get("model")), str):
        return None
    where = str(getattr(error, "place", "")) or type(error).__name__
    is_told = ours or isinstance(error, KeptByService)  # then the reason says it all
    return Call(at, params, params, unread="" if is_told else where, unplanned=why_unread(error))


def why_unread(error: Exception) -> str:
    """Why a call is not planned, from the error of reading it, without any of its text."""
    if isinstance(error, UnknownModel):
        return "the catalogue does not know their model"
    if isinstance(error, UnresolvedProfile):
        return "their inference profile could not be looked up"
    if isinstance(error, CatalogError):
        return "the catalogue has no rules for their model"
    place = getattr(error, "place", "")
    if isinstance(error, KeptByService):
        return f"they continue a conversation that the service stores ({place}), so what they repeat is not seen"
    return f"they could not be read ({place or type(error).__name__})"


def family_name(request: Request) -> str:
    """A name for the tools and system that requests share: their size and a digest, none of their text."""
    stable = request.stable
    model = request.model.model.name
    if not stable:
        return f"no tools, no system, {model}"
    segments = request.prompt.segments[:stable]
    tools = sum(segment.section.value == "tools" for segment in segments)
    tools_text = f", {tools} tools" if tools else ""
    return f"{request.hashes[stable].hex()[:6]}: {thousands(request.prompt.depths[stable])} tokens{tools_text}, {model}"


def _lines(accounts: dict[str, RunningBook]) -> tuple[Line, ...]:
    lines = (_line(name, account) for name, account in accounts.items())
    return tuple(sorted(lines, key=lambda line: (-line.uncached_usd, line.name)))


def _line(name: str, account: RunningBook) -> Line:
    cost, uncached = account.paid.cost.usd + account.extra_usd, account.uncached.cost.usd + account.extra_usd
    return Line(name, account.calls, account.usage, cost, uncached, account.unpriced)
