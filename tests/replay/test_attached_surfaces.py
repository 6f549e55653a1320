"""Replay and explain claim of a log of any surface what an attached planner reaches on the same requests."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Tier, load_catalog
from rockbottom.cli.replay_planner import AttachedPlanner, attached
from rockbottom.cost import bill
from rockbottom.diagnose import Archive, Stream, read_all, with_savings
from rockbottom.diagnose.sent import LoggedRequest
from rockbottom.dialects import RequestReader, api_of
from rockbottom.plan import Planner
from rockbottom.prompt import KeptByService
from rockbottom.quantities import Usage
from rockbottom.replay import ReplayQuestion, tally
from rockbottom.trace import read_trace
from tests.replay.attached import HAIKU, ON, SONNET, START

SOL = "openai.gpt-5.6-sol"
CATALOG = load_catalog()
Call = tuple[float, str, dict[str, Any]]


def words(rng: random.Random, count: int) -> str:
    return " ".join(f"{rng.choice(('river', 'stone', 'cloud', 'table'))}{rng.randrange(1000)}" for _ in range(count))


def item(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "output_text" if role == "assistant" else "input_text", "text": text}]}


def shuffled_tools(rng: random.Random) -> Iterator[Call]:
    """Talks whose tools come in another order with every request."""
    tools = [{"name": f"t{n}", "description": words(rng, 60), "input_schema": {"type": "object"}} for n in range(8)]
    for talk in range(8):
        messages = [{"role": "user", "content": f"{talk} {words(rng, 300)}"}]
        for turn in range(6):
            rng.shuffle(tools)
            at = START + 700 * talk + 20 * turn
            yield at, "Messages", {"model": SONNET, "max_tokens": 9, "tools": tools[:], "messages": messages[:]}
            messages += [{"role": "assistant", "content": words(rng, 40)}, {"role": "user", "content": words(rng, 80)}]


def two_models(rng: random.Random) -> Iterator[Call]:
    """Talks on one model, documents that never come again on the other."""
    for talk in range(12):
        messages = [{"role": "user", "content": [{"text": words(rng, 1500)}]}]
        for turn in range(4):
            yield START + 900 * talk + 60 * turn, "Converse", {"modelId": SONNET, "messages": messages[:]}
            answer, question = ({"content": [{"text": words(rng, 60)}]} for _ in range(2))
            messages += [{"role": "assistant", **answer}, {"role": "user", **question}]
        for other in range(5):
            document = {"role": "user", "content": [{"text": words(rng, 1500)}]}
            yield START + 900 * talk + 100 * other + 7, "Converse", {"modelId": HAIKU, "messages": [document]}


def kept_by_the_service(rng: random.Random) -> Iterator[Call]:
    """Texts, most of which go on by the id of the reply."""
    for talk in range(15):
        yield START + 500 * talk, "Responses", {"model": SOL, "input": words(rng, 1300)}
        for turn in range(talk % 4):
            body = {"model": SOL, "input": words(rng, 50), "previous_response_id": f"resp_{talk}_{turn}"}
            yield START + 500 * talk + 30 * (turn + 1), "Responses", body


def text_and_then_a_list(rng: random.Random) -> Iterator[Call]:
    """Talks whose first request is a text alone, which is the first item of the next."""
    for talk in range(12):
        text = f"{talk} {words(rng, 1300)}"
        yield START + 500 * talk, "Responses", {"model": SOL, "input": text}
        items = [item("user", text), item("assistant", words(rng, 60)), item("user", words(rng, 60))]
        yield START + 500 * talk + 40, "Responses", {"model": SOL, "input": items}


def another_effort(rng: random.Random) -> Iterator[Call]:
    """Effort and the choice of a tool, which are spelled as each surface does, part entries."""
    rules = words(rng, 1500)
    for number in range(24):
        at, ask = START + 50 * number, words(rng, 30)
        items = [item("system", rules), item("user", ask)]
        yield at, "Responses", {"model": SOL, "input": items, "reasoning": {"effort": ("low", "high")[number % 2]}}
        messages = [{"role": "system", "content": rules}, {"role": "user", "content": ask}]
        tools = [{"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}]
        body = {"model": SOL, "messages": messages, "tools": tools, "tool_choice": ("auto", "required")[number % 2]}
        yield at + 7, "ChatCompletions", body


@pytest.mark.parametrize(
    "traffic", [shuffled_tools, two_models, kept_by_the_service, text_and_then_a_list, another_effort]
)
def test_replay_and_explain_claim_what_attach_gives(traffic, tmp_path: Path) -> None:
    """Tokens are the estimates of both, so the bills as sent are equal, and those with the planner to a thousandth."""
    calls = sorted(traffic(random.Random(traffic.__name__)), key=lambda call: call[0])
    sent, usages = served(calls, None)
    reached, _ = served(calls, Planner())
    log = tmp_path / "log.jsonl"
    records = [logged(call, usage, number) for number, (call, usage) in enumerate(zip(calls, usages, strict=True))]
    log.write_text("\n".join(json.dumps(record) for record in records))
    replayed, claimed = replayed_usd(log)
    assert replayed == pytest.approx(sent, rel=Decimal("1e-3"))
    assert claimed == pytest.approx(reached, rel=Decimal("1e-3"))
    assert explained_usd(calls, usages) == pytest.approx((sent, reached), rel=Decimal("1e-3"))


def served(calls: list[Call], planner: Planner | None) -> tuple[Decimal, list[Usage]]:
    """The input's bill by the rules of what can be seen, and the counters of every call."""
    requests, behaviour, spent, usages = (
        RequestReader(CATALOG),
        behaviour_of(CATALOG.switches),
        Decimal(0),
        list[Usage](),
    )
    states: dict[str, PrefixCache] = {}
    for at, _, body in calls:
        plan = planner.plan(body, now=at) if planner is not None else None
        try:
            request = requests.read(body)
        except KeptByService:
            usages.append(Usage(2000, 1))
            continue
        request = plan.apply(request) if plan is not None else request
        name = request.model.given
        states[name], result = step(
            states.get(name, PrefixCache()), request.prompt, at, CATALOG.rules(request.model, ON), behaviour,
            Namespace("", "", name),
        )  # fmt: skip
        if planner is not None and plan is not None:
            planner.observe(plan, result.usage(0), now=at)
        usages.append(result.usage(0))
        spent += bill(result.usage(0), request.model, Tier.DEFAULT, ON, CATALOG.price_book).usd
    return spent, usages


