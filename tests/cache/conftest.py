"""Prompts made of blocks with stated token counts, so that every expected value can be worked out by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from rockbottom.cache import Behaviour, Namespace
from rockbottom.catalog import CacheRules
from rockbottom.prompt import Api, BlockKind, CachePoint, Parameters, Prompt, Section, Segment, digest_of, prompt_of
from rockbottom.quantities import Source, Ttl


@pytest.fixture
def rules() -> CacheRules:
    """Rules like Claude's: minimum 1,000, four points, both TTLs, lookback 21, no residual."""
    return CacheRules(
        model="test.model",
        explicit=True,
        implicit=False,
        minimum_tokens=1000,
        maximum_points=4,
        maximum_cacheable_tokens=None,
        ttls=(Ttl.FIVE_MINUTES, Ttl.ONE_HOUR),
        accepts_ttl_field=True,
        sections=frozenset({"tools", "system", "messages"}),
        illegal_after=frozenset({"reasoning", "text_document"}),
        lookback_blocks=21,
        residual_tokens=0,
        residual_tokens_with_tools=0,
        keeps_thinking=True,
        valid_from=date(2026, 1, 1),
        source=Source("made-up", "made up for tests", "", date(2026, 1, 1)),
    )


@pytest.fixture
def behaviour() -> Behaviour:
    """The conservative side of every switch."""
    return Behaviour(
        thinking_scope="all",
        ttl_in_key="yes",
        entry_lifetime="per_block",
        refresh_on_hit="prefix",
        api_in_key="yes",
        point_below_hit="marks",
        unsupported_ttl="reject",
        trailing_text_document="cached",
    )


@pytest.fixture
def namespace() -> Namespace:
    """One account, Region and model."""
    return Namespace("111122223333", "us-east-1", "test.model")


@pytest.fixture
def prompt_from() -> Callable[..., Prompt]:
    """Builds a prompt from words such as ``s:rules=1000 | u:question=200 |1h``; see ``build``."""
    return build


def build(text: str, parameters: Parameters | None = None, api: Api = Api.CONVERSE) -> Prompt:
    """A prompt from a line: blocks ``<place>:<name>=<tokens>[*<copies>]`` and points ``|``, ``|5m``, ``|1h``.

    ``place`` is t (tools), s (system), u (user text), a (assistant text), r (user tool result), c (assistant
    tool use), k (assistant reasoning) or d (user text document). A new message begins where the role changes.
    """
    segments: list[Segment] = []
    points: list[CachePoint] = []
    message, last_role, follows = -1, "", None
    for word in text.split():
        if word.startswith("|"):
            before = segments[-1]
            ttl = Ttl(word[1:]) if word[1:] else None
            points.append(CachePoint(len(segments), ttl, before.section, follows, before.message))
            follows = BlockKind.CACHE_POINT
            continue
        place, _, rest = word.partition(":")
        name, _, size = rest.partition("=")
        tokens, _, copies = size.partition("*")
        section, kind, role = _PLACES[place]
        if section is Section.MESSAGES and role != last_role:
            message, last_role = message + 1, role
        for copy in range(int(copies or 1)):
            digest = digest_of(kind.value, role, f"{name}{copy}".encode())
            blocks = 2 if kind is BlockKind.TEXT_DOCUMENT else 1
            segments.append(Segment(section, kind, digest, int(tokens), blocks, role, max(message, 0)))
        follows = kind
    return prompt_of(api, segments, points, parameters or Parameters())


_PLACES = {
    "t": (Section.TOOLS, BlockKind.TOOL, ""),
    "s": (Section.SYSTEM, BlockKind.TEXT, ""),
    "u": (Section.MESSAGES, BlockKind.TEXT, "user"),
    "a": (Section.MESSAGES, BlockKind.TEXT, "assistant"),
    "r": (Section.MESSAGES, BlockKind.TOOL_RESULT, "user"),
    "c": (Section.MESSAGES, BlockKind.TOOL_USE, "assistant"),
    "k": (Section.MESSAGES, BlockKind.REASONING, "assistant"),
    "d": (Section.MESSAGES, BlockKind.TEXT_DOCUMENT, "user"),
}


@pytest.fixture
def with_rules(rules: CacheRules) -> Callable[..., CacheRules]:
    """The rules with some fields changed."""

    def changed(**fields: object) -> CacheRules:
        return replace(rules, **fields)  # type: ignore[arg-type]

    return changed
