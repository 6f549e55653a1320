"""Made-up traffic with one planted cause of misses, served by the reference engine. Deterministic per seed.

Every plant is a change to clean traffic. What it cost is known without any diagnosis: the engine serves the
stream once clean and once planted, and a request that reads clearly less in the planted one is a planted miss.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Catalog
from rockbottom.diagnose import Cause, LoggedRequest
from rockbottom.dialects import BodyReader
from rockbottom.prompt import Api

START = 1_790_000_000.0  # 2026-09-21T14:13:20Z
SONNET = "us.anthropic.claude-sonnet-4-6"
OTHER = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
SOL = "us.openai.gpt-5.6-sol"
UNCACHED = "us.meta.llama3-3-70b-instruct-v1:0"
POINT = {"cachePoint": {"type": "default"}}
LATENCY_S = 1.2

WORDS = """
account order invoice refund shipping delivery policy customer agent window limit region token request answer
table column index query engine reader writer branch commit review merge build failure retry timeout latency
budget forecast ledger balance payment method address country language currency contract renewal upgrade
please check whether because therefore however although between during without within under above after before
""".split()  # noqa: SIM905


@dataclass
class Ask:
    """One request to be sent: a Converse body, and where and when."""

    at: float
    session: int
    turn: int
    body: dict[str, Any]
    model: str = SONNET
    api: Api = Api.CONVERSE
    region: str = "us-east-1"
    latency_s: float = LATENCY_S
    forget: bool = False  # the service loses its entries just before
    host: str = ""


@dataclass
class Planted:
    """Served traffic: records with counters, and which of them miss because of the plant."""

    cause: Cause | None
    records: list[LoggedRequest]
    missed: list[int] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)


def prose(chance: random.Random, words: int) -> str:
    """Sentences of made-up words."""
    parts = []
    while words > 0:
        size = min(words, chance.randint(6, 14))
        parts.append(" ".join(chance.choice(WORDS) for _ in range(size)).capitalize() + ".")
        words -= size
    return " ".join(parts)


def tool(chance: random.Random, name: str) -> dict[str, Any]:
    properties = {word: {"type": "string", "description": prose(chance, 12)} for word in chance.sample(WORDS, 4)}
    schema = {"type": "object", "properties": properties, "required": list(properties)[:2]}
    return {"toolSpec": {"name": name, "description": prose(chance, 30), "inputSchema": {"json": schema}}}


def clean(seed: int, sessions: int = 3, turns: int = 6) -> list[Ask]:
    """Interleaved agent sessions of one application: shared tools and system prompt, points at system and tail."""
    chance = random.Random(seed)
    tools = [tool(chance, f"{name}_{number}") for number, name in enumerate(chance.sample(WORDS, 6))]
    system = "You are an assistant.\n" + "\n".join(f"Rule {n}: {prose(chance, 25)}" for n in range(60))
    asks: list[Ask] = []
    for session in range(sessions):
        at = START + session * 7.0 + chance.random() * 4
        messages: list[dict[str, Any]] = []
        for turn in range(turns):
            messages = [*messages, *_next_messages(chance, session, turn, messages)]
            body = {"toolConfig": {"tools": tools}, "system": [{"text": system}], "messages": messages}
            asks.append(Ask(at, session, turn, copy.deepcopy(body)))
            at += 15 + chance.random() * 60
    asks.sort(key=lambda ask: ask.at)
    for ask in asks:
        mark(ask.body)
    return asks


def _next_messages(
    chance: random.Random, session: int, turn: int, messages: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    if not messages:
        opening = f"Ticket {chance.randint(1000, 9999)}: {prose(chance, chance.randint(60, 250))}"
        return [{"role": "user", "content": [{"text": opening}]}]
    if chance.random() < 0.5:
        return [
            {"role": "assistant", "content": [{"text": prose(chance, chance.randint(60, 250))}]},
            {"role": "user", "content": [{"text": prose(chance, chance.randint(60, 250))}]},
        ]
    return tool_round(chance, session, turn, 1)


def tool_round(chance: random.Random, session: int, turn: int, calls: int) -> list[dict[str, Any]]:
    """An assistant's tool calls and their results."""
    ids = [f"tooluse_{session}_{turn}_{chance.getrandbits(40):010x}" for _ in range(calls)]
    uses = [{"toolUse": {"toolUseId": name, "name": "lookup", "input": {"key": prose(chance, 4)}}} for name in ids]
    size = 160 if calls == 1 else 25
    results = [
        {"toolResult": {"toolUseId": name, "content": [{"text": prose(chance, size + chance.randint(0, 40))}]}}
        for name in ids
    ]
    return [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]


