"""What `cache.step` and `cost.bill` add to a request of 100,000 tokens, beside encoding that request as JSON.

The limit is 1 ms for the two together. The request is an agent's: tools, a long system text, and 240 messages of a
growing conversation with four cachePoints, so that every request reads what the one before wrote.
"""

import statistics
import time
from collections.abc import Callable
from datetime import date

import msgspec

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Tier, load_catalog
from rockbottom.cost import bill
from rockbottom.dialects import CONVERSE
from rockbottom.prompt import Meter, Prompt

_ROUNDS = 200
_LIMIT_MS = 1.0
_ON = date(2026, 11, 21)
_POINT = {"cachePoint": {"type": "default"}}


def _words(seed: int, count: int) -> str:
    return " ".join(f"w{(seed * 7919 + number * 104_729) % 9973}" for number in range(count))


def _body(turns: int) -> dict[str, object]:
    """A Converse body of about 100,000 tokens at 120 turns; turn n is the same whatever comes after it."""
    tools: list[object] = [
        {"toolSpec": {"name": f"tool{n}", "description": _words(n, 50), "inputSchema": {"json": {"type": "object"}}}}
        for n in range(20)
    ]
    messages: list[dict[str, object]] = []
    for turn in range(turns):
        messages.append({"role": "user", "content": [{"text": _words(turn, 60)}]})
        messages.append({"role": "assistant", "content": [{"text": _words(turn + 5000, 50)}]})
    messages.append({"role": "user", "content": [{"text": _words(turns, 60)}]})
    for message in (messages[-1], messages[-11]):
        message["content"] = [*message["content"], _POINT]  # type: ignore[misc]
    return {
        "toolConfig": {"tools": [*tools, _POINT]},
        "system": [{"text": _words(99_999, 2500)}, _POINT],
        "messages": messages,
    }


def _ms(run: Callable[[int], object]) -> tuple[float, float]:
    """Median and least: the least is what it costs when nothing else runs on the machine."""
    times: list[float] = []
    for number in range(_ROUNDS):
        begin = time.perf_counter()
        run(number)
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times), min(times)


def main() -> None:
    """Measure on a warm state, as a server that goes on running does."""
    catalog = load_catalog()
    model = catalog.model("us.anthropic.claude-sonnet-5-5")
    rules, behaviour = catalog.rules(model, _ON), behaviour_of(catalog.switches)
    meter = Meter(catalog.token_weights[model.model.tokenizer])
    namespace = Namespace("111122223333", "us-east-1", model.model.id)
    bodies = [_body(118), _body(120)]
    prompts: list[Prompt] = [CONVERSE.read(body, meter) for body in bodies]
    state, _ = step(PrefixCache(), prompts[0], 0.0, rules, behaviour, namespace)

    def semantics(number: int) -> object:
        _, result = step(state, prompts[1], 1.0 + number / 1000, rules, behaviour, namespace)
        return bill(result.usage(400), model, Tier.DEFAULT, _ON, catalog.price_book)

    _, result = step(state, prompts[1], 1.0, rules, behaviour, namespace)
    figures = {
        "cache.step and cost.bill": _ms(semantics),
        "reading the body again": _ms(lambda _: CONVERSE.read(bodies[1], meter)),
        "encoding the body as JSON": _ms(lambda _: msgspec.json.encode(bodies[1])),
    }
    print(f"semantics of a request of {prompts[1].tokens:,} tokens ({result.read:,} read), {_ROUNDS} rounds")
    for name, (median, least) in figures.items():
        print(f"  {name:32} median {median:7.3f} ms   least {least:7.3f} ms   {median / _LIMIT_MS:5.2f} x the limit")


if __name__ == "__main__":
    main()
