"""Rules that a plan must know: deferred tools, toolChoice on Nova, illegal points of the caller's own."""

import json

from rockbottom.plan import Planner

NOW = 1_795_000_000.0
TOOL = {"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}
CLAUDE, NOVA = "us.anthropic.claude-sonnet-4-6", "us.amazon.nova-pro-v1:0"


def tool(number: int, **more: object) -> dict:
    """A tool of a native body, some 250 tokens."""
    return {"name": f"t{number}", "description": "does a thing " * 80, "input_schema": {"type": "object"}, **more}


def native(tools: list[dict], question: str) -> dict:
    """The arguments of invoke_model."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "tools": tools,
        "messages": [{"role": "user", "content": question}],
    }
    return {"modelId": CLAUDE, "body": json.dumps(body)}


def test_a_tool_with_defer_loading_is_never_marked():
    """Anthropic refuses cache_control there: "cannot have both defer_loading=true and cache_control set"."""
    tools = [*(tool(n) for n in range(12)), *(tool(n, defer_loading=True) for n in range(12, 40))]
    planner = Planner()
    for number in range(4):
        request = native(tools, f"question {number}")
        sent = json.loads(planner.plan(request, now=NOW + 10 * number).apply(request)["body"])
        marked = [one["name"] for one in sent["tools"] if "cache_control" in one]
        assert not [name for name in marked if int(name[1:]) >= 12]
    assert marked == ["t11"]


def test_another_tool_choice_is_another_prefix_on_nova():
    """Recorded: the first request with auto after a forced one wrote the same system prompt again; Claude reads it."""
    for model, reads in ((NOVA, False), (CLAUDE, True)):
        planner, plans = Planner(), []
        for number, choice in enumerate(({"any": {}}, {"auto": {}}, {"any": {}})):
            request = {
                "modelId": model,
                "system": [{"text": "policy " * 4000}],
                "toolConfig": {"tools": [TOOL], "toolChoice": choice},
                "messages": [{"role": "user", "content": [{"text": f"question {number}"}]}],
            }
            plans.append(planner.plan(request, now=NOW + 10 * number))
        assert [plan.read > 0 for plan in plans] == [False, reads, True]


def test_an_illegal_point_of_the_callers_own_is_named():
    """Nova takes no point in its tools: the request stays as it is, and the plan and one notice say where."""
    request = {
        "modelId": NOVA,
        "system": [{"text": "policy " * 4000}],
        "toolConfig": {"tools": [TOOL, {"cachePoint": {"type": "default"}}]},
        "messages": [{"role": "user", "content": [{"text": "hello"}]}],
    }
    planner = Planner()
    plans = [planner.plan(request, now=NOW + number) for number in range(2)]
    assert all("toolConfig.tools[1]" in plan.explain() for plan in plans)
    assert plans[0].apply(request) == request
    assert len(planner.notices) == 1
    assert "toolConfig.tools[1]" in planner.notices[0]