def mark(body: dict[str, Any], **point: str) -> None:
    """Points at the end of the system prompt and of the last message."""
    marker = {"cachePoint": {"type": "default", **point}}
    body["system"] = [*unmarked(body["system"]), marker]
    for message in body["messages"]:
        message["content"] = unmarked(message["content"])
    body["messages"][-1]["content"].append(marker)


def unmarked(blocks: list[Any]) -> list[Any]:
    return [block for block in blocks if "cachePoint" not in block]


def strip(body: dict[str, Any]) -> None:
    body["system"] = unmarked(body["system"])
    for message in body["messages"]:
        message["content"] = unmarked(message["content"])


# --- plants: each changes clean traffic in place or returns another ---------------------------------------------

Plant = Callable[[list[Ask], random.Random], list[Ask]]


def _of_one(change: Callable[[Ask, random.Random], None]) -> Plant:
    """A plant in the first session only; the others stay clean."""

    def plant(asks: list[Ask], chance: random.Random) -> list[Ask]:
        for ask in asks:
            if ask.session == 0:
                change(ask, chance)
        return asks

    return plant


def versions_mixed(ask: Ask, chance: random.Random) -> None:
    """Every other turn is answered by a release with other instructions."""
    if ask.turn % 2:
        block = next(block for block in ask.body["system"] if "text" in block)
        block["text"] = " ".join(reversed(block["text"].split()))


def no_point(ask: Ask, chance: random.Random) -> None:
    strip(ask.body)


def under_minimum(ask: Ask, chance: random.Random) -> None:
    ask.model = HAIKU
    ask.body["toolConfig"]["tools"] = ask.body["toolConfig"]["tools"][:1]
    ask.body["system"][0]["text"] = ask.body["system"][0]["text"][:2500]


def _system(ask: Ask, text: str, place: float = 0.0) -> None:
    block = ask.body["system"][0]
    at = int(len(block["text"]) * place)
    block["text"] = block["text"][:at] + text + block["text"][at:]


def timestamp(ask: Ask, chance: random.Random) -> None:
    stamp = datetime.fromtimestamp(ask.at, UTC)
    shown = chance.choice([stamp.isoformat(), stamp.strftime("%A, %d %B %Y %H:%M:%S"), stamp.strftime("%H:%M:%S")])
    _system(ask, f"Current time: {shown}\n" if chance.random() < 2 else shown)


def identifier(ask: Ask, chance: random.Random) -> None:
    _system(ask, f"\nTrace {chance.getrandbits(128):032x}.\n", 0.3)


def counter(ask: Ask, chance: random.Random) -> None:
    _system(ask, f"This is request number {ask.turn + 1}.\n")


def volatile_history(ask: Ask, chance: random.Random) -> None:
    stamp = datetime.fromtimestamp(ask.at, UTC).isoformat()
    text = ask.body["messages"][0]["content"][0]
    text["text"] = f"Now: {stamp}\n{text['text']}"


def persona(ask: Ask, chance: random.Random) -> None:
    _system(ask, f"The user feels {' '.join(chance.sample(WORDS, 3))} today.\n")


def tools_changed(ask: Ask, chance: random.Random) -> None:
    tools = ask.body["toolConfig"]["tools"]
    if ask.turn % 2:
        tools.pop(ask.turn % 4)
    elif ask.turn % 4:
        tools[1]["toolSpec"]["description"] += " Only once."


def tools_reordered(ask: Ask, chance: random.Random) -> None:
    tools = ask.body["toolConfig"]["tools"]
    turn = ask.turn % len(tools)
    ask.body["toolConfig"]["tools"] = tools[turn:] + tools[:turn]


def key_order(ask: Ask, chance: random.Random) -> None:
    if ask.turn % 2:
        schema = ask.body["toolConfig"]["tools"][2]["toolSpec"]["inputSchema"]["json"]
        schema["properties"] = dict(reversed(schema["properties"].items()))


def whitespace(ask: Ask, chance: random.Random) -> None:
    if ask.turn % 2:
        block = ask.body["system"][0]
        block["text"] = block["text"].replace("\n", "\n  ")


