"""What a plan adds is spliced into the bytes that came: the rest of them stays, byte for byte."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.gateway.splicing import spliced
from rockbottom.quantities import json_bytes

POINT = {"cachePoint": {"type": "default"}}
BODY = (
    b'{ "system" : [ {"text":"caf\\u00e9"} ] ,\n "messages":[{"role":"user","content":[{"text":"a"},{"text":"b"}]}]'
    b',"n":1e2}\n'
)


def with_point(body, after):
    """The body with a point behind a block of the first message; what is not on the way stays the same object."""
    content = list(body["messages"][0]["content"])
    content.insert(after, POINT)
    return {**body, "messages": [{**body["messages"][0], "content": content}]}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (0, b'"content":[{"cachePoint":{"type":"default"}},{"text":"a"},{"text":"b"}]'),
        (1, b'"content":[{"text":"a"},{"cachePoint":{"type":"default"}},{"text":"b"}]'),
        (2, b'"content":[{"text":"a"},{"text":"b"},{"cachePoint":{"type":"default"}}]'),
    ],
)
def test_a_point_goes_between_the_bytes_of_its_neighbours(after, expected):
    """Spaces, escapes and the spelling of numbers elsewhere are those that came."""
    body = json.loads(BODY)
    assert spliced(BODY, body, with_point(body, after)) == BODY.replace(
        b'"content":[{"text":"a"},{"text":"b"}]', expected
    )


@pytest.mark.parametrize("empty", [b"[]", b"[ \n]"])
def test_several_elements_in_an_empty_list_have_commas_between_them(empty):
    data = b'{"a":' + empty + b',"b":1}'
    assert spliced(data, {"a": [], "b": 1}, {"a": [1, 2, 3], "b": 1}) == b'{"a":[1,2,3],"b":1}'


def test_a_member_is_added_at_the_end_of_its_object():
    """As cache_control is to a block of Anthropic's."""
    body = json.loads(BODY)
    marked = {**body["system"][0], "cache_control": {"type": "ephemeral"}}
    assert spliced(BODY, body, {**body, "system": [marked]}) == BODY.replace(
        b'{"text":"caf\\u00e9"}', b'{"text":"caf\\u00e9","cache_control":{"type":"ephemeral"}}'
    )


def test_what_is_equal_is_sent_as_it_came():
    """Also when it was read twice, so that nothing is the same object."""
    assert spliced(BODY, json.loads(BODY), json.loads(BODY)) == BODY


def test_a_member_that_is_there_twice_makes_the_body_anew():
    """Its bytes cannot be walked; the meaning stays."""
    data = b'{"a":[],"messages":[1],"messages":[{"role":"user","content":[{"text":"a"}]}]}'
    body = json.loads(data)
    planned = with_point(body, 1)
    assert spliced(data, body, planned) == json_bytes(planned)


def test_a_point_beside_a_point_of_the_callers_own():
    """Both are there, in the order of the plan."""
    data = b'{"messages":[{"role":"user","content":[{"text":"a"},{"cachePoint":{"type":"default"}},{"text":"b"}]}]}'
    body = json.loads(data)
    for place in range(4):
        planned = with_point(body, place)
        assert json.loads(spliced(data, body, planned)) == planned


TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)


@given(st.dictionaries(st.text(), TREES, min_size=1), st.integers(min_value=0), st.sampled_from([None, 0, 3]))
def test_any_addition_to_any_body_means_what_was_planned(body, seed, indent):
    """Members and elements anywhere, whatever the spacing; without one the bytes are those that came."""
    rng = Random(seed)
    data = json.dumps(body, indent=indent, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    read = json.loads(data)
    assert spliced(data, read, read) is data or spliced(data, read, read) == data
    planned = grown(read, rng)
    assert json.loads(spliced(data, read, planned)) == planned


def grown(value, rng):
    """A copy along some way through the value, with something added at its end."""
    if isinstance(value, dict):
        new = dict(value)
        if new and rng.random() < 0.6:
            name = rng.choice(sorted(new))
            new[name] = grown(new[name], rng)
        else:
            new["cache_control\u00e9"] = {"type": "ephemeral"}
        return new
    if isinstance(value, list):
        new = list(value)
        if new and rng.random() < 0.6:
            place = rng.randrange(len(new))
            new[place] = grown(new[place], rng)
        else:
            new.insert(rng.randint(0, len(new)), dict(POINT))
        return new
    return value
