"""What changes in front of a conversation that goes on is seen by structure, whatever the texts are."""

import random

import pytest

from rockbottom.plan import Planner

NOW = 1_795_000_000.0
MODEL = "us.anthropic.claude-sonnet-4-6"
WORDS = ["parcel", "order", "refund", "status", "policy", "agent", "window", "returned", "number", "customer"]


def prose(rng: random.Random, words: int) -> str:
    """Sentences of a dozen words, not the same twice."""
    return " ".join(rng.choice(WORDS) + str(rng.randrange(1000)) + "." * (n % 12 == 11) for n in range(words))


POLICY, GUIDE, EXAMPLES = (prose(random.Random(seed), 1500) for seed in (1, 2, 3))
TOOLS = [
    {"toolSpec": {"name": f"tool_{n}", "description": prose(random.Random(n), 200), "inputSchema": {"json": {}}}}
    for n in range(5)
]


def front(kind: str, number: int) -> dict:
    """Tools and system of the request of this number."""
    rng = random.Random(100 + number)
    texts = {
        "a counter": [f"now={number}", POLICY],
        "a short word": [WORDS[number % len(WORDS)], POLICY],
        "a passage": [prose(rng, 800), POLICY],
        "a name inside": [f"{POLICY} The customer is called {prose(rng, 2)}. {GUIDE}"],
        "blocks in another order": rng.sample([POLICY, GUIDE, EXAMPLES], 3),
    }.get(kind, [POLICY])
    tools = TOOLS
    if kind == "a tool":
        tools = [*TOOLS[:2], {"toolSpec": {**TOOLS[2]["toolSpec"], "description": f"{number}"}}, *TOOLS[3:]]
    if kind == "tools in another order":
        tools = rng.sample(TOOLS, 5)
    return {"system": [{"text": text} for text in texts], "toolConfig": {"tools": tools}}


def conversation(kind: str, turns: int):
    """Requests of a conversation that grows behind such a front."""
    messages: list[dict] = []
    for number in range(turns):
        messages = [*messages, {"role": "user", "content": [{"text": prose(random.Random(7 * number), 300)}]}]
        yield {"modelId": MODEL, **front(kind, number), "messages": list(messages)}
        messages = [*messages, {"role": "assistant", "content": [{"text": f"Answer {number}."}]}]


KINDS = ["a counter", "a short word", "a passage", "a name inside", "a tool", "tools in another order"]


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_second_request_on_nothing_behind_the_changing_place_is_written(kind):
    """The first request may be written; afterwards no point stands behind the place, and one notice names it."""
    planner = Planner()
    for number, request in enumerate(conversation(kind, 6)):
        plan = planner.plan(request, now=NOW + 20 * number)
        changing = {"a tool": "toolConfig.tools[2]", "tools in another order": "toolConfig.tools"}.get(
            kind, "system[0]"
        )
        if number:
            assert all(point.place.startswith("toolConfig") for point in plan.points), plan.explain()
    assert any(changing in notice for notice in planner.notices)
    assert "changes with every request" in plan.reason or plan.points


def test_an_unchanged_front_is_written_and_read():
    """Without a change the second request reads what the first one wrote, and nothing is said."""
    planner = Planner()
    first, second = (planner.plan(r, now=NOW + 20 * n) for n, r in enumerate(conversation("none", 2)))
    assert first.written_5m > 4000
    assert second.read == first.written_5m
    assert planner.notices == []


@pytest.mark.parametrize("kind", [*KINDS[:4], "blocks in another order"])
def test_with_leave_the_changing_part_is_moved_and_the_rest_is_read(kind):
    """From the third request on what stays the same is read; no word is lost, whatever was moved to the end."""
    planner = Planner(move_volatile=True)
    for number, request in enumerate(conversation(kind, 6)):
        plan = planner.plan(request, now=NOW + 20 * number)
        sent = plan.apply(request)
        if number > 1:
            assert plan.read > 4000, plan.explain()
            assert plan.moves or kind == "blocks in another order"
        assert sorted(_texts(sent)) == sorted(_texts(request))


def _texts(request: dict) -> str:
    blocks = [*request.get("system", ()), *(block for message in request["messages"] for block in message["content"])]
    return "".join(sorted("".join(block.get("text", "") for block in blocks).replace(" ", "").replace("\n", "")))


def test_two_programs_that_send_one_conversation_behind_their_own_fronts_are_no_change():
    """A worker and a judge see the same messages, each with its own system prompt: both are read again."""
    planner, now = Planner(), NOW
    for number, request in enumerate(conversation("none", 4)):
        for system in ([{"text": POLICY}], [{"text": GUIDE}]):
            plan = planner.plan({**request, "system": system}, now=now)
            now += 5
            if number:
                assert plan.read > 2000
    assert planner.notices == []


def test_fronts_that_come_again_in_turn_are_read():
    """Two orders of blocks take turns: once that has shown itself, each is written and read again."""
    planner = Planner()
    reads = []
    for number, request in enumerate(conversation("none", 12)):
        blocks = [{"text": POLICY}, {"text": GUIDE}]
        request["system"] = blocks if number % 2 else blocks[::-1]
        reads.append(planner.plan(request, now=NOW + 20 * number).read)
    assert min(reads[8:]) > 4000
