"""Tokens shared out over the blocks of a log: of texts that bytes mislead about, on services that count otherwise."""

import json
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Catalog, Tier, load_catalog
from rockbottom.cli import main
from rockbottom.cost import bill
from rockbottom.dialects import BodyReader
from rockbottom.plan import Planner
from rockbottom.prompt import Api, Prompt, prompt_of
from rockbottom.trace import read_trace
from tests.replay.attached import ON, SONNET, START, Sent, attached_usd, logged, write_log


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def chats(users: int = 25, seed: int = 7) -> list[Sent]:
    """Customers with a long fixed system text; what they write is half digits, of which a token holds few bytes."""
    random = Random(seed)
    system = [{"text": "You are a careful claims assistant for Northwind. " * 300}]
    sent: list[Sent] = []
    for user in range(users):
        at, messages = START + random.randrange(5000), list[dict[str, Any]]()
        for turn in range(random.randint(1, 8)):
            asked = f"user {user} asks {turn}: " + f"claim number {random.randint(1, 9999)} " * random.randint(3, 60)
            messages = [*messages, {"role": "user", "content": [{"text": asked}]}]
            sent.append(Sent(at, {"system": system, "messages": messages}, SONNET, 60))
            messages = [*messages, {"role": "assistant", "content": [{"text": "answer " * random.randint(20, 200)}]}]
            at += random.randint(5, 200)
    return sorted(sent, key=lambda one: one.at)


def answer(log: Path, command: str, capsys: pytest.CaptureFixture[str]) -> Any:
    main([command, str(log), "--json"])
    return json.loads(capsys.readouterr().out)


def test_replay_and_explain_give_the_bill_of_the_attached_planner(tmp_path, catalog, capsys) -> None:
    """By bytes the replay of such a log was 7% too cheap: to the system text went what the digits had counted."""
    requests = chats()
    counts, spent = attached_usd(requests, catalog)
    log = write_log(tmp_path / "log.jsonl", requests, counts)
    told = float(answer(log, "replay", capsys)["answer"]["attached_usd"])
    explained = answer(log, "explain", capsys)
    rest = float(explained["paid_usd"]) - float(explained["input_usd"])
    assert told == pytest.approx(float(spent), rel=0.003)
    assert float(explained["attached"]["usd_after"]) + rest == pytest.approx(told, rel=0.001)


def counted_otherwise(prompt: Prompt, spread: float) -> Prompt:
    """The prompt as a service counts it whose tokens of each block are up to ``spread`` from the estimate."""
    segments = []
    for segment in prompt.segments:
        part = int.from_bytes(blake2b(segment.digest, digest_size=4).digest(), "big") / 2**32
        segments.append(replace(segment, tokens=max(1, round(segment.tokens * (1 + spread * (2 * part - 1))))))
    return prompt_of(prompt.api, segments, prompt.points, prompt.parameters)


def attached_log(requests: Iterable[Sent], catalog: Catalog, spread: float, log: Path) -> float:
    """The log of these requests as an attached client sent them, and what they cost."""
    behaviour, reader, planner = behaviour_of(catalog.switches), BodyReader.of(catalog), Planner(own_points="replace")
    state, spent, lines = PrefixCache(), 0.0, list[str]()
    model, rules = catalog.model(SONNET), catalog.rules(catalog.model(SONNET), ON)
    for number, sent in enumerate(requests):
        plan = planner.plan({"modelId": SONNET, **sent.body}, now=sent.at)
        body = plan.apply({"modelId": SONNET, **sent.body})
        prompt = counted_otherwise(reader.read(body, Api.CONVERSE, model.model), spread)
        state, result = step(state, prompt, sent.at, rules, behaviour, Namespace("", "", SONNET), sent.at)
        usage = result.usage(sent.output)
        planner.observe(plan, usage, now=sent.at)
        spent += float(bill(usage, model, Tier.DEFAULT, ON, catalog.price_book).usd)
        record = json.loads(logged(sent, usage.input, number))
        record["input"] |= {
            "inputBodyJson": {name: value for name, value in body.items() if name != "modelId"},
            "cacheReadInputTokenCount": usage.cache_read, "cacheWriteInputTokenCount": usage.cache_write,
        }  # fmt: skip
        split = [{"ttl": "5m", "inputTokens": usage.cache_write_5m}, {"ttl": "1h", "inputTokens": usage.cache_write_1h}]
        record["output"]["outputBodyJson"] = {
            "usage": {
                "inputTokens": usage.input, "outputTokens": sent.output, "cacheReadInputTokens": usage.cache_read,
                "cacheWriteInputTokens": usage.cache_write, "cacheDetails": split,
            }
        }  # fmt: skip
        lines.append(json.dumps(record))
    log.write_text("\n".join(lines) + "\n")
    return spent


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_a_log_of_cached_traffic_agrees_with_its_own_counters(spread: float, tmp_path, catalog, capsys) -> None:
    """Of such a log replay said that a fifth of its requests had been served by another Region."""
    spent = attached_log(chats(), catalog, spread, log := tmp_path / "log.jsonl")
    told = answer(log, "replay", capsys)
    assert float(told["answer"]["paid_usd"]) == pytest.approx(spent)
    assert float(told["answer"]["ruled_usd"]) == pytest.approx(spent, rel=0.001)
    assert [cause["cause"] for cause in told["reconciliation"]["causes"]] == ["as predicted"]


def test_a_pdf_counts_by_its_pages_and_text_not_by_its_bytes(tmp_path, catalog) -> None:
    """A megabyte of a PDF beside a system text: the text keeps its share."""
    system = "Rule: be polite. " * 400
    body = {"system": [{"text": system}], "messages": [{"role": "user", "content": [
        {"document": {"name": "contract", "format": "pdf", "source": {"bytes": "A" * 1_000_000}}},
        {"text": "Sum it up."},
    ]}]}  # fmt: skip
    sent = Sent(START, body)
    reader = BodyReader.of(catalog)
    own = reader.read({"modelId": SONNET, **body}, Api.CONVERSE, catalog.model(SONNET).model)
    log = write_log(tmp_path / "log.jsonl", [sent], [own.tokens])
    trace = read_trace(str(log)).trace
    assert abs(int(trace.blocks.depth[0]) - own.depths[1]) <= own.depths[1] * 0.01