def rewritten(ask: Ask, chance: random.Random) -> None:
    """All but the newest tool result or user text of the first session is cleared one turn later."""
    messages = ask.body["messages"]
    for message in messages[: max(0, len(messages) - 4)]:
        for block in message["content"]:
            if message["role"] == "user" and "text" in block:
                block["text"] = "[cleared to save room]"
            elif "toolResult" in block:
                block["toolResult"]["content"] = [{"text": "[cleared to save room]"}]


def trimmed(ask: Ask, chance: random.Random) -> None:
    messages = ask.body["messages"]
    if len(messages) > 5:
        ask.body["messages"] = messages[len(messages) - 5 :]


def not_advanced(ask: Ask, chance: random.Random) -> None:
    marker = ask.body["messages"][-1]["content"].pop()
    first = ask.body["messages"][0]["content"]
    if marker not in first:
        first.append(marker)


def region_hop(ask: Ask, chance: random.Random) -> None:
    ask.region = "us-east-1" if ask.turn % 2 else "us-west-2"


def forgotten(ask: Ask, chance: random.Random) -> None:
    ask.forget = ask.turn == 3


def _parameter(change: Callable[[dict[str, Any], bool], None]) -> Callable[[Ask, random.Random], None]:
    def plant(ask: Ask, chance: random.Random) -> None:
        change(ask.body, ask.turn % 3 == 2)

    return plant


def _thinking(body: dict[str, Any], odd: bool) -> None:
    budget = 4096 if odd else 1024
    body["additionalModelRequestFields"] = {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _effort(body: dict[str, Any], odd: bool) -> None:
    body["outputConfig"] = {"effort": "low" if odd else "high"}


def _choice(body: dict[str, Any], odd: bool) -> None:
    body["toolConfig"]["toolChoice"] = {"any": {}} if odd else {"auto": {}}


def _schema(body: dict[str, Any], odd: bool) -> None:
    schema = '{"type":"object","properties":{"' + ("verdict" if odd else "answer") + '":{"type":"string"}}}'
    body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}}


def model_switched(ask: Ask, chance: random.Random) -> None:
    if ask.turn >= 3:
        ask.model = OTHER


def api_switched(ask: Ask, chance: random.Random) -> None:
    if ask.turn >= 3:
        ask.api = Api.INVOKE


def host_switched(ask: Ask, chance: random.Random) -> None:
    if ask.turn >= 3:
        ask.host = "bedrock-mantle"


def tail_changed(ask: Ask, chance: random.Random) -> None:
    """A model whose service adds a point at the end, and an end that says the state of things and is gone then."""
    ask.model = SOL
    strip(ask.body)
    ask.body["messages"] = [*ask.body["messages"], {"role": "user", "content": [{"text": f"Now: {prose(chance, 30)}"}]}]


def not_looked_back(ask: Ask, chance: random.Random) -> None:
    """A model whose service adds a point at the end, and reads nothing of what it wrote at the end before."""
    ask.model = SOL
    strip(ask.body)
    ask.forget = True


def unsupported(ask: Ask, chance: random.Random) -> None:
    ask.model = UNCACHED
    strip(ask.body)


def expired(asks: list[Ask], chance: random.Random) -> list[Ask]:
    """The first session pauses for more than five minutes after its fourth turn."""
    pause = 330 + chance.random() * 900
    for ask in asks:
        if ask.session == 0 and ask.turn >= 4:
            ask.at += pause
    return sorted(asks, key=lambda ask: ask.at)


def lookback(asks: list[Ask], chance: random.Random) -> list[Ask]:
    """The fourth turn of the first session follows a round of many tool calls."""
    many = tool_round(chance, 0, 99, 12 + chance.randint(0, 6))
    for ask in asks:
        if ask.session == 0 and ask.turn >= 3:
            strip(ask.body)
            before = next(other for other in asks if other.session == 0 and other.turn == 2)
            place = len(before.body["messages"])
            ask.body["messages"][place:place] = copy.deepcopy(many)
            mark(ask.body)
    return asks


def parallel(asks: list[Ask], chance: random.Random) -> list[Ask]:
    """Four questions are sent at once, before anything is written."""
    first = next(ask for ask in asks if ask.session == 0)
    fan: list[Ask] = []
    for branch in range(4):
        ask = Ask(first.at - 60 + branch * 0.1, 100 + branch, 0, copy.deepcopy(first.body), latency_s=4.0)
        strip(ask.body)
        ask.body["system"].append(POINT)
        ask.body["messages"] = [{"role": "user", "content": [{"text": prose(chance, 40)}]}]
        fan.append(ask)
    return sorted([*fan, *asks], key=lambda ask: ask.at)


