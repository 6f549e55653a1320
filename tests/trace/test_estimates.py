"""Texts of a log are estimated together, and a conversation's known messages are not looked up: the figures stay."""

import json
import random

import numpy as np
import pytest

from rockbottom.catalog import load_catalog
from rockbottom.dialects import weigh_block
from rockbottom.prompt import Api, Meter
from rockbottom.trace.bodies import BodyGatherer
from rockbottom.trace.columns import SectionCode
from rockbottom.trace.estimates import Estimates
from rockbottom.trace.records import columnar
from rockbottom.trace.weighing import Weighers

_MODEL = "anthropic.claude-sonnet-4-6"
_WORDS = ("plain", "WARNING", "3.14", "été", "漢字", "{}", "\n", "a", "Ab", "\\")
_PDF = "JVBERi0xLjQKMSAwIG9iago8PCAvVHlwZSAvUGFnZSA+PgplbmRvYmoK"


def _text(chance, most=400):
    return " ".join(chance.choices(_WORDS, k=chance.randrange(most)))


@pytest.mark.parametrize("seed", range(5))
def test_a_text_counts_what_the_meter_says_of_it(seed):
    chance = random.Random(seed)
    weights = list(load_catalog().token_weights.values())
    estimates = Estimates()
    expected: list[int] = []
    for _ in range(300):
        chosen, text, more = chance.choice(weights), _text(chance), chance.randrange(5)
        estimates.add_text(text, estimates.number_of(chosen))
        estimates.add_block(more)
        expected.append(Meter(chosen).tokens_of_text(text) + more)
        if chance.random() < 0.1:
            assert estimates.tokens().tolist() == expected
    assert estimates.tokens().tolist() == expected


def _blocks(chance):
    """Each kind of block that a list of Converse's can hold, with texts of its own."""
    identity = f"t{chance.randrange(10**6)}"
    document = {"document": {"format": "pdf", "name": "a", "source": {"bytes": _PDF}}}
    return [
        {"text": _text(chance)},
        {"text": ""},
        {"toolUse": {"toolUseId": identity, "name": "run", "input": {"cmd": _text(chance, 50)}}},
        {"toolResult": {"toolUseId": identity, "content": [{"text": _text(chance)}], "status": "success"}},
        {"toolResult": {"toolUseId": identity, "content": [{"json": {"a": _text(chance)}}, {"text": "b"}]}},
        {"toolResult": {"toolUseId": identity, "content": [document]}},
        {"toolResult": {"toolUseId": identity, "content": []}},
        {"document": {"format": "txt", "name": "notes", "source": {"text": _text(chance)}}},
        document,
        {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
        {"reasoningContent": {"reasoningText": {"text": _text(chance), "signature": "s"}}},
        {"guardContent": {"text": {"text": _text(chance)}}},
        {"searchResult": {"title": "a", "source": "b", "content": [{"text": _text(chance)}]}},
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://a/b"}}}},
        {"somethingNew": {"text": _text(chance)}},
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_a_block_of_any_kind_counts_what_the_planner_says_of_it(seed):
    """``weigh_block`` with a meter of the model is what an attached planner asks; a message adds its own tokens."""
    chance = random.Random(seed)
    estimates = Estimates()
    weigher = Weighers(load_catalog(), estimates).of(_MODEL, Api.CONVERSE)
    meter = Meter(weigher.meter.weights)
    expected: list[int] = []
    numbers: list[int] = []
    for _ in range(10):
        blocks = chance.sample(_blocks(chance), 6)
        encoded = [json.dumps(block).encode() for block in blocks]
        numbers += weigher.weigh(SectionCode.MESSAGES, b"", encoded, texts=False)
        tokens = [weigh_block(block, "", meter, "").tokens for block in blocks]
        expected += [tokens[0] + meter.weights.message_tokens, *tokens[1:]]
    assert estimates.tokens()[numbers].tolist() == expected


def test_a_list_with_a_block_that_cannot_be_read_is_taken_for_its_bytes():
    """Four bytes a token, and the texts noted before it count for nobody."""
    estimates = Estimates()
    weigher = Weighers(load_catalog(), estimates).of(_MODEL, Api.CONVERSE)
    broken = [b'{"text":"a long enough text"}', b'{"toolUse":3}']
    numbers = weigher.weigh(SectionCode.SYSTEM, b"", broken, texts=False)
    more = weigher.weigh(SectionCode.SYSTEM, b"", [b'{"text":"hello"}'], texts=True)
    tokens = estimates.tokens()
    assert tokens[numbers].tolist() == [1 + len(block) // 4 for block in broken]
    assert tokens[more].tolist() == [weigher.meter.tokens_of_text("hello")]


def _record(number, messages, system="You are careful."):
    body = {"system": [{"text": system}], "messages": messages}
    return columnar(json.dumps({
        "timestamp": f"2026-11-20T10:00:{number:02}Z", "modelId": _MODEL, "operation": "Converse",
        "region": "us-east-1", "requestId": f"r{number}", "output": {},
        "input": {"inputBodyJson": body, "inputTokenCount": 900},
    }))  # fmt: skip


def _message(number, text):
    return {"role": ("user", "assistant")[number % 2], "content": [{"text": text}]}


def _columns(gatherer, *records):
    for record in records:
        gatherer.add(record, record.input.inputBodyJson, lambda: b"")
    return gatherer.trace()


def test_a_conversation_that_grows_is_trimmed_or_rewritten_is_read_as_each_request_alone():
    """Only what two requests of a conversation begin with alike is taken over from the one before."""
    talk = [_message(number, f"message {number} of the talk") for number in range(9)]
    rewritten = [*talk[:3], _message(3, "another answer"), *talk[4:7]]
    moved = [{**message, "content": [*message["content"], {"cachePoint": {"type": "default"}}]} for message in talk[:5]]
    sent = [talk[:1], talk[:3], talk[:5], talk[:3], rewritten, talk, talk[2:7], talk, moved, talk[:7], [talk[0], *talk]]
    records = [_record(number, messages) for number, messages in enumerate(sent)]
    whole = _columns(BodyGatherer(b"key"), *records)
    for number, record in enumerate(records):
        alone = _columns(BodyGatherer(b"key"), record)
        start, end = whole.block_offsets[number : number + 2]
        for column in ("prefix", "section", "kind", "weight", "begins"):
            now = getattr(whole.blocks, column)[start:end]
            assert np.array_equal(now, getattr(alone.blocks, column)), (number, column)
        first, last = whole.point_offsets[number : number + 2]
        assert whole.points.after[first:last].tolist() == alone.points.after.tolist()


def test_another_system_text_between_two_equal_ones_is_another_prefix():
    """The part of the request before is compared, not taken for granted."""
    talk = [_message(0, "hello")]
    records = [_record(number, talk, system) for number, system in enumerate(("one", "two", "one"))]
    first, second, third = _columns(BodyGatherer(b"key"), *records).blocks.prefix.reshape(3, 2).tolist()
    assert first == third != second
