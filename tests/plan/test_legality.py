"""Whatever the request, the plan's points are accepted by the service's rules and none is spent below the minimum."""

import copy
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.cache import behaviour_of, refusal
from rockbottom.catalog import load_catalog
from rockbottom.dialects import BodyReader
from rockbottom.plan import Planner
from rockbottom.plan.prices import day_of
from rockbottom.plan.priors import load_priors
from rockbottom.prompt import Api

CATALOG = load_catalog()

NOW = 1_795_000_000.0
TODAY = day_of(NOW, CATALOG.caching_since)
EXPLICIT = sorted(model.id for model in CATALOG.models.values() if CATALOG.rules(model, TODAY).explicit)
MANY_LONG_GAPS = dict.fromkeys(load_priors(), ((3.0, 0.0, 2.0, 0.0), (2.0, 2.0, 0.0, 0.0)))
OTHERS = ["meta.llama3-3-70b-instruct-v1:0", "openai.gpt-5.6-luna", "qwen.qwen3-32b-v1:0"]


def text(rng: random.Random) -> str:
    """A text between nothing much and some thousand tokens."""
    return "word " * rng.choice((1, 3, 50, 400, 1500, 6000))


def block(rng: random.Random, number: int, assistant: bool, claude: bool) -> dict:
    """A content block of any kind that the role may send."""
    kinds = (
        ["text", "text", "text", "toolUse", "reasoning"]
        if assistant
        else ["text", "text", "toolResult", "image", "csv", "pdf", "guard"]
    )
    kind = rng.choice(kinds)
    if kind == "toolUse":
        return {"toolUse": {"toolUseId": f"t{number}", "name": "look", "input": {"q": text(rng)[:200]}}}
    if kind == "reasoning" and claude:
        return {"reasoningContent": {"reasoningText": {"text": text(rng)[:500], "signature": "s"}}}
    if kind == "toolResult":
        return {"toolResult": {"toolUseId": f"t{number}", "content": [{"text": text(rng)}]}}
    if kind == "image":
        return {"image": {"format": "png", "source": {"bytes": b"\x89PNG" + bytes([number % 250])}}}
    if kind in ("csv", "pdf"):
        return {"document": {"format": kind, "name": f"d{number}", "source": {"bytes": text(rng).encode()}}}
    if kind == "guard":
        return {"guardContent": {"text": {"text": text(rng)}}}
    return {"text": text(rng)}