def spaced(asks: list[Ask]) -> list[Ask]:
    """The same fan-out, one after another: what the plant is compared with."""
    for ask in asks:
        if ask.session >= 100:
            ask.at += (ask.session - 100) * 10
            ask.latency_s = LATENCY_S
    return sorted(asks, key=lambda ask: ask.at)


PLANTS: dict[str, tuple[Cause | None, Plant]] = {
    "clean": (None, lambda asks, chance: asks),
    "no-point": (Cause.NO_POINT, _of_one(no_point)),
    "under-minimum": (Cause.UNDER_MINIMUM, _of_one(under_minimum)),
    "volatile-timestamp": (Cause.VOLATILE_TEXT, _of_one(timestamp)),
    "volatile-id": (Cause.VOLATILE_TEXT, _of_one(identifier)),
    "volatile-counter": (Cause.VOLATILE_TEXT, _of_one(counter)),
    "volatile-history": (Cause.VOLATILE_TEXT, _of_one(volatile_history)),
    "volatile-words": (Cause.VOLATILE_TEXT, _of_one(persona)),
    "tools-changed": (Cause.TOOLS_CHANGED, _of_one(tools_changed)),
    "tools-reordered": (Cause.TOOLS_REORDERED, _of_one(tools_reordered)),
    "key-order": (Cause.KEY_ORDER, _of_one(key_order)),
    "whitespace": (Cause.WHITESPACE, _of_one(whitespace)),
    "history-rewritten": (Cause.HISTORY_REWRITTEN, _of_one(rewritten)),
    "history-trimmed": (Cause.HISTORY_TRIMMED, _of_one(trimmed)),
    "point-not-advanced": (Cause.POINT_NOT_ADVANCED, _of_one(not_advanced)),
    "lookback-exceeded": (Cause.LOOKBACK_EXCEEDED, lookback),
    "ttl-expired": (Cause.TTL_EXPIRED, expired),
    "region-hop": (Cause.REGION_HOP, _of_one(region_hop)),
    "parallel-write": (Cause.PARALLEL_WRITE, parallel),
    "parameter-thinking": (Cause.PARAMETER_CHANGED, _of_one(_parameter(_thinking))),
    "parameter-effort": (Cause.PARAMETER_CHANGED, _of_one(_parameter(_effort))),
    "parameter-tool-choice": (Cause.PARAMETER_CHANGED, _of_one(_parameter(_choice))),
    "parameter-output-schema": (Cause.PARAMETER_CHANGED, _of_one(_parameter(_schema))),
    "model-switched": (Cause.MODEL_SWITCHED, _of_one(model_switched)),
    "api-switched": (Cause.API_SWITCHED, _of_one(api_switched)),
    "unsupported": (Cause.UNSUPPORTED, _of_one(unsupported)),
    "unexplained": (Cause.UNEXPLAINED, _of_one(forgotten)),
    "host-switched": (Cause.HOST_SWITCHED, _of_one(host_switched)),
    "tail-changed": (Cause.TAIL_CHANGED, _of_one(tail_changed)),
    "not-looked-back": (Cause.NOT_LOOKED_BACK, _of_one(not_looked_back)),
    "versions-mixed": (Cause.VERSIONS_MIXED, _of_one(versions_mixed)),
}


def planted(name: str, seed: int, catalog: Catalog, sessions: int = 3, turns: int = 6) -> Planted:
    """The traffic of one plant, served."""
    cause, plant = PLANTS[name]
    asks = plant(clean(seed, sessions, turns), random.Random(seed + 1))
    records = served(asks, catalog)
    # Paired by session and turn: what the same turn reads in clean traffic.
    base = spaced(copy.deepcopy(asks)) if name == "parallel-write" else clean(seed, sessions, turns)
    reads = {(ask.session, ask.turn): record for ask, record in zip(base, served(base, catalog), strict=True)}
    missed = [
        index
        for index, ask in enumerate(asks)
        if (ask.turn or name == "parallel-write") and _misses(reads[ask.session, ask.turn], records[index])
    ]  # a first turn is cold for reasons of its own: in another space there was nothing to read yet
    return Planted(cause, records, missed, [ask.session for ask in asks])


