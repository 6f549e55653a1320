"""Whatever is given, attach never raises by itself and never changes what it was given."""

import subprocess
import sys
import threading
from collections import defaultdict

import pytest
from botocore.exceptions import ParamValidationError
from hypothesis import given
from hypothesis import strategies as st

import rockbottom
from rockbottom.catalog import load_catalog
from rockbottom.client import attachment_of
from rockbottom.client.attachment import Attachment
from rockbottom.client.calls import Options
from tests.client.client_doubles import SONNET, ask, runtime, words

_ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8)
_WORDS = st.sampled_from(
    [
        "text",
        "role",
        "user",
        "content",
        "toolUse",
        "toolResult",
        "cachePoint",
        "messages",
        "system",
        "json",
        "image",
        "document",
        "toolSpec",
        "inputSchema",
        "source",
        "bytes",
        "type",
        "ttl",
        "reasoningContent",
        "guardContent",
    ]
)
_JUNK = st.recursive(
    _ATOMS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=4), max_leaves=25
)
_MODELS = st.sampled_from(
    ["us.anthropic.claude-sonnet-4-6", "us.amazon.nova-pro-v1:0", "openai.gpt-oss-120b-1:0", "nobody.knows", ""]
)
_REQUESTS = st.fixed_dictionaries(
    {"modelId": _MODELS | _JUNK},
    optional={
        "messages": _JUNK,
        "system": _JUNK,
        "toolConfig": _JUNK,
        "body": _JUNK,
        "inferenceConfig": _JUNK,
        "additionalModelRequestFields": _JUNK,
        "serviceTier": _JUNK,
        "outputConfig": _JUNK,
    },
)


@given(_REQUESTS)
def test_no_input_raises_and_none_is_changed(request):
    attachment = Attachment(rockbottom.Planner(), load_catalog(), None, Options(hold_s=0.0))
    before = repr(request)
    call = attachment.depart(request)
    assert repr(request) == before
    if call is not None:
        attachment.answered(call)
        attachment.failed(call)


def test_many_threads_on_one_planner_keep_one_set_of_books(endpoint):
    client = rockbottom.attach(runtime(endpoint, max_pool_connections=10), clock=endpoint.state.clock.now)

    def work(number):
        for turn in range(10):
            client.converse(**ask(f"{number} {turn}", words(3000, f"system {number % 2}")))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = attachment_of(client).report()
    assert report.total.calls == 80
    assert report.total.saved_usd > 0
    assert sum(line.calls for line in report.prefixes) == 80


_TWICE = """
import boto3, rockbottom
from botocore.config import Config
from tests.client.client_doubles import KEYS, SONNET

def refusal(client, value):
    system = [{"text": "A rule stands. " * 2000}]
    call = {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"value": value}}}
    messages = [{"role": "user", "content": [{"text": "Look."}]}, {"role": "assistant", "content": [call]}]
    try:
        client.converse(modelId=SONNET, system=system, messages=messages)
    except Exception as error:
        return type(error).__name__

ONCE = Config(retries={"total_max_attempts": 1})

def client():
    return boto3.client("bedrock-runtime", endpoint_url="http://127.0.0.1:9", config=ONCE, **KEYS)

listed, mapped, deep = [], {}, "leaf"
listed.extend([listed, listed])
mapped.update(a=mapped, b=mapped)
for _ in range(100_000):
    deep = [deep]
attached = rockbottom.attach(client())
for value in (listed, mapped, deep):
    print(refusal(client(), value), refusal(attached, value))
"""


def test_what_contains_itself_twice_is_refused_by_boto3_and_not_read_without_end():
    # a process of its own: reading it without end would hold up every thread of this one
    done = subprocess.run([sys.executable, "-c", _TWICE], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["RecursionError"] * 6


def test_a_defaultdict_in_a_list_s_place_does_not_grow_by_being_read(endpoint):
    content = defaultdict(list, {"text": [1]})
    result = {"toolResult": {"toolUseId": "t1", "content": content}}
    messages = [{"role": "user", "content": [result]}]
    with pytest.raises(ParamValidationError, match=r"toolResult\.content"):
        rockbottom.attach(runtime(endpoint)).converse(modelId=SONNET, messages=messages)
    assert content == {"text": [1]}
