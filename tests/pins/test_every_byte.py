"""Any change in front of the last point is caught and its place is named; no change behind it ever fails."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.catalog import load_catalog
from rockbottom.pins import Gate, PinStatus
from rockbottom.pins.changes import Moved, changes_between
from rockbottom.pins.pin import pin_of
from rockbottom.pins.prefix import archive_of, read_prefix
from tests.pins.pinned_requests import ON, POINT, RULES, SONNET, gate, rendering, tool

LONG = "Be polite in all matters. " * 400
_texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)


def _turns(texts: list[str]) -> list[dict[str, Any]]:
    """Messages of both roles, some of them with a tool's use and result."""
    turns: list[dict[str, Any]] = []
    for number, text in enumerate(texts):
        if number % 4 == 1:
            use = {"toolUseId": f"use-{number}", "name": "find_order", "input": {"query": text, "deep": {"a": [text]}}}
            turns.append({"role": "assistant", "content": [{"text": text}, {"toolUse": use}]})
        elif number % 4 == 2:
            result = {"toolUseId": f"use-{number - 1}", "content": [{"text": text}, {"json": {"found": text}}]}
            turns.append({"role": "user", "content": [{"toolResult": result}]})
        else:
            turns.append({"role": "user" if number % 2 == 0 else "assistant", "content": [{"text": text}]})
    return turns


@st.composite
def _requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request with one point behind a block drawn at random; half of them long enough to be cached."""
    head = [LONG] if draw(st.booleans()) else []
    tools = [tool(f"tool_{n}", text) for n, text in enumerate(draw(st.lists(_texts, max_size=3)))]
    system = [{"text": text} for text in head + draw(st.lists(_texts, min_size=0 if head else 1, max_size=2))]
    request = {"modelId": SONNET, "system": system, "messages": _turns(draw(st.lists(_texts, min_size=1, max_size=5)))}
    if tools:
        request["toolConfig"] = {"tools": tools}
    lists = [tools, system, *(message["content"] for message in request["messages"])]
    chosen = draw(st.sampled_from([blocks for blocks in lists if blocks]))
    chosen.insert(draw(st.integers(1, len(chosen))), POINT)
    return request


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of every text inside a JSON value, those of cachePoints left out."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "cachePoint":
                yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))


_Block = tuple[tuple[Any, ...], str]


def _blocks(request: dict[str, Any]) -> Iterator[_Block]:
    """Path and place of every block, in the order in which the service reads them; points too, without a place."""
    lists = [(("toolConfig", "tools"), "toolConfig.tools"), (("system",), "system")]
    lists += [(("messages", n, "content"), f"messages[{n}].content") for n in range(len(request["messages"]))]
    for path, name in lists:
        holder: Any = request
        for step in path:
            holder = holder.get(step, {}) if isinstance(holder, dict) else holder[step]
        for index, block in enumerate(holder or ()):
            yield (*path, index), "" if "cachePoint" in block else f"{name}[{index}]"


def _sides(request: dict[str, Any]) -> tuple[list[_Block], list[_Block]]:
    """The blocks in front of the point, and those behind it."""
    blocks = list(_blocks(request))
    at = next(number for number, (_, place) in enumerate(blocks) if not place)
    return blocks[:at], blocks[at + 1 :]


def _with_other_text(request: dict[str, Any], path: tuple[Any, ...], change: tuple[str, int, str]) -> dict[str, Any]:
    """The request with one character put in, taken out or replaced in one text."""
    new = copy.deepcopy(request)
    holder: Any = new
    for step in path[:-1]:
        holder = holder[step]
    text, (verb, at, char) = holder[path[-1]], change
    at %= len(text) + 1
    cut = at + 1 if verb in ("replace", "remove") else at
    holder[path[-1]] = text[:at] + ("" if verb == "remove" else char) + text[cut:]
    return new


_changes = st.tuples(
    st.sampled_from(["insert", "replace", "remove"]), st.integers(0, 20_000), st.sampled_from("aZ7 .é\n")
)


@given(asked=_requests(), data=st.data(), change=_changes)
def test_a_changed_byte_in_front_of_the_point_is_caught_and_its_block_named(
    asked: dict[str, Any], data: st.DataObject, change: tuple[str, int, str]
):
    """Whatever text of whatever block it is in: the verdict is changed, and the place begins with the block's."""
    front, _ = _sides(asked)
    path, place = data.draw(st.sampled_from(front))
    block: Any = asked
    for step in path:
        block = block[step]
    leaf = data.draw(st.sampled_from([(*path, *inner) for inner in _leaves(block)]))
    new = _with_other_text(asked, leaf, change)
    if new == asked:
        return
    pinned = _pinned(asked)
    verdict = pinned.judged(rendering(new))
    assert verdict.status is PinStatus.CHANGED
    assert verdict.changes[0].place.startswith(place)
    archive = archive_of(load_catalog())
    with_text = changes_between(*(read_prefix(one, on=ON, archive=archive) for one in (asked, new)))
    assert with_text[0].place.startswith(place)
    assert with_text[0].byte is not None or with_text[0].moved in (Moved.TOOL_ORDER, Moved.ORDER)


@given(asked=_requests(), data=st.data(), change=_changes, tail=_texts)
def test_no_change_behind_the_point_fails_the_gate(
    asked: dict[str, Any], data: st.DataObject, change: tuple[str, int, str], tail: str
):
    """Texts changed behind it, and further turns put at the end, leave the verdict unchanged."""
    _, behind = _sides(asked)
    new = copy.deepcopy(asked)
    if behind:
        path, _ = data.draw(st.sampled_from(behind))
        block: Any = new
        for step in path:
            block = block[step]
        new = _with_other_text(new, data.draw(st.sampled_from([(*path, *inner) for inner in _leaves(block)])), change)
    new["messages"] = [*new["messages"], {"role": "user", "content": [{"text": tail}]}]
    assert _pinned(asked).judged(rendering(new)).status is PinStatus.UNCHANGED


def _pinned(request: dict[str, Any]) -> Gate:
    prefix = read_prefix(request, on=ON)
    pin = pin_of("support", "support.json", prefix, None, None, ON)
    return Gate(Path("nowhere") / "rockbottom-pins.toml", {"support": pin}, ON)


@pytest.mark.parametrize("vendor", ["anthropic", "amazon"])
def test_native_bodies_are_held_to_the_same(vendor: str, pins: Path):
    """In bodies of InvokeModel: a byte in front of the marker is caught at its place, one behind it is not."""
    if vendor == "anthropic":
        model, blocks = SONNET, [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}]
    else:
        model, blocks = "us.amazon.nova-pro-v1:0", [{"text": RULES, "cachePoint": {"type": "default"}}]

    def request(edit: str = "", tail: str = "") -> dict[str, Any]:
        first = {**blocks[0], "text": RULES + edit}
        body = {"system": [first, {"type": "text", "text": f"Be brief{tail}."}], "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]}]}  # fmt: skip
        if vendor == "amazon":
            body["system"][1].pop("type")
            body["messages"][0]["content"][0].pop("type")
        return {"modelId": model, "body": json.dumps(body).encode()}

    one = gate(pins)
    one.accept([one.judged(rendering(request()))], with_text=True)
    changed = gate(pins).judged(rendering(request(edit="!")))
    assert changed.status is PinStatus.CHANGED
    assert changed.changes[0].where == f"system[0].text, byte {len(RULES)}" or vendor == "anthropic"
    assert changed.changes[0].byte == len(RULES)
    assert gate(pins).judged(rendering(request(tail=", please"))).status is PinStatus.UNCHANGED
