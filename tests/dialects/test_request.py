"""A request read once: what it is, and what becomes of it without reading it again."""

import copy
import json

import pytest

from rockbottom.catalog import Tier, load_catalog
from rockbottom.dialects import ANTHROPIC, CONVERSE, NOVA, RequestReader
from rockbottom.prompt import MalformedBody, Placement
from rockbottom.quantities import RockbottomError, Ttl

SONNET, NOVA_PRO = "us.anthropic.claude-sonnet-4-6", "us.amazon.nova-pro-v1:0"
CONVERSE_CALL = {
    "modelId": SONNET,
    "system": [{"text": "Be kind."}, {"text": "Be brief."}],
    "messages": [{"role": "user", "content": [{"text": "Hello."}]}],
    "serviceTier": {"type": "flex"},
}
ANTHROPIC_BODY = {"system": "Be kind.", "messages": [{"role": "user", "content": "Hello."}]}


@pytest.fixture(scope="module")
def requests():
    return RequestReader(load_catalog())


def native(body, model=SONNET, **more):
    return {"modelId": model, "body": json.dumps(body), **more}


def test_a_request_is_the_mapping_of_its_arguments(requests):
    request = requests.read(CONVERSE_CALL)
    assert request == CONVERSE_CALL
    assert dict(request) == {**request} == CONVERSE_CALL
    assert request.arguments is CONVERSE_CALL
    assert isinstance(copy.deepcopy(request), dict)


def test_its_model_tier_and_dialect_are_read_with_it(requests):
    request = requests.read(CONVERSE_CALL)
    assert (request.model.given, request.tier, request.dialect) == (SONNET, Tier.FLEX, CONVERSE)
    request = requests.read(native(ANTHROPIC_BODY, serviceTier="priority"))
    assert (request.tier, request.dialect, request.body) == (Tier.PRIORITY, ANTHROPIC, ANTHROPIC_BODY)
    assert requests.read(native({"messages": []}, NOVA_PRO)).dialect is NOVA


def test_points_are_put_in_without_reading_anew(requests):
    """Points, depths and hashes are those that reading the new arguments gives."""
    for call, count in ((CONVERSE_CALL, 3), (native(ANTHROPIC_BODY), 2)):
        before = copy.deepcopy(call)
        placed = requests.read(call).with_points([Placement(1), Placement(count, Ttl.FIVE_MINUTES)])
        again = requests.read(placed.arguments)
        assert [(point.after, point.ttl) for point in placed.prompt.points] == [(1, None), (count, Ttl.FIVE_MINUTES)]
        assert [(point.after, point.ttl) for point in again.prompt.points] == [(1, None), (count, Ttl.FIVE_MINUTES)]
        assert (placed.prompt.depths, placed.hashes) == (again.prompt.depths, again.hashes)
        assert call == before


def test_a_native_body_goes_out_as_the_type_it_came_in(requests):
    for body in (json.dumps(ANTHROPIC_BODY), json.dumps(ANTHROPIC_BODY).encode()):
        sent = requests.read({"modelId": SONNET, "body": body}).with_points([Placement(1)])
        assert type(sent["body"]) is type(body)
        assert json.loads(sent["body"])["system"][0]["cache_control"] == {"type": "ephemeral"}


def test_without_points_nothing_is_copied(requests):
    assert requests.read(CONVERSE_CALL).with_points((), key=b"k").arguments is CONVERSE_CALL


def test_the_lifetime_of_an_unsplit_write_is_the_one_that_every_point_asks_for(requests):
    request = requests.read(CONVERSE_CALL)
    hour, five = Ttl.ONE_HOUR, Ttl.FIVE_MINUTES
    assert request.default_ttl is five
    assert request.with_points([Placement(1, hour), Placement(2, hour)]).default_ttl is hour
    assert request.with_points([Placement(1, hour), Placement(2)]).default_ttl is five
    gpt = {"modelId": "us.openai.gpt-5.6-sol", "messages": CONVERSE_CALL["messages"]}
    assert requests.read(gpt).default_ttl is Ttl.THIRTY_MINUTES  # the rules of GPT-5.6 name no other


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ({"modelId": "no.such-model", "messages": []}, RockbottomError),
        ({"modelId": SONNET, "messages": 7}, MalformedBody),
        ({"modelId": SONNET, "body": "{"}, MalformedBody),
        ({"modelId": SONNET, "body": "[]"}, MalformedBody),
        ({"modelId": SONNET, "body": 7}, MalformedBody),
        ({"modelId": "qwen.qwen3-32b-v1:0", "body": "{}"}, MalformedBody),
        ({}, RockbottomError),
    ],
)
def test_what_is_no_request_is_refused(requests, call, error):
    with pytest.raises(error):
        requests.read(call)
