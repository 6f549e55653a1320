"""Keep-alive, opt-in: a prefix about to expire is read once more, while the expected saving exceeds the price.

The request sent is the cheapest that reads the entry: tools and system as they were, up to the point that
wrote them, one short user message, ``maxTokens`` 1. It costs the read of the prefix; it saves, if the prefix
comes back within the next lifetime, the difference between writing and reading it. How likely that is comes from
the returns of this prefix so far, mixed with the lowest recorded hazard of a return by idle time (after 5 to 10
minutes coding sessions .28, chat .15; after 10 to 15 minutes .18 and .13; later .07). The money is capped by a
budget: a request counts at its full price, as if nothing could be read, until the service has said what it cost.
"""

import copy
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from rockbottom.dialects import SERVICE_TIER, Params, Request
from rockbottom.process import Worker
from rockbottom.quantities import ZERO_USD, Ttl, Unit, Usage, Usd, usd_of_tokens

MARGIN_S = 20.0  # a keep-alive leaves this long before the entry would expire
PERIOD_S = 5.0  # how often the thread looks
_MOST_PREFIXES = 32
_PRIOR_WEIGHT = 4.0
_PRIOR_HAZARD = (0.147, 0.134, 0.07)  # of a return in the 1st, 2nd, later lifetime after the last use
_EXTRA_TOKENS = 40  # the short message, the frame of the conversation, one token of output

Price = Callable[[Request, Unit], Usd | None]


