"""Bodies checked against the service model: the quick look at lists of one text finds what the whole walk finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.local.failures import ServiceFailure
from rockbottom.local.shapes import body_checker, service_model

CONVERSE = body_checker(service_model("bedrock-runtime"), "Converse")
VALUES = st.sampled_from(["text", "", None, 5, True, [], {}, {"text": "a"}, {"type": "default"}])
BLOCKS = st.one_of(
    st.builds(lambda text: {"text": text}, VALUES),
    st.dictionaries(st.sampled_from(["text", "cachePoint", "image", "other"]), VALUES, max_size=2),
    VALUES,
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "nobody", None])}, optional={"content": st.lists(BLOCKS, max_size=2)}
)


def verdict(body):
    try:
        CONVERSE(body)
    except ServiceFailure as failure:
        return failure.code, failure.message
    return None


@given(st.lists(MESSAGES, min_size=1, max_size=3))
def test_a_list_of_one_text_is_judged_as_the_same_text_beside_a_good_one(messages):
    """A good block more has no complaint of its own, and makes the checker look at each block of the list."""
    longer = [
        {**message, "content": [*message["content"], {"text": "good"}]} if message.get("content") else message
        for message in messages
    ]
    assert verdict({"messages": messages}) == verdict({"messages": longer})


@pytest.mark.parametrize("text, named", [(5, "a number"), ([], "a list")])
def test_one_text_of_another_type_is_named(text, named):
    """The first block of the first message."""
    said = f"messages.1.member.content.1.member.text must be a string, not {named}"
    assert verdict({"messages": [{"role": "user", "content": [{"text": text}]}]}) == ("SerializationException", said)


def test_one_text_that_is_null_is_no_member():
    """The union then has none of its keys."""
    assert verdict({"messages": [{"role": "user", "content": [{"text": None}]}]})[0] == "ValidationException"
