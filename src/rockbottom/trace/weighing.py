"""What the blocks of a logged request weigh, each list of blocks by itself, as the dialect of its model reads them.

The service counts a prompt as a whole; its tokens are shared out over the blocks in proportion to these estimates,
which are those that the attached planner makes of the same blocks. Bytes are no measure: of Chinese, digits, an image
or a PDF a token has between one and some thousand of them.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.dialects import CONVERSE, Dialect, Reader, dialect_for, weigh_block
from rockbottom.prompt import Api, MalformedBody, Meter
from rockbottom.quantities import Undecodable, decoded, decoder_of, is_object
from rockbottom.trace.columns import SectionCode

_BYTES_PER_TOKEN = 4  # only of a block that no dialect reads


class _Text(msgspec.Struct):
    text: str


_text = decoder_of(_Text)


class Weigher:
    """Weighs the blocks of one model in one family of operations; equal ``name``, equal weights.

    ``beside`` are the tokens at the end of a prompt that are never cached, without tools and with them.
    """

    def __init__(self, name: str, dialect: Dialect | None, meter: Meter, beside: tuple[int, int] = (0, 0)) -> None:
        self.name, self.meter, self.beside = name, meter, beside
        self._dialect = dialect

    def tokens_of(self, section: int, whole: bytes, blocks: Sequence[bytes], *, texts: bool) -> list[int]:
        """Tokens of each block of the tools, the system or one message, whose JSON is ``whole``.

        ``texts``: each is a text. A block that cannot be read is taken for its bytes, four a token.
        """
        if texts or self._dialect is CONVERSE:  # most logs; bodies of their own take a third longer
            return self._added(section, self._texts(blocks) if texts else self._blocks(blocks))
        tokens = self._read(section, whole)
        return tokens if len(tokens) == len(blocks) else _by_bytes(blocks)

    def _added(self, section: int, tokens: list[int]) -> list[int]:
        """With what a message and the first tool add to what they hold."""
        weights = self.meter.weights
        if tokens and section != SectionCode.SYSTEM:
            tokens[0] += weights.message_tokens if section == SectionCode.MESSAGES else weights.first_tool_tokens
        return tokens

    def _texts(self, blocks: Sequence[bytes]) -> list[int]:
        try:
            return [self.meter.tokens_of_text(_text(block).text) for block in blocks]
        except Undecodable:
            return _by_bytes(blocks)

    def _blocks(self, blocks: Sequence[bytes]) -> list[int]:
        try:
            return [weigh_block(decoded(block), "", self.meter, "").tokens for block in blocks]
        except (MalformedBody, Undecodable):
            return _by_bytes(blocks)

    def _read(self, section: int, whole: bytes) -> list[int]:
        if self._dialect is None:
            return []
        try:
            segments = self._dialect.read(_body(section, decoded(whole), self._dialect.api), self.meter).segments
        except (MalformedBody, Undecodable):
            return []
        tokens = [segment.tokens for segment in segments]
        if tokens:  # of the request, not of this part of it
            tokens[0] -= self.meter.weights.request_tokens
        return tokens


class Weighers:
    """The weigher of each model that a log names."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._reader = Reader.of(catalog)
        self._known: dict[tuple[str, Api], Weigher] = {}

    def of(self, model: str, api: Api) -> Weigher:
        """The weigher of a model as the log spells it; of one that nobody knows, with the first weights."""
        known = self._known.get((model, api))
        if known is None:
            known = self._known[model, api] = self._made(model, api)
        return known

    def _made(self, model: str, api: Api) -> Weigher:
        try:
            resolved = self._catalog.model(model).model
        except CatalogError:
            name, weights = next(iter(self._catalog.token_weights.items()))
            return Weigher(f"{api.value} {name}", dialect_for(api, ""), Meter(weights))
        dialect = dialect_for(api, resolved.vendor)
        spelling = "" if dialect is None else dialect.name
        rules = self._catalog.rules(resolved, date.max)  # what is in force last
        beside = rules.residual_tokens, rules.residual_tokens_with_tools
        return Weigher(f"{spelling} {resolved.tokenizer}", dialect, self._reader.meter(resolved), beside)


def _body(section: int, value: object, api: Api) -> Mapping[str, object]:
    """A body of which this is the only part."""
    if section == SectionCode.TOOLS:
        return {"toolConfig" if is_object(value) else "tools": value}
    if api is Api.RESPONSES:
        return {"instructions": value} if section == SectionCode.SYSTEM else {"input": [value]}
    return {"system": value} if section == SectionCode.SYSTEM else {"messages": [value]}


def _by_bytes(blocks: Sequence[bytes]) -> list[int]:
    return [1 + len(block) // _BYTES_PER_TOKEN for block in blocks]