class KeptPrefix(Struct):
    """One kept prefix: how to read it again, since when it idles, and what its returns were like."""

    ping: Params
    request: Request
    tokens: int
    used_at: float
    read_at: float
    pings: int = 0
    chances: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    returns: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def returned(self, gap_s: float) -> None:
        """Learn from a real use after a gap of ``gap_s`` seconds, counted in lifetimes after the first."""
        stage = int(gap_s // Ttl.FIVE_MINUTES.seconds)
        for earlier in range(min(stage, 3)):
            self.chances[earlier] += 1
        if 1 <= stage <= 3:
            self.returns[stage - 1] += 1

    def hazard(self) -> float:
        """How likely a use is in the lifetime that the next keep-alive would buy."""
        stage = min(self.pings, 2)
        prior = _PRIOR_HAZARD[stage]
        return (self.returns[stage] + _PRIOR_WEIGHT * prior) / (self.chances[stage] + _PRIOR_WEIGHT)


class KeepAlive:
    """Decides and sends. ``send`` performs one request and returns its usage, or None when it failed."""

    def __init__(
        self, budget_usd: Usd, price: Price, send: Callable[[Params], Usage | None], clock: Callable[[], float]
    ) -> None:
        self.budget_usd = budget_usd
        self.spent_usd: Usd = ZERO_USD
        self._price = price
        self._send = send
        self._clock = clock
        self._prefixes: OrderedDict[bytes, KeptPrefix] = OrderedDict()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._worker = Worker("keep-alive", self._run)

    def used(self, request: Request, usage: Usage, at: float) -> None:
        """A real call read or wrote the cache: its stable prefix is worth watching."""
        stable = request.stable
        points = [point for point in request.prompt.points if 0 < point.after <= stable]
        if not points or not (usage.cache_read or usage.cache_write):
            return
        if "body" in request and request.model.model.vendor != "anthropic":
            return  # native Nova bodies: a write costs nothing there, so nothing is worth keeping
        point = max(points, key=lambda candidate: candidate.after)
        if (point.ttl or request.default_ttl) is not Ttl.FIVE_MINUTES:
            return
        with self._lock:
            self._note(request.hashes[point.after], request, request.prompt.depths[point.after], at)
        self._start()

    def _note(self, key: bytes, request: Request, tokens: int, at: float) -> None:
        known = self._prefixes.get(key)
        if known is None:
            self._prefixes[key] = KeptPrefix(cheapest(request), request, tokens, at, at)
            if len(self._prefixes) > _MOST_PREFIXES:
                self._prefixes.popitem(last=False)
            return
        known.returned(at - known.used_at)
        known.used_at = known.read_at = at
        known.pings = 0
        self._prefixes.move_to_end(key)

    def due(self, now: float) -> list[KeptPrefix]:
        """The prefixes whose entry is about to expire and is worth a keep-alive; the others that expired go."""
        due: list[KeptPrefix] = []
        with self._lock:
            for key, prefix in list(self._prefixes.items()):
                left = prefix.read_at + Ttl.FIVE_MINUTES.seconds - now
                if left <= 0 and now - prefix.used_at > Ttl.ONE_HOUR.seconds:
                    del self._prefixes[key]
                elif 0 < left <= MARGIN_S and self._pays(prefix):
                    due.append(prefix)
        return due

    def _pays(self, prefix: KeptPrefix) -> bool:
        price = self.price_of(prefix)
        if price is None or self.spent_usd + price[1] > self.budget_usd:
            return False
        return price[0] > ZERO_USD

    def price_of(self, prefix: KeptPrefix) -> tuple[Usd, Usd] | None:
        """Expected saving less price, and the worst price (nothing could be read); None: prices not known."""
        prices = [self._price(prefix.request, unit) for unit in _UNITS]
        if any(price is None for price in prices):
            return None
        plain, read, write, output = (price for price in prices if price is not None)
        extra = usd_of_tokens(_EXTRA_TOKENS, plain) + usd_of_tokens(1, output)
        costs = usd_of_tokens(prefix.tokens, read) + extra
        saves = usd_of_tokens(prefix.tokens, write - read) * Decimal(str(round(prefix.hazard(), 6)))
        return saves - costs, usd_of_tokens(prefix.tokens, write) + extra

    def turn(self) -> int:
        """Send what is due now and say how many requests that were."""
        due = self.due(self._clock())
        for prefix in due:
            price = self.price_of(prefix)
            if price is None or self.spent_usd + price[1] > self.budget_usd:
                continue
            self.spent_usd += price[1]
            at = self._clock()
            usage = self._send(prefix.ping)
            if usage is None:
                prefix.read_at = 0.0  # do not try this one again until it is used
                continue
            self.spent_usd += self._really(prefix, usage) - price[1]
            prefix.pings += 1
            if usage.cache_read or usage.cache_write:
                prefix.read_at = at
        return len(due)

    def _really(self, prefix: KeptPrefix, usage: Usage) -> Usd:
        total = ZERO_USD
        for unit, tokens in usage.items():
            price = self._price(prefix.request, unit) if tokens else None
            total += usd_of_tokens(tokens, price) if price is not None else ZERO_USD
        return total

    def _start(self) -> None:
        if not self._worker.alive:
            self._stop = threading.Event()
            self._worker.start()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            self.turn()

    def stop(self) -> None:
        """End the thread; a later use starts it again."""
        self._stop.set()

    def after_fork_in_child(self) -> None:
        """The parent keeps the prefixes alive; the child watches only what it uses itself."""
        self._lock = threading.Lock()
        self._prefixes = OrderedDict()
        self._worker.after_fork_in_child()


_UNITS = (Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE_5M, Unit.OUTPUT)


_OF_THE_ANSWER = frozenset({"temperature", "top_p", "top_k", "stop_sequences", "stream"})


def cheapest(request: Mapping[str, Any]) -> Params:
    """The cheapest request to the same operation that reads the same tools and system, as a copy of its own.

    The two families of operations keep separate entries, so InvokeModel is kept alive by InvokeModel; a stream and
    its counterpart without one share theirs.
    """
    if "body" in request:
        body = {key: value for key, value in json.loads(request["body"]).items() if key not in _OF_THE_ANSWER}
        body |= {"messages": [{"role": "user", "content": "."}], "max_tokens": 1}
        return {"modelId": request["modelId"], "body": json.dumps(body)}
    reduced: dict[str, Any] = {"modelId": request["modelId"]}
    for key in ("system", "toolConfig", "additionalModelRequestFields", "outputConfig", SERVICE_TIER):
        if key in request:
            reduced[key] = copy.deepcopy(request[key])
    return {
        **reduced,
        "messages": [{"role": "user", "content": [{"text": "."}]}],
        "inferenceConfig": {"maxTokens": 1},
    }
