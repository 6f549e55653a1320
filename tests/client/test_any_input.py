"""Whatever is given, attach never raises by itself and never changes what it was given."""

import threading

from hypothesis import given
from hypothesis import strategies as st

import rockbottom
from rockbottom.catalog import load_catalog
from rockbottom.client import attachment_of
from rockbottom.client.attachment import Attachment
from rockbottom.client.calls import Options
from tests.client.client_doubles import ask, runtime, words

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
