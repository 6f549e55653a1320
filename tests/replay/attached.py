"""Traffic as programs send it, what the attached planner makes of it, and the log that it leaves without it."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Catalog, Tier
from rockbottom.cost import bill
from rockbottom.dialects import BodyReader
from rockbottom.plan import Planner
from rockbottom.prompt import Api

ON = date(2026, 11, 1)
START = datetime(2026, 11, 1, 9, tzinfo=UTC).timestamp()
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
NOVA = "amazon.nova-pro-v1:0"


class Sent(NamedTuple):
    """One request, its body without a model."""

    at: float
    body: dict[str, Any]
    model: str = SONNET
    output: int = 0


def documents_with_questions(documents: int = 12, questions: int = 16) -> Iterator[Sent]:
    """Documents of some 3,000 tokens, questions on each, one user message of two blocks a request."""
    for document in range(documents):
        text = " ".join(f"Clause {clause} of contract {document} binds both parties." for clause in range(270))
        for question in range(questions):
            ask = f"Question {question} on contract {document}: " + "what follows from it? " * 4
            body = {"messages": [{"role": "user", "content": [{"text": text}, {"text": ask}]}]}
            yield Sent(START + 900 * document + 40 * question, body)


def conversations(agents: int = 6, model: str = SONNET) -> Iterator[Sent]:
    """Agents whose prompts grow message by message, without a system text, a minute between two turns."""
    for agent in range(agents):
        messages = [{"role": "user", "content": [{"text": f"Agent {agent}: " + "mend the build. " * 300}]}]
        for turn in range(20):
            yield Sent(START + 1500 * agent + 60 * turn, {"messages": list(messages)}, model)
            messages.append({"role": "assistant", "content": [{"text": f"Step {turn}. " + "I look at it. " * 20}]})
            messages.append({"role": "user", "content": [{"text": f"Output {turn}: " + "line of output " * 120}]})


def support(requests: int = 120, model: str = NOVA) -> Iterator[Sent]:
    """One long system text, a short question each time, forty seconds apart."""
    rules = " ".join(f"Rule {rule}: be polite about matter {rule}." for rule in range(300))
    for number in range(requests):
        ask = f"Ticket {number}: where is my parcel?"
        yield Sent(
            START + 40 * number,
            {"system": [{"text": rules}], "messages": [{"role": "user", "content": [{"text": ask}]}]},
            model, 50,
        )  # fmt: skip


def three_apps() -> list[Sent]:
    """Documents on one model, agents on another and support on a third, in order of time."""
    whole = [*documents_with_questions(6), *conversations(3, HAIKU), *support()]
    return sorted(whole, key=lambda sent: sent.at)


def herd(documents: int = 8, workers: int = 24) -> Iterator[Sent]:
    """Workers that all start on a new document at the same instant; attach holds all but the first."""
    for document in range(documents):
        text = " ".join(f"Paragraph {part} of report {document} is to be judged." for part in range(400))
        for worker in range(workers):
            ask = f"Aspect {worker}: judge it."
            yield Sent(
                START + 120 * document, {"messages": [{"role": "user", "content": [{"text": text}, {"text": ask}]}]}
            )


def attached_usd(requests: Iterable[Sent], catalog: Catalog) -> tuple[list[int], Decimal]:
    """Each request planned, applied and served by the rules, the planner told what came of it: input tokens, bill.

    The bill has input and output. A reply has begun before the next request leaves, as where attach holds a herd.
    """
    behaviour, reader, planner = behaviour_of(catalog.switches), BodyReader.of(catalog), Planner(own_points="replace")
    states: dict[str, PrefixCache] = {}
    spent, counts = Decimal(0), list[int]()
    for at, body, name, output in requests:
        model, space = catalog.model(name), Namespace("", "", name)
        rules, request = catalog.rules(model, ON), {"modelId": name, **body}
        plan = planner.plan(request, now=at)
        prompt = reader.read(plan.apply(request), Api.CONVERSE, model.model)
        state = states.get(name, PrefixCache())
        states[name], result = step(state, prompt, at, rules, behaviour, space, at)
        planner.observe(plan, result.usage(output), now=at)
        counts.append(result.usage(output).total_input)
        spent += bill(result.usage(output), model, Tier.DEFAULT, ON, catalog.price_book).usd
    return counts, spent


def logged(sent: Sent, tokens: int, number: int, **members: Any) -> str:
    """The request as a record of a model invocation log, uncached as it was sent."""
    stamp = datetime.fromtimestamp(sent.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({
        "schemaType": "ModelInvocationLog", "timestamp": stamp, "requestId": f"r{number}", "operation": "Converse",
        "modelId": sent.model, "region": "us-east-1", "accountId": "123456789012",
        "input": {"inputBodyJson": sent.body, "inputTokenCount": tokens, "cacheReadInputTokenCount": 0,
                  "cacheWriteInputTokenCount": 0},
        "output": {"outputTokenCount": sent.output}, **members,
    })  # fmt: skip


def write_log(path: Path, requests: Iterable[Sent], counts: Iterable[int]) -> Path:
    """The log of these requests."""
    lines = [logged(sent, tokens, n) for n, (sent, tokens) in enumerate(zip(requests, counts, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path
