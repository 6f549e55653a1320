"""What the gate says moved, from digests alone and with the text that was kept."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rockbottom.pins import PinStatus, read_pins, update_pins
from rockbottom.pins.changes import Moved
from rockbottom.pins.errors import PinsNotWritable
from rockbottom.pins.pin_file import text_path
from tests.pins.pinned_requests import POINT, RULES, accepted, gate, judged, native, rendering, support, tool


def _tools(request: dict[str, Any]) -> list[Any]:
    return request["toolConfig"]["tools"]


def _reordered(request: dict[str, Any]) -> None:
    _tools(request).reverse()


def _redefined(request: dict[str, Any]) -> None:
    _tools(request)[1]["toolSpec"]["description"] = "Finds a parcel by its number."


def _one_more(request: dict[str, Any]) -> None:
    _tools(request).append(tool("cancel", "Cancels an order."))


def _one_less(request: dict[str, Any]) -> None:
    _tools(request).pop(0)


def _keys_swapped(request: dict[str, Any]) -> None:
    schema = _tools(request)[0]["toolSpec"]["inputSchema"]["json"]
    schema["properties"] = dict(reversed(schema["properties"].items()))


def _spaced(request: dict[str, Any]) -> None:
    request["system"][0]["text"] += "\n"


def _stamped(request: dict[str, Any]) -> None:
    request["system"][0]["text"] = request["system"][0]["text"].replace("matter 7.", "matter 8.")


def _reworded(request: dict[str, Any]) -> None:
    request["system"][0]["text"] = request["system"][0]["text"].replace("Rule 0: be", "Rule 0: stay")


def _another_block(request: dict[str, Any]) -> None:
    request["system"].insert(0, {"text": "You are a clerk."})


def _swapped(request: dict[str, Any]) -> None:
    request["system"][0], request["system"][1] = request["system"][1], request["system"][0]


_CASES = [
    (_reordered, Moved.TOOL_ORDER, "toolConfig.tools[0]", "RB005"),
    (_redefined, Moved.TOOLS, "toolConfig.tools[1]", "RB004"),
    (_one_more, Moved.TOOLS, "toolConfig.tools[3]", "RB004"),
    (_one_less, Moved.TOOLS, "toolConfig.tools[0]", "RB004"),
    (_keys_swapped, Moved.KEY_ORDER, "toolConfig.tools[0]", "RB006"),
    (_spaced, Moved.WHITESPACE, "system[0]", "RB007"),
    (_stamped, Moved.STAMP, "system[0]", "RB003"),
    (_reworded, Moved.TEXT, "system[0]", None),
    (_another_block, Moved.ADDED, "system[0]", None),
]


@pytest.mark.parametrize("with_text", [False, True], ids=["digests", "text"])
@pytest.mark.parametrize(("edit", "moved", "place", "rule"), _CASES, ids=[case[0].__name__[1:] for case in _CASES])
def test_kind_and_place_are_told_with_and_without_the_earlier_text(
    pins: Path, edit: Any, moved: Moved, place: str, rule: str | None, with_text: bool
):
    """Tools, keys, white space, stamps, blocks: each by its name, at its block; rule ids are those of explain."""
    accepted(pins, support(), with_text=with_text)
    new = support()
    edit(new)
    verdict = judged(pins, new)
    assert verdict.status is PinStatus.CHANGED
    change = verdict.changes[0]
    assert change.moved is moved
    assert change.place.startswith(place)
    assert (change.rule.value if change.rule else None) == rule


def test_the_pin_file_holds_no_text_unless_it_is_asked_for(pins: Path):
    """Neither instructions nor names of tools; with_text keeps the prefix, and nothing behind the last point."""
    accepted(pins, support(question="A secret question"))
    assert "polite" not in pins.read_text()
    assert "find_order" not in pins.read_text()
    assert list(pins.parent.iterdir()) == [pins]
    accepted(pins, support(question="A secret question"), with_text=True)
    kept = text_path(pins, "support").read_text()
    assert "polite" in kept
    assert "secret" not in kept


def test_with_the_text_the_first_byte_and_both_spellings_are_shown(pins: Path):
    """The byte is counted in UTF-8 of the text at the place."""
    accepted(pins, support("Zürich. " + RULES), with_text=True)
    change = judged(pins, support("Zürich. " + RULES.replace("Rule 0: be", "Rule 0: stay"))).changes[0]
    # "Zürich. " has 9 bytes, "Rule 0: " 8 more.
    assert change.where == "system[0].text, byte 17"
    assert change.before.startswith("Zürich. Rule 0: be")
    assert change.after.startswith("Zürich. Rule 0: stay")


def test_of_a_pin_without_text_and_pieces_the_place_is_named_and_the_byte_said_to_be_unknown(pins: Path):
    """A place is promised, a byte is not; pins had no pieces before."""
    accepted(pins, support())
    update_pins(pins, {"support": replace(read_pins(pins)["support"], key="", pieces={})})
    assert "pieces" not in pins.read_text().partition("[prompts")[2]
    change = judged(pins, support(RULES + " One more.")).changes[0]
    assert (change.place, change.byte) == ("system[0]", None)
    assert "not known" in change.evidence


def test_a_kept_text_that_is_of_another_prefix_is_not_trusted(pins: Path):
    """Edited by hand, it is left aside and that is said."""
    accepted(pins, support(), with_text=True)
    path = text_path(pins, "support")
    text = json.loads(path.read_text())
    text["system"][0]["text"] += "!"
    path.write_text(json.dumps(text))
    verdict = judged(pins, support(RULES + "?"))
    assert verdict.changes[0].byte is None
    assert any("another prefix" in note for note in verdict.notes)


def test_of_two_equal_blocks_one_that_changed_is_not_called_put_in(pins: Path):
    """Two blocks before and after: the first has other words, and the second is what it was."""
    twice = support()
    twice["system"] = [{"text": RULES}, {"text": RULES}, POINT]
    accepted(pins, twice)
    changed = copy.deepcopy(twice)
    changed["system"][0]["text"] = "Mind this. " + RULES
    [change] = judged(pins, changed).changes
    assert (change.moved, change.place, change.others) == (Moved.TEXT, "system[0]", 0)


def test_several_things_that_moved_are_all_told(pins: Path):
    """Model, parameter and text."""
    accepted(pins, support())
    new = support(RULES + "!", model="global.anthropic.claude-haiku-4-5-20251001-v1:0")
    new["additionalModelRequestFields"] = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    moved = [change.moved for change in judged(pins, new).changes]
    assert moved == [Moved.MODEL, Moved.PARAMETER, Moved.TEXT]


def test_a_point_that_moved_or_asks_for_another_ttl_is_a_change(pins: Path):
    """The text is the same, the entry is another one."""
    accepted(pins, support())
    hourly = support()
    hourly["system"][1] = {"cachePoint": {"type": "default", "ttl": "1h"}}
    change = judged(pins, hourly).changes[0]
    assert (change.moved, change.evidence) == (Moved.POINT, "after system[0], 5m -> after system[0], 1h")
    gone = support()
    gone["system"].pop()
    assert Moved.POINT in [change.moved for change in judged(pins, gone).changes]


def test_an_explicit_ttl_that_is_the_default_is_no_change(pins: Path):
    """Five minutes is what an omitted ttl means on this model."""
    accepted(pins, support())
    explicit = support()
    explicit["system"][1] = {"cachePoint": {"type": "default", "ttl": "5m"}}
    assert judged(pins, explicit).status is PinStatus.UNCHANGED


def test_the_same_text_through_another_api_is_another_entry(pins: Path):
    """Converse and InvokeModel do not share what they write."""
    one = gate(pins)
    body = {"modelId": native()["modelId"], "system": [{"text": RULES}, POINT],
            "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}  # fmt: skip
    one.accept([one.judged(rendering(body))])
    theirs = {"system": [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}],
              "messages": [{"role": "user", "content": "Hello"}]}  # fmt: skip
    verdict = judged(pins, {"modelId": body["modelId"], "body": json.dumps(theirs)})
    assert [change.moved for change in verdict.changes] == [Moved.API]


def test_renderings_that_differ_are_volatile_and_never_accepted(pins: Path):
    """A clock in front of the point fails at once, with its place; accepting changes nothing."""
    one = gate(pins)
    verdict = one.judged(rendering(support(f"It is 14:00:01. {RULES}"), support(f"It is 14:00:59. {RULES}")))
    assert verdict.status is PinStatus.VOLATILE
    assert verdict.changes[0].where == "system[0].text, byte 12"
    assert verdict.changes[0].moved is Moved.STAMP
    assert not one.accept([verdict])[0].passed
    assert not pins.exists()


def test_what_changes_behind_the_point_is_not_volatile(pins: Path):
    """The question may be another one each time."""
    assert gate(pins).judged(rendering(support(question="One?"), support(question="Two?"))).status is PinStatus.NEW


@pytest.mark.parametrize("text", ["Today is 2026-11-21.", "It is Saturday, 21 November 2026.", "As of Nov 21, 2026:"])
def test_the_date_of_today_in_a_prefix_is_noted(pins: Path, text: str):
    """It is the same in two calls, and another one tomorrow."""
    notes = judged(pins, support(f"{text} {RULES}")).notes
    assert [note for note in notes if "tomorrow" in note and note.startswith("system[0]")]


def test_another_date_is_nobodys_business(pins: Path):
    """A date in a rule stays what it is."""
    assert judged(pins, support(f"In force since 2026-11-20. {RULES}")).notes == ()


def test_a_prefix_below_the_minimum_is_pinned_with_a_note(pins: Path):
    """Nothing is cached, and the note says from how many tokens on it would be."""
    verdict = judged(pins, support("Be polite."))
    assert verdict.status is PinStatus.NEW
    assert any("not cached" in note and "caches from" in note for note in verdict.notes)


def test_the_callers_request_is_left_alone(pins: Path):
    """Judging and keeping the text change nothing in it."""
    request = support()
    before = copy.deepcopy(request)
    accepted(pins, request, with_text=True)
    assert request == before


@pytest.mark.parametrize("empty", [None, {}, {"tools": None}])
def test_members_that_are_there_and_empty_are_no_trouble(pins: Path, empty: Any):
    """As templates leave them; with the text kept too."""
    request = {**support(), "toolConfig": empty}
    accepted(pins, request, with_text=True)
    assert judged(pins, request).status is PinStatus.UNCHANGED
    assert judged(pins, {**request, "system": [{"text": RULES + "!"}, POINT]}).changes[0].byte == len(RULES)


def test_half_a_surrogate_pair_is_a_sentence_and_no_crash(pins: Path):
    """In a tool it cannot be sent; in a text it can be pinned, but no file can hold it."""
    broken = support()
    broken["toolConfig"]["tools"][0] = tool("find_order", "Looks \ud800 up.")
    assert judged(pins, broken).status is PinStatus.UNREADABLE
    accepted(pins, support("\ud800" + RULES))
    with pytest.raises(PinsNotWritable, match="cannot be kept"):
        accepted(pins, support("\ud800" + RULES), with_text=True)
