"""The compiled replay and ``cache.step`` do the same on random traffic."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rockbottom.cache import Behaviour, Namespace, PrefixCache, step
from rockbottom.catalog import CacheRules, load_catalog
from rockbottom.prompt import Api, BlockKind, CachePoint, Parameters, Section, Segment, digest_of, prompt_of
from rockbottom.quantities import Ttl
from rockbottom.replay import PlacedPoints, nodes_of, outcomes
from rockbottom.trace import NO_TTL, Blocks, Points, RequestColumns, Trace
from rockbottom.trace.columns import API_CODES, NAME_TABLES, offsets_of, table_of

SIZES = {"a": 300, "b": 700, "c": 1200, "d": 40, "e": 2}
MARKS = st.tuples(st.integers(1, 30), st.sampled_from(["5m", "30m", "1h", None]))
REQUESTS = st.lists(
    st.tuples(
        st.text("abcde", min_size=1, max_size=30),
        st.lists(MARKS, max_size=4, unique=True),
        st.one_of(st.floats(0, 4000), st.sampled_from([0.0, 1.0, 299.0, 300.0, 301.0, 3600.0])),
        st.sampled_from([0.0, 0.5, 400.0]),
        st.integers(0, 1),
        st.sampled_from([Api.CONVERSE, Api.MESSAGES]),
    ),
    min_size=1,
    max_size=40,
)
BEHAVIOURS = st.builds(
    Behaviour,
    thinking_scope=st.just("all"),
    ttl_in_key=st.sampled_from(["yes", "no"]),
    entry_lifetime=st.sampled_from(["per_block", "whole_prefix"]),
    refresh_on_hit=st.sampled_from(["prefix", "entry"]),
    api_in_key=st.sampled_from(["yes", "no"]),
    point_below_hit=st.sampled_from(["marks", "ignored"]),
    unsupported_ttl=st.just("downgrade"),
    trailing_text_document=st.just("excluded"),
    thirty_minutes_slide=st.sampled_from(["yes", "no"]),
    ttl_in_key_messages=st.sampled_from(["yes", "no"]),
)


@pytest.fixture(scope="module")
def rules() -> CacheRules:
    catalog = load_catalog()
    return catalog.rule_history(catalog.model("global.anthropic.claude-sonnet-4-6").model)[0]


@given(
    requests=REQUESTS,
    behaviour=BEHAVIOURS,
    minimum=st.sampled_from([0, 1000, 1024]),
    maximum=st.sampled_from([None, 6000]),
    lookback=st.sampled_from([0, 2, 21]),
    ttls=st.sampled_from([(Ttl.FIVE_MINUTES, Ttl.ONE_HOUR), (Ttl.FIVE_MINUTES,), (Ttl.THIRTY_MINUTES,), tuple(Ttl)]),
)
@settings(max_examples=200, deadline=None)
@example(
    requests=[
        ("cc", [(1, "5m"), (1, None), (2, "1h"), (2, "5m")], wait, 0.0, 0, Api.CONVERSE)
        for wait in (0.0, 10.0, 299.0, 301.0)
    ],
    behaviour=Behaviour("all", "no", "per_block", "prefix", "yes", "marks", "downgrade", "excluded"),
    minimum=1000,
    maximum=None,
    lookback=21,
    ttls=(Ttl.FIVE_MINUTES, Ttl.ONE_HOUR),
)
def test_every_request_reads_and_writes_the_same_tokens(rules, requests, behaviour, minimum, maximum, lookback, ttls):
    """Any prompts from a small alphabet, points and instants, every switch, two Regions and APIs, late visibility."""
    chosen = replace(
        rules, minimum_tokens=minimum, maximum_cacheable_tokens=maximum, lookback_blocks=lookback, ttls=ttls
    )
    prompts, instants = _prompts(requests)
    expected = _stepped(prompts, instants, requests, chosen, behaviour)
    trace, points = _columns(prompts, instants, chosen)
    apart = behaviour.api_in_key == "yes"
    regions = np.array([request[4] + 2 * (apart and request[5] is Api.MESSAGES) for request in requests])
    delays = np.array([request[3] for request in requests])
    found = outcomes(trace, nodes_of(trace, regions), points, chosen, behaviour, delays)
    columns = found.read, *(found.writes[ttl] for ttl in ttls), found.uncached, found.hit
    assert [tuple(map(int, row)) for row in zip(*columns, strict=True)] == expected


def _prompts(requests):
    instants, now, prompts = [], 0.0, []
    for text, marks, wait, _, _, api in requests:
        now += wait
        instants.append(now)
        segments = [
            Segment(Section.MESSAGES, BlockKind.TEXT, digest_of("x", "user", b.encode()), SIZES[b], 1 + (b == "e"))
            for b in text
        ]
        points = [
            CachePoint(after, Ttl(ttl) if ttl else None, Section.MESSAGES, BlockKind.TEXT)
            for after, ttl in marks
            if after <= len(text)
        ]
        prompts.append(prompt_of(api, segments, points, Parameters()))
    return prompts, instants


def _stepped(prompts, instants, requests, rules, behaviour):
    state, made = PrefixCache(), []
    for prompt, now, request in zip(prompts, instants, requests, strict=True):
        namespace = Namespace("1", f"region-{request[4]}", "m")
        state, result = step(state, prompt, now, rules, behaviour, namespace, now + request[3])
        writes = [result.writes.get(ttl, 0) for ttl in rules.ttls]
        made.append((result.read, *writes, result.uncached, result.hit))
    return made


def _columns(prompts, instants, rules):
    chains = [_chain(prompt) for prompt in prompts]
    blocks = [segment for prompt in prompts for segment in prompt.segments]
    points = [point for prompt in prompts for point in prompt.points]
    counts = [len(prompt.segments) for prompt in prompts]
    length, rows = len(prompts), len(blocks)
    requests = {
        "at": instants,
        "tokens_in": [prompt.tokens + rules.residual_tokens for prompt in prompts],
        "api": [API_CODES[prompt.api] for prompt in prompts],
    }
    columns = {
        "prefix": np.array([link for chain in chains for link in chain], np.uint64),
        "depth": [depth for prompt in prompts for depth in prompt.depths[1:]],
        "section": np.full(rows, 2),
        "weight": [segment.blocks for segment in blocks],
    }
    trace = Trace(
        table_of(RequestColumns, requests, length),
        table_of(Blocks, columns, rows),
        table_of(Points, {}, 0),
        offsets_of(counts),
        np.zeros(length + 1, np.int64),
        dict.fromkeys(NAME_TABLES, ()),
    )
    ttl = np.array([point.ttl.code if point.ttl else NO_TTL for point in points], np.uint8)
    after = np.array([point.after for point in points], np.int32)
    return trace, PlacedPoints(offsets_of([len(prompt.points) for prompt in prompts]), after, ttl)


def _chain(prompt):
    digest, made = b"", []
    for segment in prompt.segments:
        digest = digest_of("chain", "", digest, segment.digest)
        made.append(int.from_bytes(digest[:8], "little"))
    return made


TALKS = st.lists(
    st.tuples(
        st.text("abcde", min_size=1, max_size=12),
        st.lists(st.integers(1, 12), max_size=3, unique=True),
        st.one_of(st.floats(0, 4000), st.sampled_from([0.0, 1.0, 1799.0, 1800.0, 1801.0])),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@given(
    talks=TALKS,
    together=st.integers(1, 3),
    lookback=st.sampled_from(["message_ends", "none"]),
    lifetime=st.sampled_from(["per_block", "whole_prefix"]),
    refresh=st.sampled_from(["prefix", "entry"]),
    most=st.sampled_from([1, 2, 4]),
)
@settings(max_examples=200, deadline=None)
def test_the_point_of_the_service_reads_and_writes_the_same_tokens(talks, together, lookback, lifetime, refresh, most):
    """GPT: messages of so many blocks, points by hand at their own places, the service's own where not forbidden."""
    catalog = load_catalog()
    gpt = replace(catalog.rule_history(catalog.model("openai.gpt-5.6-sol").model)[0], maximum_points=most)
    behaviour = Behaviour(
        "all", "yes", lifetime, refresh, "yes", "marks", "downgrade", "excluded", implicit_lookback=lookback
    )
    prompts, instants, now = [], [], 0.0
    for text, marks, wait, implicit in talks:
        now += wait
        instants.append(now)
        segments = [
            Segment(
                Section.MESSAGES, BlockKind.TEXT, digest_of("x", "user", b.encode()), SIZES[b], message=n // together
            )
            for n, b in enumerate(text)
        ]
        points = [CachePoint(after, None, Section.MESSAGES, BlockKind.TEXT) for after in marks if after <= len(text)]
        prompts.append(prompt_of(Api.RESPONSES, segments, points, Parameters(), implicit))
    requests = [("", [], 0.0, 0.0, 0)] * len(prompts)
    expected = _stepped(prompts, instants, requests, gpt, behaviour)
    trace, points = _columns(prompts, instants, gpt)
    trace.blocks.begins[:] = [n % together == 0 for prompt in prompts for n in range(len(prompt.segments))]
    points = replace(points, own=np.array([prompt.implicit for prompt in prompts], np.uint8))
    found = outcomes(trace, nodes_of(trace, np.zeros(len(prompts), np.int64)), points, gpt, behaviour, None)
    columns = found.read, found.writes[Ttl.THIRTY_MINUTES], found.uncached, found.hit
    assert [tuple(map(int, row)) for row in zip(*columns, strict=True)] == expected
