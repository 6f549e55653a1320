"""The compiled replay and ``cache.step`` do the same where the service caches by itself: GPT-5.6, and GPT-5.4's free
cache where it is read.

Any kinds of block, marks wherever a client puts them, requests that forbid the service's own point and requests on a
surface that takes no mark, every switch that matters.
"""

from dataclasses import replace
from datetime import date
from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import load_catalog
from rockbottom.prompt import Api, BlockKind, CachePoint, Parameters, Section, Segment, digest_of, prompt_of
from rockbottom.replay import PlacedPoints, ReplayQuestion, nodes_of, outcomes
from rockbottom.replay.points import taken
from rockbottom.replay.study import namespaces_of
from rockbottom.trace import KINDS, NO_TTL, Blocks, Points, RequestColumns, Trace
from rockbottom.trace.columns import API_CODES, NAME_TABLES, offsets_of, table_of

CATALOG = load_catalog()
MANTLE = "", "bedrock-mantle"
SOL, GPT_54 = (
    CATALOG.rules(CATALOG.model(f"openai.{name}"), date(2026, 11, 20)) for name in ("gpt-5.6-sol", "gpt-5.4")
)
WHAT = {  # of a letter: tokens, kind, section
    "i": (900, BlockKind.INSTRUCTIONS, Section.SYSTEM),
    "s": (700, BlockKind.TEXT, Section.SYSTEM),
    "u": (300, BlockKind.TEXT, Section.MESSAGES),
    "v": (600, BlockKind.TEXT, Section.MESSAGES),
    "a": (250, BlockKind.OUTPUT_TEXT, Section.MESSAGES),
    "c": (40, BlockKind.TOOL_USE, Section.MESSAGES),
    "r": (500, BlockKind.TOOL_RESULT, Section.MESSAGES),
}
CALL = st.tuples(
    st.sampled_from(["", "i", "s"]),
    st.text("uvacr", min_size=1, max_size=8),
    st.sets(st.integers(1, 9), max_size=5),
    st.booleans(),  # mode explicit
    st.sampled_from([0.0, 20.0, 1799.0, 1801.0]),
    st.sampled_from([Api.RESPONSES, Api.CHAT, Api.CONVERSE]),
)


@given(
    calls=st.lists(CALL, min_size=1, max_size=25),
    lookback=st.sampled_from(["message_ends", "none"]),
    slides=st.sampled_from(["yes", "no"]),
)
@settings(max_examples=150, deadline=None)
def test_what_gpt_reads_and_writes_is_the_same(calls, lookback, slides):
    behaviour = behaviour_of(CATALOG.switches, implicit_lookback=lookback, thirty_minutes_slide=slides, api_in_key="no")
    assert _replayed(calls, SOL, behaviour) == _stepped(calls, SOL, behaviour)


@given(
    calls=st.lists(st.tuples(CALL, st.booleans()), min_size=1, max_size=25),
    apart=st.sampled_from(["yes", "no"]),
)
@settings(max_examples=100, deadline=None)
def test_so_it_is_where_requests_go_to_both_hosts(calls, apart):
    """The second of each pair: to bedrock-mantle."""
    behaviour = behaviour_of(CATALOG.switches, host_in_key=apart, api_in_key="no")
    hosts, calls = [mantle for _, mantle in calls], [call for call, _ in calls]
    assert _replayed(calls, SOL, behaviour, hosts) == _stepped(calls, SOL, behaviour, hosts)


@pytest.mark.parametrize("reads", ["never", "always"])
@given(calls=st.lists(CALL, min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_so_is_what_comes_from_a_free_cache(calls, reads):
    behaviour = behaviour_of(CATALOG.switches, best_effort_reads=reads, api_in_key="no")
    assert _replayed(calls, GPT_54, behaviour) == _stepped(calls, GPT_54, behaviour)


def test_a_free_cache_that_is_read_is_read():
    behaviour = behaviour_of(CATALOG.switches, best_effort_reads="always", api_in_key="no")
    talk = [("s", text, set(), False, 20.0, Api.CHAT) for text in ("uv", "uvau", "uvauau")]
    # 1,600 tokens and the two of the header; then those are read, and then all of the second request.
    assert _replayed(talk, GPT_54, behaviour) == [(0, 0, 1602), (1600, 0, 552), (2150, 0, 552)]


def _prompts(calls):
    now = 0.0
    for front, text, marks, explicit, wait, api in calls:
        now += wait
        segments = [
            Segment(section, kind, digest_of("x", "", letter.encode()), tokens, 1, "", message)
            for message, (tokens, kind, section, letter) in enumerate(
                (*WHAT[letter], letter) for letter in (*front, *text)
            )
        ]
        points = [
            CachePoint(after, None, segments[after - 1].section, segments[after - 1].kind)
            for after in sorted(marks)
            if after <= len(segments)
        ]
        # Of Converse neither marks nor the mode can be told; GPT-5.4 refuses the mode.
        told = api is not Api.CONVERSE
        yield prompt_of(api, segments, points if told else [], Parameters(), False if explicit and told else None), now


def _stepped(calls, rules, behaviour, hosts=()):
    state, rows = PrefixCache(), []
    for (prompt, now), mantle in zip_longest(_prompts(calls), hosts):
        prompt = prompt if rules.implicit_point else replace(prompt, implicit=None)
        state, result = step(
            state, prompt, now, rules, behaviour, Namespace("1", "us-east-1", "m", "bedrock-mantle" if mantle else "")
        )
        rows.append((result.read, result.written, result.uncached))
    return rows


def _replayed(calls, rules, behaviour, hosts=None):
    prompts, instants = zip(*_prompts(calls), strict=True)
    blocks = [segment for prompt in prompts for segment in prompt.segments]
    sections = [Section.TOOLS, Section.SYSTEM, Section.MESSAGES]
    trace = Trace(
        table_of(RequestColumns, {
            "at": instants, "tokens_in": [prompt.tokens + rules.residual_tokens for prompt in prompts],
            "api": [API_CODES[prompt.api] for prompt in prompts], "host": hosts,
        }, len(prompts)),
        table_of(Blocks, {
            "prefix": np.array([link for prompt in prompts for link in _chain(prompt)], np.uint64),
            "depth": [depth for prompt in prompts for depth in prompt.depths[1:]],
            "section": [sections.index(segment.section) for segment in blocks],
            "kind": [KINDS.index(segment.kind.value) for segment in blocks],
            "weight": np.ones(len(blocks)), "begins": np.ones(len(blocks)),
        }, len(blocks)),
        table_of(Points, {}, 0), offsets_of([len(prompt.segments) for prompt in prompts]),
        np.zeros(len(prompts) + 1, np.int64), dict.fromkeys(NAME_TABLES, ()),
    )  # fmt: skip
    after = np.array([point.after for prompt in prompts for point in prompt.points], np.int32)
    own = np.array([prompt.implicit is not False or not rules.implicit_point for prompt in prompts], np.uint8)
    marks = PlacedPoints(
        offsets_of([len(prompt.points) for prompt in prompts]), after, np.full(len(after), NO_TTL, np.uint8), own
    )
    nodes = nodes_of(trace, namespaces_of(trace, ReplayQuestion((), date(2026, 11, 20)), behaviour))
    found = outcomes(trace, nodes, taken(marks, trace, rules), rules, behaviour)
    return [tuple(map(int, row)) for row in zip(found.read, found.written, found.uncached, strict=True)]


def _chain(prompt):
    digest, links = b"", []
    for segment in prompt.segments:
        digest = digest_of("chain", "", digest, segment.digest)
        links.append(int.from_bytes(digest[:8], "little"))
    return links
