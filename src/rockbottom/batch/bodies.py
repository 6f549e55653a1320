"""What a body of each dialect may hold: its members, the roles of its messages, the blocks in them.

AWS looks into ``modelInput`` only when the record runs, and a refused record is found after the upload. What is known
of the bodies is data (``data/bodies.toml``), with its sources.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from rockbottom.dialects import CACHE_POINT, DIALECTS, Dialect
from rockbottom.files import packaged
from rockbottom.quantities import Undecodable, decoder_of

_ROLES = ("user", "assistant", "system")
_BESIDE_TEXT = CACHE_POINT  # Nova writes a point beside the text that it closes


class _Message(msgspec.Struct):
    role: str
    content: str | list[dict[str, msgspec.Raw]] | None = None


class _Body(msgspec.Struct):
    messages: list[_Message] = []
    system: str | list[dict[str, msgspec.Raw]] | None = None


_body = decoder_of(_Body)
_text = decoder_of(str)


@dataclass(frozen=True, slots=True)
class BodyShape:
    """The members of a dialect's bodies; its blocks are named by their only key, or by their ``type``."""

    dialect: Dialect
    members: frozenset[str]
    blocks: frozenset[str]
    types: frozenset[str]
    roles: frozenset[str]
    may_be_empty: frozenset[str] = frozenset()

    def fault(self, body: bytes) -> tuple[str, str] | None:
        """The member of a body whose messages are no messages of this dialect, and why; None for a good one."""
        try:
            read = _body(body)
        except Undecodable as error:
            return "modelInput", str(error)
        if not self.types and isinstance(read.system, str):
            return "modelInput.system", "a text; this API takes a list of blocks"
        for number, message in enumerate(read.messages):
            fault = self._fault_of_message(message)
            if fault is not None:
                return f"modelInput.messages[{number}].{fault[0]}", fault[1]
        return None

    def _fault_of_message(self, message: _Message) -> tuple[str, str] | None:
        if message.role not in self.roles:
            return "role", f"{message.role!r}; there are {', '.join(sorted(self.roles))}"
        if message.content is None:
            return None if message.role in self.may_be_empty else ("content", "missing")
        why = self._fault_of_content(message.content)
        return None if why is None else ("content", why)

    def _fault_of_content(self, content: "str | list[dict[str, msgspec.Raw]]") -> str | None:
        if isinstance(content, str):
            return None if self.types else "a text; this API takes a list of blocks"
        for block in content:
            if len(block) == 1 and block.keys() <= self.blocks:  # what most blocks are
                continue
            why = self._fault_of_block(block)
            if why is not None:
                return why
        return None

    def _fault_of_block(self, block: dict[str, msgspec.Raw]) -> str | None:
        if self.types:
            kind = _typed(block)
            return None if kind in self.types else f"a block of type {kind!r}, which this API does not have"
        names = block.keys() - {_BESIDE_TEXT} or block.keys()
        if len(names) == 1 and names <= self.blocks:
            return None
        return f"a block with {', '.join(sorted(names)) or 'nothing in it'}; a block is one of " + ", ".join(
            sorted(self.blocks - {_BESIDE_TEXT})
        )


def _typed(block: dict[str, msgspec.Raw]) -> str | None:
    raw = block.get("type")
    try:
        return None if raw is None else _text(bytes(raw))
    except Undecodable:
        return None


def output_limit(body: Mapping[str, Any]) -> int | None:
    """The most output tokens that a body allows, in any dialect; None when it sets no limit."""
    config: Any = body.get("inferenceConfig") or {}
    members = (config.get("maxTokens"), body.get("max_completion_tokens"), body.get("max_tokens"))
    for limit in (*members, config.get("max_new_tokens")):
        if isinstance(limit, int):
            return limit * _answers(body)
    return None


def _answers(body: Mapping[str, Any]) -> int:
    """How many answers a body asks for; only Chat Completions gives more than one."""
    count = body.get("n")
    return count if isinstance(count, int) and count > 1 else 1


def shape_of(dialect: Dialect | None) -> BodyShape | None:
    """What is known of a dialect's bodies; None where nothing is."""
    row = None if dialect is None else packaged("batch", "bodies").get(dialect.name)
    if dialect is None or row is None:
        return None
    members, blocks, types, may_be_empty = (
        frozenset[str](row.get(name, ())) for name in ("members", "blocks", "types", "may_be_empty")
    )
    return BodyShape(dialect, members, blocks, types, frozenset(row.get("roles", _ROLES)), may_be_empty)


def looks_like(members: Collection[str]) -> str:
    """Of which dialect's bodies these members are, as a sentence with what to do; empty where it is of none."""
    if {"custom_id", "body"} <= frozenset(members):
        return "these are lines of the OpenAI Batch API: --type ChatCompletions"
    for shape in _fitting(members):
        kind = shape.dialect.operations[0]
        vendor = f" of {shape.dialect.vendor}" if shape.dialect.vendor else ""
        return f"this looks like a body for {kind}{vendor}: --type {kind}, with a model that speaks it"
    return ""


def _fitting(members: Collection[str]) -> Iterator[BodyShape]:
    named = frozenset(members)
    for dialect in DIALECTS:
        shape = shape_of(dialect)
        if shape is not None and named <= shape.members and named >= frozenset(dialect.required):
            yield shape