def logged(call: Call, usage: Usage, number: int) -> dict[str, Any]:
    at, operation, body = call
    return {
        "schemaType": "ModelInvocationLog", "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
        "requestId": f"r{number}", "operation": operation, "modelId": body.get("model") or body["modelId"],
        "region": "us-east-1", "accountId": "123456789012",
        "input": {"inputBodyJson": body, "inputTokenCount": usage.input, "cacheReadInputTokenCount": usage.cache_read,
                  "cacheWriteInputTokenCount": usage.cache_write},
        "output": {"outputTokenCount": 0},
    }  # fmt: skip


def replayed_usd(log: Path) -> tuple[Decimal, Decimal]:
    """As sent, and with the planner."""
    trace, question = read_trace(str(log)).trace, ReplayQuestion(("as_recorded", "planner"), ON)
    found = tally(trace, question, CATALOG, behaviour_of(CATALOG.switches), {"planner": attached})
    as_sent, planned = (
        sum((model.bills[name].cost.input_usd for model in found.models), Decimal(0)) for name in question.policies
    )
    return as_sent, planned


def explained_usd(calls: list[Call], usages: list[Usage]) -> tuple[Decimal, Decimal]:
    """As sent, and with rockbottom attached."""
    archive = Archive(CATALOG)
    records = [
        LoggedRequest(at, body.get("model") or body["modelId"], api_of(operation), body, usage, account="1")
        for (at, operation, body), usage in zip(calls, usages, strict=True)
    ]
    requests, unreadable, _ = read_all(records, archive)
    findings = Stream(CATALOG).run(archive, requests, unreadable)
    saving = with_savings(findings, requests, archive, CATALOG, learners=AttachedPlanner().of_sent).attached
    assert saving is not None
    return saving.before, saving.after
