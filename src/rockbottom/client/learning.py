"""What the end of a call teaches: the books its cost, the planner its usage, the notices what keeps it from caching."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, cast

from rockbottom.catalog import Catalog, CatalogError, ModelId, Tier
from rockbottom.client.books import Books
from rockbottom.client.calls import Call, Options
from rockbottom.client.notices import Noticer
from rockbottom.client.planning import PlannerLike
from rockbottom.client.talking import Talk
from rockbottom.client.whereabouts import Whereabouts
from rockbottom.cost import Cost
from rockbottom.dialects import Params, Request, RequestReader, model_id_of
from rockbottom.prompt import KeptByService
from rockbottom.quantities import Usage

if TYPE_CHECKING:
    from rockbottom.client.rehearsal import Rehearsal, Rehearsed


_UNTIL_SUSPENDED = 3
SUSPENDED_S = 3600.0


class Refusals:
    """Counts refusals by model; after three in a row nothing is planned for that model for an hour.

    Changed under the attachment's lock.
    """

    def __init__(self, clock: Callable[[], float], talk: Talk) -> None:
        self._clock, self._talk = clock, talk
        self._refused: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def suspends(self, model: str) -> bool:
        """Whether requests to a model are sent as they are for now."""
        return self._until.get(model, 0.0) > self._clock()

    def add(self, model: str, message: str) -> None:
        """One more request to a model was refused; what the service said is logged once."""
        self._refused[model] = self._refused.get(model, 0) + 1
        if self._refused[model] >= _UNTIL_SUSPENDED:
            self._until[model] = self._clock() + SUSPENDED_S
            self._refused[model] = 0
        self._talk.once(
            f"refused {model} {message[:60]}",
            f"the service refused the cachePoints planned for {model} ({message[:200]}); the request was sent again "
            "without them. Please report it: a plan should never be refused",
        )

    def forget(self, model: str) -> None:
        """Forget the refusals of a model, of which a changed request was taken."""
        self._refused.pop(model, None)


Costs = tuple[Cost, Cost] | None
"""What a call cost and what it would have cost without caching; None where no price is known."""


class Learning:
    """Takes the usage of finished calls. Called under the attachment's lock."""

    def __init__(
        self,
        planner: PlannerLike,
        catalog: Catalog,
        options: Options,
        talk: Talk,
        clock: Callable[[], float],
        today: Callable[[], date],
    ) -> None:
        self.books = Books(catalog)
        self.noticer = Noticer()
        self.refusals = Refusals(clock, talk)
        self.rehearsal = _rehearsal(catalog) if options.dry_run else None
        self._planner = planner
        self._catalog = catalog
        self._options = options
        self._talk = talk
        self._clock = clock
        self._today = today

    def read(self, requests: RequestReader, params: Params, host: str) -> Request:
        """A request read; the planner hears of one whose conversation the service stores. Raises as reading does."""
        try:
            return requests.read(params, host)
        except KeptByService:
            with suppress(Exception):  # one of the caller's own may take nothing but a Request
                self._planner.plan(cast("Request", params), now=self._clock())
            raise

    def take(self, call: Call, usage: Usage) -> Costs:
        """The usage of a finished call, and what it cost."""
        costs = None
        self.books.note(call)
        if call.request is None and call.model is None and call.invoked:
            call.model = self._chosen(call.invoked)
        if call.request is not None:
            costs = self.costs(call.request.model, call.billed_tier, usage, call.whereabouts)
            self._learn(call, call.request, usage, costs)
        elif call.model is not None:
            costs = self.costs(call.model, call.billed_tier, usage, call.whereabouts)
            self.books.book_unread(call.model, call.billed_tier, usage, costs)
            if call.unread:
                self._talk.unread(call.unread)
        else:
            self.books.book_unknown(model_id_of(call.sent), usage)
        self.books.look(call, costs)
        return costs

    def _chosen(self, name: str) -> ModelId | None:
        """The model that a prompt router chose; None where the catalogue does not know it."""
        try:
            return self._catalog.model(name)
        except CatalogError:
            return None

    def costs(self, model: ModelId, tier: Tier, usage: Usage, whereabouts: Whereabouts) -> Costs:
        """What a call costs today, and without caching, in the Region that it went to."""
        return self.books.costs(model, tier, usage, self._today(), model.region or whereabouts.region)

    def minimum(self, request: Request) -> int:
        """Tokens that a prefix needs on the model of a request."""
        return self._catalog.rules(request.model, self._today()).minimum_tokens

    def _learn(self, call: Call, request: Request, usage: Usage, costs: Costs) -> None:
        now = self._clock()
        self.books.book(request, usage, costs)
        if call.rehearsed is not None:
            self._rehearse(call, call.rehearsed, usage, costs)
        if call.planned and not call.restored:
            self._talk.say(self._planner.observe(request, usage, now=now) or ())
        if call.changed:
            self.refusals.forget(request.model.given)
        if self._options.notices and not call.restored:
            self._talk.say(self.noticer.look(request, usage, self.minimum(request)))

    def _rehearse(self, call: Call, played: "Rehearsed", usage: Usage, costs: Costs) -> None:
        """The planner learns, and the books tell, what would have been billed."""
        would = played.usage(usage)
        self._planner.observe(played.request, would, now=self._clock())
        if costs is not None:
            priced = self.costs(played.request.model, played.request.tier, would, call.whereabouts)
            call.planned_usd = priced[0].usd if priced is not None else None
            self.books.rehearsed(costs[0].usd, call.planned_usd)


def _rehearsal(catalog: Catalog) -> "Rehearsal":
    from rockbottom.client.rehearsal import Rehearsal  # only where nothing is changed

    return Rehearsal(catalog)
