"""The requests and what each reply's counters must be.

Each request is a conversation of one of a few customers: a long system text closed by a cachePoint, six earlier
messages, and a question of about 1 KB that nobody asked before. One in fifty has a system text of its own, which is
written to the cache; all others must read what their customer's first request wrote. Words are as frequent
as Zipf's law has them in English.
"""

import json
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import CacheRules, load_catalog
from rockbottom.dialects import CONVERSE
from rockbottom.prompt import Meter

MODEL = "us.anthropic.claude-sonnet-4-6"
ACCOUNT = "111122223333"
REGION = "us-east-1"
_ON = date(2026, 11, 21)
_CUSTOMERS = 16
_MISS_EVERY = 50
_POINT = {"cachePoint": {"type": "default"}}


@dataclass(frozen=True, slots=True)
class Request:
    """A body in pieces (most are shared, so that thousands fit in memory), and the counters that it must get."""

    pieces: tuple[bytes, ...]
    uncached: int
    read: int
    write: int

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.pieces))


class Traffic:
    """Requests from a seed; what they must cost is worked out with the cache semantics, outside the endpoint."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        syllables = ["ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo", "ka", "re"]
        draw = self._random.choices
        self._vocabulary = ["".join(draw(syllables, k=self._random.randint(1, 4))) for _ in range(3000)]
        self._frequencies = list(accumulate(1 / (rank + 3) for rank in range(len(self._vocabulary))))
        catalog = load_catalog()
        model = catalog.model(MODEL)
        self._rules: CacheRules = catalog.rules(model, _ON)
        self._behaviour = behaviour_of(catalog.switches)
        self._meter = Meter(catalog.token_weights[model.model.tokenizer], whole=True)
        self._namespace = Namespace(ACCOUNT, REGION, model.model.id)
        self._state = PrefixCache()
        self._customers = [(self._text(29_000), self._messages()) for _ in range(_CUSTOMERS)]
        self.first = [self._request(*customer) for customer in self._customers]

    def requests(self, count: int) -> list[Request]:
        """So many requests, each with a question of its own."""
        return [self._next(number) for number in range(count)]

    def _next(self, number: int) -> Request:
        system, messages = self._customers[number % _CUSTOMERS]
        return self._request(self._text(29_000) if number % _MISS_EVERY == _MISS_EVERY - 1 else system, messages)

    def _request(self, system: str, messages: list[dict[str, object]]) -> Request:
        question = {"role": "user", "content": [{"text": self._text(1000)}]}
        body = {"system": [{"text": system}, _POINT], "messages": [*messages, question]}
        self._state, result = step(
            self._state, CONVERSE.read(body, self._meter), 0.0, self._rules, self._behaviour, self._namespace
        )
        pieces = (
            f'{{"system": {json.dumps(body["system"])}, '.encode(),
            f'"messages": [{json.dumps(messages)[1:-1]}, '.encode(),
            f'{json.dumps(question)}], "inferenceConfig": {{"maxTokens": 200}}}}'.encode(),
        )
        return Request(pieces, result.uncached, result.read, result.written)

    def _messages(self) -> list[dict[str, object]]:
        return [
            {"role": ("user", "assistant")[turn % 2], "content": [{"text": self._text(700 + 150 * turn)}]}
            for turn in range(6)
        ]

    def _text(self, chars: int) -> str:
        """Sentences of words of the vocabulary."""
        parts: list[str] = []
        size = 0
        while size < chars:
            words = self._random.choices(self._vocabulary, cum_weights=self._frequencies, k=self._random.randint(6, 16))
            parts.append(" ".join(words).capitalize() + ".")
            size += len(parts[-1]) + 1
        return " ".join(parts)
