"""What people recorded on the real service, replayed against the endpoint.

The recordings are other people's and are not part of the project; they lie beside the recorded traffic
(facts/live_cases.jsonl) and the tests skip where they are absent. Every case is either replayed below or listed in
NOT_REPLAYED with the reason; a case that is neither fails.

Token counts of the endpoint are estimates, so recorded counts are compared within the error that the catalogue states
for the model's tokenizer; whether something was read, written or neither is compared exactly.
"""

import base64
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

DATA = Path(os.environ.get("ROCKBOTTOM_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
FILE = DATA.parent / "facts" / "live_cases.jsonl"
CASES = (
    {row["id"]: row for row in map(json.loads, FILE.read_text(encoding="utf-8").splitlines())} if FILE.is_file() else {}
)

MOST_OFF = 0.15
"""How far a count of the endpoint may be from a recorded one, besides a dozen tokens."""

NOT_REPLAYED = {
    "idp-02-nova-images-prorata": "Nova apportions image tokens pro rata; the published explanation is an inference",
    "hs-01-no-lookback-2025": "April 2025, before the lookback",
    "hs-02-1p-lookback": "Anthropic's own API",
    "hs-03-us-profile-misses": "misses of April 2025 by chance; routing is a setting, off by default",
    "hs-04-converse-misses": "misses of April 2025 by chance; routing is a setting, off by default",
    "hs-05-1p-10": "Anthropic's own API",
    "gpt56-implicit": "replayed on the rules (tests/cache/test_implicit.py)",
    "gpt56-explicit-vs-implicit": "replayed on the rules (tests/cache/test_implicit.py)",
    "gpt54-mantle": "replayed on the rules, as a side of a switch (tests/cache/test_implicit.py)",
    "gpt56-stream-overlap": "a side of the switch gpt_stream_counters (tests/local/test_surface_cases.py)",
    "doc-agent": "the prompt is not recorded",
    "min-sonnet-4-6-2038": "April 2026; the minimum has been 1,024 since July 2026",
    "lat-01": "latencies, not counters",
    "lat-02": "latencies, not counters",
    "lat-03": "latencies, not counters",
    "cal-18": "the text is not recorded with the case",
    "cal-21": "the text is not recorded with the case",
}


def test_every_recorded_case_is_replayed_or_says_why_not(recorded_data):
    """No case of the file is forgotten, and no reason is given for a case that does not exist."""
    if not CASES:
        pytest.skip(f"no recordings at {FILE}: set ROCKBOTTOM_DATA")
    assert set(CASES) == set(REPLAYED) | set(NOT_REPLAYED)
    assert not Counter([*REPLAYED, *NOT_REPLAYED]).most_common(1)[0][1] > 1


class Bench:
    """Builds bodies out of recorded turns and calls the endpoint at the recorded instants."""

    def __init__(self, endpoint, runtime, kit):
        self.endpoint, self.runtime, self.kit = endpoint, runtime, kit
        self.model = kit.SONNET
        self.system = None
        self.uses_tools = False

    def at(self, seconds):
        """Move the clock."""
        self.kit.control(self.endpoint, "POST", "clock", {"set": self.kit.START + seconds})

    @property
    def meter(self):
        """The meter of the model's tokenizer."""
        state = self.endpoint.state
        return state.reader.meter(state.catalog.model(self.model).model)

    def filler(self, tokens):
        """A text of that many tokens by the endpoint's own estimate."""
        text = "".join(f" word{number % 97}" for number in range(tokens * 2))
        low, high = 0, len(text)
        while low < high:
            middle = (low + high) // 2
            if self.meter.tokens_of_text(text[:middle]) < tokens:
                low = middle + 1
            else:
                high = middle
        return text[:low]

    def block(self, item):
        """A content block of a recorded item."""
        if isinstance(item, str):
            if item.startswith("CP"):
                ttl = {"ttl": item[3:]} if item[2:3] == ":" else {}
                return {"cachePoint": {"type": "default", **ttl}}
            if item == "long":
                return {"text": self.filler(3000)}
            if item == "toolUse":
                return {"toolUse": {"toolUseId": "t1", "name": "lookup", "input": {}}}
            if item == "toolResult":
                return {"toolResult": {"toolUseId": "t1", "content": [{"text": self.filler(120)}]}}
            return {"text": item}
        if "gen" in item:
            count = int(re.search(r"range\((\d+)\)", item["gen"])[1])
            return {"text": " ".join(f"Rule {i}: answer politely and cite section {i}." for i in range(count))}
        if "toolUse" in item:
            return {"toolUse": {"toolUseId": "t1", "name": item["toolUse"], "input": item["input"]}}
        if "toolResult" in item:
            parts = [self.block(part) for part in item["toolResult"]]
            return {"toolResult": {"toolUseId": "t1", "content": parts}}
        if "document" in item:
            text = item.get("text") or "x" * item.get("bytes", 40)
            return {"document": {"name": "doc", "format": item["document"], "source": {"bytes": text.encode()}}}
        if "video" in item:
            return {"video": {"format": item["video"], "source": {"bytes": b"\x00" * 600}}}
        if "image" in item:
            width, height = map(int, item["px"].split("x"))
            header = b"\xff\xd8\xff\xc0\x00\x11\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
            return {"image": {"format": "jpeg", "source": {"bytes": header + b"\x00" * 20_000}}}
        if item.get("tokens"):
            return {"text": self.filler(item["tokens"])}
        if "text" in item:
            return {"text": item["text"] * item.get("repeat", 1)}
        return {"text": "".join(f"words in plain English number {n} " for n in range(item["chars"]))[: item["chars"]]}

    def tool(self, item, number):
        """A tool definition of a recorded item."""
        if isinstance(item, str) and item.startswith("CP"):
            return self.block(item)
        name = item if isinstance(item, str) else item.get("tool", "big")
        spec = {"name": f"{name}_{number}", "inputSchema": {"json": {"type": "object", "properties": {}}}}
        if isinstance(item, dict) and "tokens" in item:
            spec["description"] = self.filler(item["tokens"] - self.meter.weights.first_tool_tokens)
        return {"toolSpec": spec}

    def body(self, turn):
        """A Converse body of a recorded turn."""
        body = {}
        system = turn.get("system")
        if system is not None:
            items = [self.system if item == "same" else item for item in system]
            self.system = items[0]
            body["system"] = [self.block(item) for item in items]
        tools = [
            name
            for item in turn.get("tools", ())
            for name in ([item[:4]] * int(item[6:]) if isinstance(item, str) and item.startswith("tool x") else [item])
        ]
        if tools:
            body["toolConfig"] = {"tools": [self.tool(item, number) for number, item in enumerate(tools)]}
            choice = turn.get("toolChoice", "auto")
            if choice == "any":
                body["toolConfig"]["toolChoice"] = {"any": {}}
            elif choice.startswith("tool:"):
                names = [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"] if "toolSpec" in tool]
                name = next(name for name in names if name.startswith(choice[5:]))
                body["toolConfig"]["toolChoice"] = {"tool": {"name": name}}
        elif self.uses_tools or "tool" in json.dumps(turn["messages"]):
            body["toolConfig"] = {"tools": [self.tool("lookup", 0)]}
        messages = turn["messages"]
        if messages and isinstance(messages[0], str):
            messages = [["user", list(messages[:1])]] if messages[0] != "user" else [messages]
        body["messages"] = [
            {
                "role": role,
                "content": [self.block(item) for item in ([content] if isinstance(content, str) else content)],
            }
            for role, content in messages
        ]
        self.settle(body, turn.get("settings", {}))
        return body

    @staticmethod
    def settle(body, settings):
        """Thinking, effort and sampling."""
        extra = {}
        thinking = settings.get("thinking")
        if thinking:
            kind, _, budget = thinking.partition("/")
            extra["thinking"] = {"type": kind, **({"budget_tokens": int(budget)} if budget else {})}
        if settings.get("effort"):
            extra["output_config"] = {"effort": settings["effort"]}
        if extra:
            body["additionalModelRequestFields"] = extra
        config = {name: settings[name] for name in ("temperature", "maxTokens") if name in settings}
        if config:
            body["inferenceConfig"] = config

    def converse(self, body, model=None):
        """Usage of a Converse call with every field present."""
        usage = self.runtime.converse(modelId=model or self.model, **body)["usage"]
        return {
            "inputTokens": usage["inputTokens"],
            "cacheRead": usage.get("cacheReadInputTokens", 0),
            "cacheWrite": usage.get("cacheWriteInputTokens", 0),
            "total": usage["totalTokens"] - usage["outputTokens"],
        }

    def matches(self, usage, expected, tolerance):
        """Recorded counters against those of the endpoint."""
        for name, wanted in expected.items():
            if name in ("inputTokens", "cacheRead", "cacheWrite") and wanted is not None:
                assert agrees(usage[name], wanted, tolerance), (name, usage, expected)
        known = [expected.get(name) for name in ("inputTokens", "cacheRead", "cacheWrite")]
        if all(isinstance(value, int) for value in known):
            assert agrees(usage["total"], sum(known), tolerance), (usage, expected)


def agrees(found, wanted, tolerance):
    """A count against a recorded one; 0 and more than 0 are told apart exactly."""
    if wanted == "all":
        return found > 0
    if isinstance(wanted, str):
        return found > int(wanted.removeprefix(">"))
    return (
        (found > 0 or wanted <= 15)
        if wanted and found == 0
        else (found == 0 if wanted == 0 else abs(found - wanted) <= tolerance * wanted + 15)
    )


@pytest.fixture
def bench(endpoint, runtime, kit):
    """A Bench."""
    return Bench(endpoint, runtime, kit)


def model_id(name):
    """The id behind a case's informal name."""
    informal = {
        "claude-haiku-4-5": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "claude-sonnet-4-6": "us.anthropic.claude-sonnet-4-6",
        "claude-3-7-sonnet": "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    }
    return informal.get(name, name.split(" ")[0])


def replay_turns(case, bench):
    """Every turn at its instant, every counter compared; the first turn of a warm case is sent twice."""
    bench.model = model_id(case["model"])
    bench.uses_tools = "toolUse" in json.dumps(case["turns"])
    exact = "tokens" in json.dumps(case["turns"]) and "repeat" not in json.dumps(case["turns"])
    for turn, expected in zip(case["turns"], case["expect"], strict=True):
        bench.at(turn["t_s"])
        body = bench.body(turn)
        if turn.get("warm"):
            bench.converse(body)
        bench.matches(bench.converse(body), expected, 0.01 if exact else MOST_OFF)


def replay_error(case, bench):
    """Every turn is refused with the recorded code and text."""
    bench.model = model_id(case["model"])
    for turn, expected in zip(case["turns"], case["expect"], strict=True):
        refused(bench, bench.body(turn), expected)


def refused(bench, body, expected, model=None):
    """The call fails as recorded; sent as plain HTTP, because SDKs refuse some of it themselves."""
    status, reply, headers = bench.kit.http(
        bench.endpoint, "POST", f"/model/{model or bench.model}/converse", json.dumps(body, default=_base64).encode()
    )
    assert status == expected.get("http", 400), reply
    assert headers["x-amzn-errortype"] == expected.get("code", "ValidationException")
    assert expected.get("message", expected.get("message_contains")) in reply["message"]


def _base64(raw):
    return base64.b64encode(raw).decode()


def replay_patterns(*patterns):
    """Turns compared by pattern only: the counters that each turn's dictionary names."""

    def replay(case, bench):
        bench.model = model_id(case["model"])
        for turn, expected in zip(case["turns"], patterns, strict=True):
            bench.at(turn["t_s"])
            bench.matches(bench.converse(bench.body(turn)), expected, 0.02)

    return replay


def first_error(body):
    """The single recorded error of a case, for a body written here because the case has it in prose."""

    def replay(case, bench):
        bench.model = bench.kit.SONNET
        refused(bench, body(bench), case["expect"][0])

    return replay


def orphan_system(bench):
    """system: [CP, text]."""
    return {"system": [bench.block("CP"), {"text": "text"}], "messages": [bench.kit.user("q")]}


def orphan_tools(bench):
    """tools: [CP, tool]."""
    return {"toolConfig": {"tools": [bench.block("CP"), bench.tool("t", 0)]}, "messages": [bench.kit.user("q")]}


def ttl_order(bench):
    """A 1h point in a message after a 5m point."""
    kit = bench.kit
    return {
        "messages": [
            kit.user("a"),
            kit.assistant("b", bench.block("CP:5m")),
            kit.user("c"),
            kit.assistant("d", bench.block("CP:1h")),
            kit.user("e"),
        ]
    }


def after_reasoning(bench):
    """A point right after a reasoning block."""
    kit = bench.kit
    thought = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}
    return {"messages": [kit.user("q"), kit.assistant("a", thought, bench.block("CP")), kit.user("q")]}


def replay_old_ttl(case, bench):
    """Every Claude without 1h refuses it."""
    for model in (
        "anthropic.claude-opus-4-20250514-v1:0",
        "anthropic.claude-opus-4-1-20250805-v1:0",
        "us.anthropic.claude-sonnet-4-20250514-v1:0",
        "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    ):
        refused(
            bench,
            {"messages": [bench.kit.user("a", bench.block("CP:1h"))]},
            case["expect"][0],
            "us." + model.removeprefix("us."),
        )


def replay_unsupported(case, bench):
    """Every model named there that the catalogue knows refuses a point with 403."""
    known = [
        name
        for name in (
            "us.meta.llama3-3-70b-instruct-v1:0",
            "us.deepseek.r1-v1:0",
            "moonshot.kimi-k2-thinking",
            "qwen.qwen3-32b-v1:0",
            "openai.gpt-oss-120b-1:0",
        )
        if name.removeprefix("us.") in bench.endpoint.state.catalog.models
    ]
    assert len(known) >= 2
    for model in known:
        refused(
            bench,
            {"system": [{"text": "text"}, bench.block("CP")], "messages": [bench.kit.user("q")]},
            case["expect"][0],
            model,
        )


def replay_text_document(case, bench):
    """A point directly after a markdown document."""
    bench.model = bench.kit.SONNET
    refused(bench, bench.body(case["turns"][0]), case["expect"][0])


def replay_toolchoice(case, bench):
    """auto -> any: tools and system are read, messages written; any -> tool: everything is read."""
    first, second, third = (bench.converse(bench.body(turn)) for turn in case["turns"])
    assert first["cacheRead"] == 0
    assert first["cacheWrite"] > 2048
    assert second["cacheRead"] + second["cacheWrite"] == first["cacheWrite"]
    assert 0 < second["cacheRead"] < first["cacheWrite"]
    assert (third["cacheRead"], third["cacheWrite"]) == (first["cacheWrite"], 0)


def replay_order(case, bench):
    """Both probes: the prefix counts tools and system together."""
    for turn, expected in zip(case["turns"], case["expect"], strict=True):
        bench.kit.control(bench.endpoint, "POST", "reset")
        usage = bench.converse(bench.body(turn))
        assert agrees(usage["cacheWrite"], expected["cached"], 0.05), (usage, expected)


def replay_expiry(case, bench):
    """The 5m entry is gone after 403 idle seconds, the 1h entry is not."""
    bench.model = model_id(case["model"])
    bodies = {"p5": ("CP", 3639, "five"), "p1h": ("CP:1h", 3642, "hour")}
    for turn, expected in zip(case["turns"], case["expect"], strict=True):
        point, tokens, mark = bodies[turn["messages"][0]]
        bench.at(turn["t_s"])
        body = {"messages": [bench.kit.user(mark + bench.filler(tokens - 8), bench.block(point), "q")]}
        bench.matches(bench.converse(body), expected, 0.01)


def replay_schema(case, bench):
    """A changed output schema is another cache, and the first is still there."""
    found = []
    for turn in case["turns"]:
        schema = {"type": "object", "properties": {turn["outputConfig"]: {"type": "string"}}}
        body = {
            "system": [{"text": bench.filler(2000)}, bench.block("CP")],
            "messages": [bench.kit.user("q")],
            "outputConfig": {
                "textFormat": {
                    "type": "json_schema",
                    "structure": {"jsonSchema": {"name": "s", "schema": json.dumps(schema)}},
                }
            },
        }
        usage = bench.converse(body)
        found.append("read" if usage["cacheRead"] else "write")
    assert found == case["expect"]


def replay_parallel(tools, *, extra=False, before=6930):
    """History with a marker, then so many parallel calls and results with the marker on the last message."""

    def replay(case, bench):
        kit, block = bench.kit, bench.block("CP")
        config = {"tools": [bench.tool("lookup", 0), *([block] if extra else [])]}
        system = {"system": [{"text": bench.filler(1500)}, block]} if extra else {}
        history = [kit.user(bench.filler(before - 2500 if extra else before - 600), block)]
        bench.converse({"toolConfig": config, **system, "messages": history})
        uses = [{"toolUse": {"toolUseId": f"t{n}", "name": "lookup_0", "input": {"n": n}}} for n in range(tools)]
        results = [
            {"toolResult": {"toolUseId": f"t{n}", "content": [{"text": bench.filler(60)}]}} for n in range(tools)
        ]
        body = {
            "toolConfig": config,
            **system,
            "messages": [
                kit.user(history[0]["content"][0]["text"]),
                kit.assistant(*uses, *([block] if extra else [])),
                kit.user(*results, block),
            ],
        }
        usage, expected = bench.converse(body), case["expect"][-1]
        if expected["cacheRead"] == 0:
            assert usage["cacheRead"] == 0
        elif expected["cacheRead"] < 3000:  # the system's entry only
            assert 0 < usage["cacheRead"] < 3000
        else:
            assert agrees(usage["cacheRead"], expected["cacheRead"], 0.1), usage
        assert usage["cacheWrite"] > 0

    return replay


def replay_4_and_12(case, bench):
    """4 parallel tools read everything, 12 read the system only."""
    for tools, expected in zip((4, 12), case["expect"], strict=True):
        bench.kit.control(bench.endpoint, "POST", "reset")
        kit, block = bench.kit, bench.block("CP")
        base = {"toolConfig": {"tools": [bench.tool("lookup", 0)]}, "system": [{"text": bench.filler(1500)}, block]}
        history = kit.user(bench.filler(4600))
        bench.converse({**base, "messages": [kit.user(*history["content"], block)]})
        uses = [{"toolUse": {"toolUseId": f"t{n}", "name": "lookup_0", "input": {}}} for n in range(tools)]
        results = [{"toolResult": {"toolUseId": f"t{n}", "content": [{"text": "ok"}]}} for n in range(tools)]
        usage = bench.converse({**base, "messages": [history, kit.assistant(*uses), kit.user(*results, block)]})
        assert agrees(usage["cacheRead"], expected["cacheRead"], 0.15), usage


def replay_marker_kept_behind(case, bench):
    """A marker left on the first messages reads that prefix only; one at the end reads nearly everything."""
    kit, block = bench.kit, bench.block("CP")
    turns = [bench.filler(900 + 10 * n) for n in range(13)]

    def chat(upto, marked):
        found = []
        for n in range(upto):
            make = kit.assistant if n % 2 else kit.user
            found.append(make(turns[n], *([block] if n in marked else [])))
        return found

    bench.converse({"messages": chat(11, {0, 2, 4})})
    behind = bench.converse({"messages": chat(13, {0, 2, 4})})
    bench.kit.control(bench.endpoint, "POST", "reset")
    bench.converse({"messages": chat(11, {10})})
    moved = bench.converse({"messages": chat(13, {12})})
    assert behind["inputTokens"] > behind["cacheRead"] > 0
    assert moved["inputTokens"] == case["expect"][1]["inputTokens"]
    assert moved["cacheRead"] > behind["cacheRead"]


def replay_nested_invoke(case, bench):
    """cache_control on a text inside tool_result.content caches up to that result."""
    text = {"type": "text", "text": bench.filler(2000), "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [text]}]},
        ],
    }
    reply = bench.runtime.invoke_model(modelId=bench.kit.SONNET, body=json.dumps(body))
    assert json.loads(reply["body"].read())["usage"]["cache_creation"]["ephemeral_1h_input_tokens"] > 1024


def replay_nested_http(case, bench):
    """A cachePoint inside toolResult.content over plain HTTP is accepted and has no effect."""
    body = bench.body(case["turns"][0])
    status, reply, _ = bench.kit.http(bench.endpoint, "POST", f"/model/{bench.model}/converse", body)
    assert status == 200, reply
    usage = reply["usage"]
    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (0, 0)


def replay_invoke_haiku(case, bench):
    """A marked conversation on InvokeModel, then the next turn: what was written is read, the rest is written."""
    bench.model = model_id(case["model"])
    document, answer = bench.filler(9511 - 7), bench.filler(1944)
    mark = {"cache_control": {"type": "ephemeral"}}

    def call(messages):
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": messages}
        reply = bench.runtime.invoke_model(modelId=bench.model, body=json.dumps(body))
        return json.loads(reply["body"].read())["usage"]

    first = {"type": "text", "text": document}
    for _ in range(2):
        usage = call([{"role": "user", "content": [{**first, **mark}]}])
    assert (usage["input_tokens"], usage["cache_creation_input_tokens"]) == (3, 0)
    assert agrees(usage["cache_read_input_tokens"], case["expect"][0]["cacheRead"], 0.01)
    usage = call(
        [
            {"role": "user", "content": [first]},
            {"role": "assistant", "content": answer},
            {"role": "user", "content": [{"type": "text", "text": "q", **mark}]},
        ]
    )
    assert agrees(usage["cache_read_input_tokens"], case["expect"][1]["cacheRead"], 0.01)
    assert agrees(usage["cache_creation"]["ephemeral_5m_input_tokens"], case["expect"][1]["ephemeral_5m"], 0.02)
    assert usage["input_tokens"] == case["expect"][1]["inputTokens"]


def replay_idp(case, bench):
    """A static prefix and a document behind it: written, then read."""
    bench.model = model_id(case["model"])
    expected = case["expect"]
    prefix = bench.filler(expected[0]["cacheWrite"] - bench.meter.weights.message_tokens - 80)
    body = {
        "system": [{"text": bench.filler(80)}],
        "messages": [bench.kit.user(prefix, bench.block("CP"), bench.filler(expected[0]["inputTokens"] - 4))],
    }
    for turn, wanted in zip(case["turns"], expected, strict=True):
        bench.at(turn["t_s"])
        bench.matches(bench.converse(body), wanted, 0.01)


def replay_drift(case, bench):
    """One write of the system text, then reads of it while the history grows (the drift itself is not played)."""
    bench.model = model_id(case["model"])
    system = [{"text": bench.filler(2130)}, bench.block("CP")]
    messages = [bench.kit.user("What are the main features?")]
    for turn, expected in zip(case["turns"], case["expect"], strict=True):
        bench.at(turn["t_s"])
        usage = bench.converse({"system": system, "messages": messages})
        assert agrees(usage["cacheRead"], expected["cacheRead"], 0.01)
        assert agrees(usage["cacheWrite"], expected["cacheWrite"], 0.01)
        messages = [*messages, bench.kit.assistant(bench.filler(expected["outputTokens"])), bench.kit.user("And then?")]


def replay_separate_turns(case, bench):
    """Probes that do not belong together: each against an empty cache."""
    bench.model = model_id(case["model"])
    for turn, expected in zip(case["turns"], case["expect"], strict=True):
        bench.kit.control(bench.endpoint, "POST", "reset")
        bench.matches(bench.converse(bench.body(turn)), expected, 0.02)


def replay_below_minimum(case, bench):
    """Nova writes prefixes of fewer than 1,000 tokens; every call has another prefix and document."""
    bench.model = model_id(case["model"])
    for number, expected in enumerate(case["expect"]):
        prefix = f"{number} " + bench.filler(expected["cacheWrite"] - bench.meter.weights.message_tokens - 2)
        body = {"messages": [bench.kit.user(prefix, bench.block("CP"), bench.filler(expected["inputTokens"]))]}
        bench.matches(bench.converse(body), expected, 0.03)


def replay_growing_history(case, bench):
    """Claude 3.5 Haiku caches nothing below 2,048 tokens; the turn that goes beyond them writes all."""
    bench.model = "anthropic.claude-3-5-haiku-20241022-v1:0"
    turns = [bench.filler(case["expect"][0]["inputTokens"] - 20)]
    for expected in case["expect"]:
        content = [{"type": "text", "text": text} for text in turns]
        messages = [
            {"role": "assistant" if place % 2 else "user", "content": [block]} for place, block in enumerate(content)
        ]
        last = messages[-1]["content"][-1]
        messages[-1]["content"] = [{**last, "cache_control": {"type": "ephemeral"}}]
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 256, "messages": messages}
        raw = bench.runtime.invoke_model(modelId=bench.model, body=json.dumps(body))["body"].read()
        usage = json.loads(raw)["usage"]
        for name, field in (("cacheRead", "cache_read_input_tokens"), ("cacheWrite", "cache_creation_input_tokens")):
            assert (usage[field] > 0) == (expected[name] > 0), (usage, expected)
        turns += [bench.filler(expected["outputTokens"]), bench.filler(20)]


def replay_clearing(case, bench):
    """Results that are cleared one by one change the prefix at every call; cleared together, they change it once.

    Of each strategy only the last call's totals are recorded: most is read where nothing was cleared, nearly as much
    where a batch was cleared before, and the system text alone where one more was cleared.
    """
    kit, block = bench.kit, bench.block("CP")
    base = {"toolConfig": {"tools": [bench.tool("lookup", 0)]}, "system": [{"text": bench.filler(1600)}, block]}

    def history(calls, cleared):
        messages = [kit.user("start")]
        for number in range(calls):
            use = {"toolUse": {"toolUseId": f"t{number}", "name": "lookup_0", "input": {"n": number}}}
            text = "[cleared]" if number < cleared else bench.filler(600 + number)
            result = {"toolResult": {"toolUseId": f"t{number}", "content": [{"text": text}]}}
            messages += [kit.assistant(use), kit.user(result)]
        messages[-1]["content"].append(block)
        return {**base, "messages": messages}

    for before, now, expected in zip((0, 9, 5), (0, 10, 5), case["expect"], strict=True):
        kit.control(bench.endpoint, "POST", "reset")
        bench.converse(history(18, before))
        usage = bench.converse(history(19, now))
        system_alone = expected["cacheRead"] < 3000
        assert (usage["cacheRead"] < 3000) == system_alone, (usage, expected)
        assert (usage["cacheWrite"] > 2000) == system_alone, (usage, expected)


def replay_union(case, bench):
    """Two keys in one content block: AWS's sentence, word for word."""
    refused(
        bench,
        bench.body({"messages": []})
        | {"messages": [{"role": "user", "content": [{"text": "a", "cachePoint": {"type": "default"}}]}]},
        case["expect"][0],
    )


def calibration(*messages, system=None, tools=0, field="tokens"):
    """The input tokens of a text, within 15% and 12 tokens."""

    def replay(case, bench):
        bench.model = model_id(case["model"])
        body = {"messages": [bench.kit.user(*messages)]}
        if system:
            body["system"] = [{"text": system}]
        if tools:
            body["toolConfig"] = {"tools": [bench.tool("weather", number) for number in range(tools)]}
        usage = bench.converse(body)
        wanted = case[field]
        assert abs(usage["total"] - wanted) <= MOST_OFF * wanted + 12, (usage, wanted)

    return replay


def replay_text(case, bench):
    """The case's text as the only message."""
    calibration(case["text"])(case, bench)


NUMBERS = "YOU MUST RESPONSE ONLY WITH SINGLE NUMBER\n" * 50
QUESTION = "ONLY SINGLE NUMBER IN RESPONSE\n" * 100 + "Response only number What is 2 + 3"
STRICT = "YOU MUST USE TOOLS WHEN REQUIRED AND THEN ANSWER WITH ONLY THE TOOL RESULT.\n" * 100
CALL = "Call `catalog_lookup`, then answer with only its return value."
CHATBOT = "You are a helpful chatbot."  # 26 characters, as the case says of its system text
# Of this text only its length and kind are recorded; product documents are half prose, half lists of figures.
PRODUCT = """\
## SmartHub Pro X200: product guide

- Wireless: Wi-Fi 6 (802.11ax), 2.4 GHz + 5 GHz, up to 1,201 Mbps; WPA3/WPA2.
- Ports: 4 x Gigabit LAN, 1 x WAN, 1 x USB 3.0. Power: 12 V / 1.5 A.

The setup wizard guides you through naming the network, choosing a password, and updating the firmware. Keep it away
from walls and metal surfaces, and restart it after every change of the configuration. **Warranty.** 24 months.

"""
HARNESS = "You are a helpful assistant operating inside a controlled test harness. " * 600
POLICY = " ".join(f"Rule {n}: answer politely and cite section {n}." for n in range(225))

REPLAYED = {
    "pai-03-write-nova": replay_turns,
    "pai-04-four-markers": replay_turns,
    "pai-05-cp-before-trailing-doc": replay_turns,
    "pai-06-cp-after-image": replay_turns,
    "pai-07-nova-video": replay_turns,
    "pai-08-toolchoice-claude": replay_patterns(
        *[{"cacheRead": 0, "cacheWrite": ">1024"}, *[{"cacheRead": ">1024", "cacheWrite": 0}] * 3]
    ),
    "pai-10-invoke-haiku45": replay_invoke_haiku,
    "idp-01-anthropic": replay_idp,
    "idp-01-amazon": replay_idp,
    "idp-03-nova-below-1k": replay_below_minimum,
    "hs-06-haiku35-min": replay_growing_history,
    "cc-clear-tools": replay_clearing,
    "rig-01-nova-27": replay_turns,
    "lca-01-nova-lite-placements": replay_separate_turns,
    "lca-02-nova-tools": replay_error,
    "nova-03-tool-index": replay_error,
    "nova-05-after-text": replay_turns,
    "nova-06-ttl": replay_error,
    "nova-07-drift": replay_drift,
    "nova-08-2lite": replay_turns,
    "nova-09-micro": replay_turns,
    "err-unsupported": replay_unsupported,
    "cc-langchain-invoke-10": replay_parallel(10),
    "cc-langchain-invoke-11": replay_parallel(11),
    "cc-langchain-converse4-21": replay_parallel(21, extra=True),
    "cc-langchain-converse4-22": replay_parallel(22, extra=True),
    "cc-litellm-role-user": replay_marker_kept_behind,
    "cc-litellm-4-vs-12": replay_4_and_12,
    "cc-orphan-later-message-first": replay_error,
    "cc-orphan-cp-only-assistant": replay_error,
    "cc-orphan-system-first": first_error(orphan_system),
    "cc-orphan-tools-first": first_error(orphan_tools),
    "cc-double-cp": replay_turns,
    "cc-nested-toolresult-http": replay_nested_http,
    "cc-inv-thinking-off-enabled": replay_turns,
    "cc-inv-thinking-absent-disabled": replay_turns,
    "cc-inv-thinking-budget": replay_turns,
    "cc-inv-thinking-adaptive": replay_turns,
    "cc-inv-effort-low": replay_turns,
    "cc-inv-effort-high": replay_turns,
    "cc-inv-effort-low-medium": replay_turns,
    "cc-inv-sampling": replay_turns,
    "cc-inv-toolchoice": replay_toolchoice,
    "cc-not-moved": replay_turns,
    "cc-nested-toolresult-invoke": replay_nested_invoke,
    "schema-change": replay_schema,
    "min-haiku-4-5-3850": replay_turns,
    "min-sonnet-4-6-2067": replay_turns,
    "min-3-7-sonnet-1038": replay_turns,
    "order-tools-system": replay_order,
    "ttl-expiry": replay_expiry,
    "ttl-order": first_error(ttl_order),
    "err-reasoning": first_error(after_reasoning),
    "err-textdoc": replay_text_document,
    "err-union": replay_union,
    "err-ttl-old-claude": replay_old_ttl,
    "cal-01": calibration(QUESTION, system=NUMBERS),
    "cal-02": calibration(QUESTION, system=NUMBERS),
    "cal-03": replay_text,
    "cal-04": replay_text,
    "cal-05": calibration("What's the weather in Paris?", tools=1, field="with_one_tool_auto"),
    "cal-06": replay_text,
    "cal-07": replay_text,
    "cal-08": calibration("What is the capital of France?", system=CHATBOT),
    "cal-09": calibration("What is the capital of France?", system=CHATBOT),
    "cal-10": replay_text,
    "cal-11": replay_text,
    "cal-12": replay_text,
    "cal-13": calibration("Reply with OK.", system=POLICY),
    "cal-14": calibration(CALL, system=STRICT, tools=2),
    "cal-15": calibration(CALL, system=STRICT, tools=2),
    "cal-16": calibration((PRODUCT * 20)[:7549]),
    "cal-17": calibration("Say OK.", system=HARNESS),
    "cal-20": calibration(
        "In one or two sentences, explain what Rust programming language is and why memory safety matters.",
        system="You are a concise assistant. Answer directly.",
    ),
}


@pytest.mark.parametrize("name", sorted(REPLAYED))
def test_the_endpoint_does_what_was_recorded(name, bench, recorded_data):
    """One recorded case: same refusals, same reads and writes, same counts within the estimate's error."""
    if not CASES:
        pytest.skip(f"no recordings at {FILE}: set ROCKBOTTOM_DATA")
    try:
        REPLAYED[name](CASES[name], bench)
    except ClientError as error:
        pytest.fail(f"{name}: {error}")
