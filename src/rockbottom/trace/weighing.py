"""What the blocks of a logged request weigh, each list of blocks by itself, as the dialect of its model reads them.

The service counts a prompt as a whole; its tokens are shared out over the blocks in proportion to these estimates,
which are those that the attached planner makes of the same blocks. Bytes are no measure: of Chinese, digits, an image
or a PDF a token has between one and some thousand of them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.dialects import CONVERSE, BodyReader, Dialect, dialect_for, weigh_block
from rockbottom.prompt import Api, MalformedBody, Meter, Parameters, json_bytes
from rockbottom.quantities import TokenWeights, Undecodable, decoded, decoder_of, is_object
from rockbottom.trace.columns import SectionCode
from rockbottom.trace.estimates import Estimates

_BYTES_PER_TOKEN = 4  # only of a block that no dialect reads
_WEIGHED_WHOLE = b'"document"'  # in a tool's result it may count something else than its texts


class _Text(msgspec.Struct):
    text: str


_text = decoder_of(_Text)


class _Noting(Meter):
    """A meter that counts nothing and notes the texts of a block, whose tokens are the sum of theirs."""

    def __init__(self, weights: TokenWeights, note: Callable[[str], None]) -> None:
        super().__init__(weights)
        self._note = note

    def text(self, text: str, kind: str = "text", role: str = "") -> tuple[bytes, int]:
        self._note(text)
        return b"", 0

    def weigh(self, text: str, role: str) -> tuple[bytes, int]:
        self._note(text)
        return b"", 0

    def json(self, value: object, kind: str, role: str = "") -> tuple[bytes, int]:
        self._note(json_bytes(value).decode("utf-8", "surrogatepass"))
        return b"", 0

    def composed(self, key: tuple[str, ...]) -> None:
        return None

    def compose(self, key: tuple[str, ...], weighed: tuple[bytes, int]) -> tuple[bytes, int]:
        return weighed

    def digest(self, kind: str, role: str, *parts: bytes) -> bytes:
        return b""

    def tokens_of_text(self, text: str) -> int:
        self._note(text)
        return 0


class Weigher:
    """Weighs the blocks of one model in one family of operations; equal ``name``, equal weights.

    ``beside`` are the tokens at the end of a prompt that are never cached, without tools and with them. Blocks are put
    among ``estimates``, where their texts are counted later, all together.
    """

    def __init__(
        self, name: str, dialect: Dialect | None, meter: Meter, estimates: Estimates, beside: tuple[int, int] = (0, 0)
    ) -> None:
        self.name, self.meter, self.beside = name, meter, beside
        self.spelling = "" if dialect is None else dialect.name
        self.of_openai = dialect is not None and dialect.api in (Api.CHAT, Api.RESPONSES)
        self._dialect, self._estimates = dialect, estimates
        self._weights = estimates.number_of(meter.weights)
        self._noting = _Noting(meter.weights, self._note)

    def parameters(self, members: Mapping[str, bytes]) -> Parameters:
        """What the dialect makes of the parameters of a body. Raises Undecodable for a shape that it does not know."""
        body = {name: decoded(raw) for name, raw in members.items() if raw}
        dialect = self._dialect or CONVERSE
        conversation = "input" if dialect.api is Api.RESPONSES else "messages"
        try:
            return dialect.read({**body, conversation: ()}, self.meter).parameters
        except MalformedBody as error:
            if not body:  # a model whose bodies hold no messages
                return Parameters()
            raise Undecodable(str(error)) from error

    def _note(self, text: str) -> None:
        self._estimates.add_text(text, self._weights)

    def weigh(self, section: int, whole: bytes, blocks: Sequence[bytes], *, texts: bool) -> list[int]:
        """The numbers among the estimates of the blocks of the tools, the system or one message, whose JSON is
        ``whole``.

        ``texts``: each is a text. A block that cannot be read is taken for its bytes, four a token.
        """
        self._estimates.settle()
        if texts or self._dialect is CONVERSE:  # most logs; bodies of their own take a third longer
            weights = self.meter.weights
            first = weights.message_tokens if section == SectionCode.MESSAGES else weights.first_tool_tokens
            more = first if section != SectionCode.SYSTEM else 0  # what a message and the first tool add
            return self._texts(blocks, more) if texts else self._blocks(blocks, more)
        tokens = self._read(section, whole)
        return self._fixed(tokens if len(tokens) == len(blocks) else _by_bytes(blocks))

    def _texts(self, blocks: Sequence[bytes], more: int) -> list[int]:
        estimates, numbers = self._estimates, list[int]()
        try:
            for block in blocks:
                estimates.add_text(_text(block).text, self._weights)
                numbers.append(estimates.add_block(0 if numbers else more))
        except Undecodable:
            return self._by_bytes(blocks, more)
        return numbers

    def _blocks(self, blocks: Sequence[bytes], more: int) -> list[int]:
        numbers: list[int] = []
        try:
            for block in blocks:
                meter = self.meter if _WEIGHED_WHOLE in block else self._noting
                tokens = weigh_block(decoded(block), "", meter, "").tokens
                numbers.append(self._estimates.add_block(tokens + (0 if numbers else more)))
        except (MalformedBody, Undecodable):
            self._estimates.drop_texts()
            return self._by_bytes(blocks, more)
        return numbers

    def _by_bytes(self, blocks: Sequence[bytes], more: int) -> list[int]:
        tokens = _by_bytes(blocks)
        return self._fixed([tokens[0] + more, *tokens[1:]])

    def _fixed(self, tokens: Sequence[int]) -> list[int]:
        return [self._estimates.add_block(count) for count in tokens]

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
    """The weigher of each model that a log names; their blocks are put among ``estimates``."""

    def __init__(self, catalog: Catalog, estimates: Estimates) -> None:
        self._catalog, self._estimates = catalog, estimates
        self._reader = BodyReader.of(catalog)
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
            return Weigher(f"{api.value} {name}", dialect_for(api, ""), Meter(weights), self._estimates)
        dialect = dialect_for(api, resolved.vendor)
        spelling = "" if dialect is None else dialect.name
        rules = self._catalog.rules(resolved, date.max)  # what is in force last
        beside = rules.residual_tokens, rules.residual_tokens_with_tools
        name, meter = f"{spelling} {resolved.tokenizer}", self._reader.meter(resolved)
        return Weigher(name, dialect, meter, self._estimates, beside)


def _body(section: int, value: object, api: Api) -> Mapping[str, object]:
    """A body of which this is the only part."""
    if section == SectionCode.TOOLS:
        return {"toolConfig" if is_object(value) else "tools": value}
    if api is Api.RESPONSES:
        return {"instructions": value} if section == SectionCode.SYSTEM else {"input": [value]}
    return {"system": value} if section == SectionCode.SYSTEM else {"messages": [value]}


def _by_bytes(blocks: Sequence[bytes]) -> list[int]:
    return [1 + len(block) // _BYTES_PER_TOKEN for block in blocks]
