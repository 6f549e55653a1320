"""What prompts are made of: tokens and dollars by part, tools that nothing calls, results that are most of the bill.

Claude Sonnet 4.6 in the us geography: input 3.30, read 0.33, written 4.125 USD per million tokens.
"""

from decimal import Decimal

from rockbottom.diagnose import LoggedRequest, explain
from rockbottom.prompt import Api, Part
from rockbottom.quantities import Usage

MODEL = "us.anthropic.claude-sonnet-4-6"
AT = 1_790_000_000.0


def tool(name: str) -> dict:
    schema = {"json": {"type": "object", "properties": {"key": {"type": "string"}}}}
    return {"toolSpec": {"name": name, "description": f"{name} does it. " * 40, "inputSchema": schema}}


USE = {"toolUse": {"toolUseId": "t1", "name": "find", "input": {"key": "a"}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "row of a result " * 2000}]}}
BODY = {
    "toolConfig": {"tools": [tool("find"), tool("drop")]},
    "system": [{"text": "Be polite about everything. " * 100}],
    "messages": [
        {"role": "user", "content": [{"text": "What is there?"}]},
        {"role": "assistant", "content": [USE]},
        {"role": "user", "content": [RESULT]},
    ],
}


def parts_of(catalog, body, usage):
    return explain(
        [LoggedRequest(AT, MODEL, Api.CONVERSE, body, usage, "us-east-1", "us-east-1", "1", "r1", 0.5)], catalog
    ).parts


def test_the_parts_add_up_to_the_prompt_and_to_its_input_bill(catalog):
    """2,000 read, 3,000 written, 5,000 anew: 0.00066 + 0.012375 + 0.0165 but for the header of the answer."""
    parts = parts_of(catalog, BODY, Usage(5_000, 9, 2_000, 3_000))
    tokens = sum(amount.tokens for amount in parts.amounts.values())
    assert 9_400 <= tokens <= 10_000  # the header of an answer with tools is in no block
    bill = Decimal("0.00066") + Decimal("0.012375") + Decimal("0.0165")
    assert bill - (10_000 - tokens) * Decimal("3.30") / 1_000_000 == parts.usd


def test_what_stands_first_is_read_and_cheap(catalog):
    """Tools are 0.33 a million where they are read, results 3.30 where they are not."""
    read, anew = (parts_of(catalog, BODY, usage).amounts for usage in (Usage(8_000, 9, 2_000, 0), Usage(10_000, 9)))
    assert read[Part.TOOLS].usd == read[Part.TOOLS].tokens * Decimal("0.33") / 1_000_000
    assert anew[Part.RESULTS].usd == anew[Part.RESULTS].tokens * Decimal("3.30") / 1_000_000
    assert set(read) == {Part.TOOLS, Part.SYSTEM, Part.RESULTS, Part.HISTORY}


def test_a_tool_that_nothing_calls(catalog):
    """``drop`` is sent and never called."""
    parts = parts_of(catalog, BODY, Usage(10_000, 9, 0, 0))
    assert list(parts.never_called) == ["drop"]


def test_without_any_call_nothing_is_said_of_tools(catalog):
    """A log of first turns shows no call: that is no proof."""
    body = {**BODY, "messages": BODY["messages"][:1]}
    assert parts_of(catalog, body, Usage(3_000, 9, 0, 0)).never_called == {}