def _misses(usual: LoggedRequest, record: LoggedRequest) -> bool:
    """Whether it reads clearly less than usual, each as a share of its own prompt."""
    one, two = usual.usage, record.usage
    assert one
    assert two
    return one.cache_read / one.total_input - two.cache_read / two.total_input > 0.06


def served(asks: list[Ask], catalog: Catalog) -> list[LoggedRequest]:
    """The requests answered by the reference engine."""
    reader, behaviour = BodyReader.of(catalog), behaviour_of(catalog.switches)
    states: dict[Namespace, PrefixCache] = {}
    records: list[LoggedRequest] = []
    for number, ask in enumerate(asks):
        model = catalog.model(ask.model)
        rules = catalog.rules(model, datetime.fromtimestamp(ask.at, UTC).date())
        body = anthropic(ask.body) if ask.api is Api.INVOKE else ask.body
        prompt = reader.read(body, ask.api, model.model)
        namespace = Namespace("111122223333", ask.region, model.model.id, ask.host)
        state = PrefixCache() if ask.forget else states.get(namespace, PrefixCache())
        at = float(ask.at)
        state, outcome = step(state, prompt, at, rules, behaviour, namespace, at + ask.latency_s)
        states[namespace] = state
        records.append(
            LoggedRequest(
                at, ask.model, ask.api, body, outcome.usage(120), ask.region, "us-east-1", "111122223333",
                f"request-{number:04d}", ask.latency_s, where=f"requests.jsonl:{number + 1}",
                host=ask.host,
            )
        )  # fmt: skip
    return records


def anthropic(body: dict[str, Any]) -> dict[str, Any]:
    """A Converse body as an Anthropic Messages body."""
    return {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 1000,
        "tools": [_native_tool(one["toolSpec"]) for one in body["toolConfig"]["tools"]],
        "system": _native(body["system"]),
        "messages": [{"role": one["role"], "content": _native(one["content"])} for one in body["messages"]],
    }


def _native_tool(spec: dict[str, Any]) -> dict[str, Any]:
    return {"name": spec["name"], "description": spec["description"], "input_schema": spec["inputSchema"]["json"]}


def _native(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for block in blocks:
        if "cachePoint" in block:
            made[-1]["cache_control"] = {"type": "ephemeral"}
        elif "text" in block:
            made.append({"type": "text", "text": block["text"]})
        elif "toolUse" in block:
            use = block["toolUse"]
            made.append({"type": "tool_use", "id": use["toolUseId"], "name": use["name"], "input": use["input"]})
        else:
            result = block["toolResult"]
            made.append(
                {"type": "tool_result", "tool_use_id": result["toolUseId"], "content": _native(result["content"])}
            )
    return made


def log_line(record: LoggedRequest) -> dict[str, Any]:
    """A record as Bedrock logs it."""
    usage, converse = record.usage, record.api is Api.CONVERSE
    stamp = datetime.fromtimestamp(record.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made: dict[str, Any] = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": stamp,
        "accountId": record.account,
        "identity": {"arn": f"arn:aws:sts::{record.account}:assumed-role/App/session"},
        "region": record.called,
        "requestId": record.request_id,
        "operation": "Converse" if converse else "InvokeModel",
        "modelId": record.model,
        "input": {"inputContentType": "application/json", "inputBodyJson": dict(record.body)},
        "output": {"outputContentType": "application/json", "outputTokenCount": usage.output},
    }
    if record.region != record.called:
        made["inferenceRegion"] = record.region
    made["input"] |= {
        "inputTokenCount": usage.input,
        "cacheReadInputTokenCount": usage.cache_read,
        "cacheWriteInputTokenCount": usage.cache_write,
    }
    if converse:
        made["output"]["outputBodyJson"] = {
            "output": {"message": {"role": "assistant", "content": [{"text": "Done."}]}},
            "stopReason": "end_turn",
            "metrics": {"latencyMs": int((record.began_after_s or 0) * 1000)},
            "usage": {
                "inputTokens": usage.input,
                "outputTokens": usage.output,
                "totalTokens": usage.total,
                "cacheReadInputTokens": usage.cache_read,
                "cacheWriteInputTokens": usage.cache_write,
            },
        }
    else:
        made["output"]["outputBodyJson"] = {
            "content": [{"type": "text", "text": "Done."}],
            "usage": {
                "input_tokens": usage.input,
                "output_tokens": usage.output,
                "cache_read_input_tokens": usage.cache_read,
                "cache_creation_input_tokens": usage.cache_write,
            },
        }
    return made
