"""What keeps GPT's own caching from reading: a front that changes, a mark that is missing, keys that are spread.

Records have no counters, so those that the rules give are taken: calls of GPT-5.6 Sol on Responses, ten seconds apart.
"""

from dataclasses import replace

import pytest

from rockbottom.cache import behaviour_of
from rockbottom.diagnose import Archive, Cause, LoggedRequest, explain, read_all, with_savings
from rockbottom.prompt import Api
from rockbottom.quantities import Usage

MARK = {"mode": "explicit"}
SOL = "us.openai.gpt-5.6-sol"
RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))


def calls(count=6, front="Be brief.", **more):
    """A talk that grows by a call of a tool and its result each turn."""
    items = [{"role": "user", "content": RULES}]
    for turn in range(count):
        body = {"model": SOL, "instructions": front.format(turn), "input": items, **more}
        yield LoggedRequest(1_795_000_000.0 + 10 * turn, SOL, Api.RESPONSES, body, began_after_s=1.0, where=str(turn))
        call = {"type": "function_call", "call_id": f"c{turn}", "name": "look", "arguments": "{}"}
        result = {"type": "function_call_output", "call_id": f"c{turn}", "output": f"Line {turn} says nothing. " * 9}
        items = [*items, call, result]


def causes(records, catalog):
    """The causes found, with the evidence of the first of each."""
    told = {}
    for finding in explain(list(records), catalog):
        told.setdefault(finding.cause, finding.evidence)
    return told


def test_a_talk_that_grows_misses_nothing(catalog):
    assert causes(calls(), catalog) == {}


def test_a_reply_that_was_sent_back_had_begun(catalog):
    """Where neither counters nor latencies are recorded: a turn a second after another has its reply, so it reads its
    entry; the same question a second after itself tells nothing of the reply, and is written twice."""
    turns = [replace(call, at=1_795_000_000.0 + number, began_after_s=None) for number, call in enumerate(calls())]
    assert causes(turns, catalog) == {}
    twice = [replace(turns[0], at=turns[0].at + number) for number in range(2)]
    assert set(causes(twice, catalog)) == {Cause.PARALLEL_WRITE}


def test_a_front_that_changes_is_named(catalog):
    """Instructions, or the first text of the system, such as a client's billing header."""
    assert set(causes(calls(front="Call number {} of today. Be brief."), catalog)) == {Cause.VOLATILE_TEXT}


def test_a_missing_mark_in_mode_explicit_is_named(catalog):
    told = causes(calls(prompt_cache_options={"mode": "explicit"}), catalog)
    assert set(told) == {Cause.NO_POINT}
    assert told[Cause.NO_POINT].endswith("mode explicit, and no mark")


def test_spread_keys_are_named(catalog):
    records = [
        LoggedRequest(one.at, one.model, one.api, {**one.body, "prompt_cache_key": f"k{number}"}, began_after_s=1.0)
        for number, one in enumerate(calls())
    ]
    told = causes(records, catalog)
    assert set(told) == {Cause.PARAMETER_CHANGED}
    assert told[Cause.PARAMETER_CHANGED].startswith("prompt_cache_key k")


def test_a_changing_tail_is_named(catalog):
    """The last message says the state of things and is gone in the next request: the talk grows in front of it."""
    records = []
    for number, one in enumerate(calls()):
        state = {"role": "user", "content": f"The lamp is in state {number * 37} now, and the door in {number * 11}."}
        body = {**one.body, "input": [*one.body["input"], state]}
        records.append(LoggedRequest(one.at, one.model, one.api, body, began_after_s=1.0))
    told = causes(records, catalog)
    assert set(told) == {Cause.TAIL_CHANGED}
    assert "and the service wrote behind that; this request lacks it" in told[Cause.TAIL_CHANGED]


@pytest.mark.parametrize(("side", "expected"), [("yes", {Cause.HOST_SWITCHED}), ("no", set())])
def test_a_talk_that_changes_the_host_is_named_unless_hosts_share_entries(side, expected, catalog):
    """Bare ids are bedrock-mantle's, profiles bedrock-runtime's; whether they share entries is a switch."""
    records = [
        LoggedRequest(one.at, "openai.gpt-5.6-sol" if turn % 2 else SOL, one.api, one.body, began_after_s=1.0,
               host="bedrock-mantle" if turn % 2 else "")
        for turn, one in enumerate(calls())
    ]  # fmt: skip
    found = explain(records, catalog, behaviour_of(catalog.switches, host_in_key=side))
    assert {one.cause for one in found} == expected
    assert {one.evidence for one in found} <= {
        "bedrock-runtime -> bedrock-mantle", "bedrock-mantle -> bedrock-runtime",
    }  # fmt: skip


@pytest.mark.parametrize(("side", "expected"), [("yes", {Cause.PARAMETER_CHANGED}), ("no", set())])
def test_spread_keys_are_a_cause_only_where_they_part_entries(side, expected, catalog):
    records = [
        LoggedRequest(one.at, one.model, one.api, {**one.body, "prompt_cache_key": f"k{number}"}, began_after_s=1.0)
        for number, one in enumerate(calls())
    ]
    found = explain(records, catalog, behaviour_of(catalog.switches, cache_key_in_key=side))
    assert {one.cause for one in found} == expected


def test_a_growing_talk_that_is_written_whole_every_turn_is_named(catalog):
    """The shape of openai/codex 37674: nothing read, all written, although the history only grew."""
    sizes = [5_000 + 200 * turn for turn in range(6)]
    records = [replace(one, usage=Usage(2, 40, cache_write_30m=size)) for one, size in zip(calls(), sizes, strict=True)]
    told = causes(records, catalog)
    assert set(told) == {Cause.NOT_LOOKED_BACK}
    assert "0 were read" in told[Cause.NOT_LOOKED_BACK]
    marked = [{"role": "user", "content": [{"type": "input_text", "text": RULES, "prompt_cache_breakpoint": MARK}]}]
    own = [
        replace(
            one,
            body={**one.body, "input": [*marked, *one.body["input"][1:]]},
            usage=Usage(2, 40, cache_write_30m=5_000),
        )
        for one in calls(2)
    ]
    assert Cause.NOT_LOOKED_BACK not in causes(own, catalog)


def test_rules_in_instructions_are_tried_as_an_item_that_takes_a_mark(catalog):
    """Eight questions under one text, which alone repeats: written each time as a whole, where one write would do."""
    records = [
        LoggedRequest(
            1_795_000_000.0 + 10 * number, SOL, Api.RESPONSES,
            {"model": SOL, "instructions": RULES, "input": f"Question {number * 37}: {'why? ' * 20}"},
            began_after_s=1.0, where=str(number),
        )
        for number in range(8)
    ]  # fmt: skip
    archive = Archive(catalog)
    requests, _, _ = read_all(records, archive)
    saving = with_savings(explain(records, catalog), requests, archive, catalog).totals[0].saving
    assert saving is not None
    assert saving.what.startswith(
        "the rules sent as a first input item of role developer (instructions cannot be marked)"
    )
    # 1.25 + 7 reads at .1 instead of 8 writes at 1.25, beside questions of some 2%
    assert 0.17 <= float(saving.after / saving.before) <= 0.23