def conversation(rng: random.Random, model_id: str) -> list[dict]:
    """The requests of a growing conversation."""
    request: dict = {"modelId": model_id, "messages": []}
    if rng.random() < 0.7:
        request["system"] = [{"text": text(rng)} for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.6:
        tools = [
            {"toolSpec": {"name": f"t{n}", "description": text(rng)[:300], "inputSchema": {"json": {"type": "object"}}}}
            for n in range(rng.randint(1, 6))
        ]
        request["toolConfig"] = {"tools": tools}
    requests = []
    claude = "anthropic" in model_id
    for turn in range(rng.randint(1, 4)):
        if turn:
            blocks = [block(rng, 100 * turn + n, True, claude) for n in range(rng.choice((1, 2, 14, 26)))]
            request = {**request, "messages": [*request["messages"], {"role": "assistant", "content": blocks}]}
        blocks = [block(rng, 100 * turn + n, False, claude) for n in range(rng.choice((1, 2, 14, 26)))]
        request = {**request, "messages": [*request["messages"], {"role": "user", "content": blocks}]}
        requests.append(request)
    return requests


def check(planner: Planner, request: dict, now: float) -> None:
    """Plan, apply, read again: no refusal, nothing below the minimum, the caller's objects as they were."""
    before = copy.deepcopy(request)
    plan = planner.plan(request, now=now)
    sent = plan.apply(request)
    assert request == before
    model = CATALOG.model(request["modelId"]).model
    api = Api.INVOKE if "body" in request else Api.CONVERSE
    body = json.loads(sent["body"]) if "body" in sent else sent
    prompt = BodyReader.of(CATALOG).read(body, api, model)
    rules = CATALOG.rules(model, TODAY)
    assert refusal(prompt, rules, behaviour_of(CATALOG.switches)) is None
    assert all(prompt.depths[placement.after] >= rules.minimum_tokens for placement in plan.placements)
    assert {placement.after for placement in plan.placements} <= {point.after for point in prompt.points}
    planner.observe(request, {"inputTokens": prompt.tokens, "outputTokens": 1, "totalTokens": 1}, now=now)


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.sampled_from([one for one in EXPLICIT if "anthropic" in one]))
def test_every_insured_plan_is_accepted(rng, model_id):
    """Random conversations where a one-hour tail was found to keep its prefix: an hour never follows five minutes."""
    found = behaviour_of(CATALOG.switches, entry_lifetime="whole_prefix", ttl_in_key="no")
    planner = Planner(behaviour=found, priors=MANY_LONG_GAPS)
    now = NOW
    for request in conversation(rng, model_id) * 2:
        check(planner, request, now)
        now += rng.choice((1, 40, 400))


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.sampled_from(EXPLICIT + OTHERS), st.booleans())
def test_every_plan_for_converse_is_accepted(rng, model_id, changes):
    """Random conversations of every model, with and without leave to change content."""
    planner = Planner(move_volatile=changes, sort_tools=changes)
    now = NOW
    for request in conversation(rng, model_id) * 2:
        check(planner, request, now)
        now += rng.choice((1, 40, 400, 4000))


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.sampled_from(["keep", "complete", "replace"]))
def test_own_points_never_make_a_request_illegal(rng, own):
    """Callers' points are kept, completed or replaced, and the result is accepted."""
    planner = Planner(own_points=own)
    for request in conversation(rng, "global.anthropic.claude-sonnet-4-6"):
        content = request["messages"][0]["content"]
        if any("text" in block for block in content[:1]):
            changed = [content[0], {"cachePoint": {"type": "default"}}, *content[1:]]
            request = {**request, "messages": [{"role": "user", "content": changed}, *request["messages"][1:]]}
        check(planner, request, NOW)


@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_every_plan_for_native_bodies_is_accepted(rng):
    """Anthropic Messages and Nova bodies, as text and as bytes."""
    planner = Planner()
    for turn in range(3):
        words = [text(rng) for _ in range(turn * 2 + 1)]
        roles = ["user", "assistant"] * 3
        claude = [
            {"role": r, "content": w if rng.random() < 0.5 else [{"type": "text", "text": w}]}
            for r, w in zip(roles, words, strict=False)
        ]
        body = {"system": text(rng), "messages": claude, "max_tokens": 5, "anthropic_version": "bedrock-2023-05-31"}
        given = json.dumps(body)
        check(
            planner,
            {"modelId": "global.anthropic.claude-sonnet-4-6", "body": given if rng.random() < 0.5 else given.encode()},
            NOW + turn,
        )
        nova = [{"role": r, "content": [{"text": w}]} for r, w in zip(roles, words, strict=False)]
        body = {"system": [{"text": text(rng)}], "messages": nova}
        check(planner, {"modelId": "us.amazon.nova-pro-v1:0", "body": json.dumps(body)}, NOW + turn)


@pytest.mark.parametrize("model_id", OTHERS)
def test_models_without_caching_are_left_alone(model_id):
    """A model that refuses cachePoints gets none."""
    request = {"modelId": model_id, "messages": [{"role": "user", "content": [{"text": "word " * 9000}]}]}
    assert Planner().plan(request, now=NOW).apply(request) == request


def test_application_profiles_are_resolved_once():
    """The resolver is asked, and the model behind the ARN decides."""
    arn = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc"
    asked = []

    def resolve(given: str) -> str:
        asked.append(given)
        return "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6"

    tools = [{"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}]
    request = {
        "modelId": arn,
        "system": [{"text": "word " * 4000}],
        "toolConfig": {"tools": tools},
        "messages": [{"role": "user", "content": [{"text": "hello"}]}],
    }
    planner = Planner(resolve=resolve)
    assert planner.plan(request, now=NOW).placements
    assert planner.plan(request, now=NOW + 5).read
    assert asked == [arn]
    assert not Planner().plan(request, now=NOW).placements
