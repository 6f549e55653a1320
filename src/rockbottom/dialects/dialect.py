"""What there is to know of one way to spell requests and replies: a dialect, one module each."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from msgspec import Struct

from rockbottom.catalog import Model
from rockbottom.dialects.streams import StreamCounts
from rockbottom.dialects.usage import Counters
from rockbottom.prompt import Api, Meter, Placement, Prompt
from rockbottom.quantities import Usage
from rockbottom.wire import Event, Json


class Exchange(Struct, frozen=True):
    """What a reply repeats of its request, and what it is given besides: a name, its instant, the tier that served it.

    ``reasoning_tokens`` are those of its output that were thoughts; ``inline_reasoning``: they stand in the text.
    """

    model: Model
    identity: str
    body: Mapping[str, Any]
    at: float
    tier: str = "default"
    reasoning_tokens: int = 0
    inline_reasoning: bool = False


class Dialect(Protocol):
    """One API surface. Bodies and replies are decoded JSON (or boto3 arguments) and are never changed.

    ``vendor`` is whose models speak it, None: those of all. ``operations`` are the one that answers as a whole and
    the one that streams. ``paths`` are the operations by the path they are sent to, where ``{model}`` stands for a
    model id; where a path has none, the body names the model. ``required`` are the members without which the service
    refuses a body. ``counters`` read the ``usage`` of a reply. ``lead`` is how many events of a stream come before its
    first text, ``stream_type`` the media type of a stream.
    """

    @property
    def name(self) -> str: ...
    @property
    def api(self) -> Api: ...
    @property
    def vendor(self) -> str | None: ...
    @property
    def operations(self) -> tuple[str, str]: ...
    @property
    def paths(self) -> Mapping[str, str]: ...
    @property
    def required(self) -> tuple[str, ...]: ...
    @property
    def lead(self) -> int: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def stream_type(self) -> str: ...

    def read(self, body: Mapping[str, Any], meter: Meter) -> Prompt:
        """The prompt of a body. Raises MalformedBody for a shape that cannot be read."""
        ...

    def with_points(self, body: Mapping[str, Any], prompt: Prompt, placements: Iterable[Placement]) -> dict[str, Any]:
        """The body with points put after the segments of its ``prompt`` that the placements name."""
        ...

    def without_points(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body without any point."""
        ...

    def explicit_only(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body so that the service adds no point of its own; as it is where there is no way to say so."""
        ...

    def spelled(self, converse: Mapping[str, Any]) -> dict[str, Any]:
        """A Converse body, points and limits included, as one of this dialect.

        Raises MalformedBody for a block that has no form here.
        """
        ...

    def unspelled(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A body as Converse's, as far as an answer depends on it: texts, tools and their uses, limits."""
        ...

    def told(self, reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
        """The content of a whole reply in Converse's blocks, without those of no form there, and why it stopped."""
        ...

    def answered(self, reply: Json, model: Model, exchange: Exchange) -> Json:
        """A whole reply in Converse's shape, its ``usage`` counted by this dialect, as one of this dialect."""
        ...

    def counted(self, usage: Usage, model: Model, *, points: bool, stream: bool) -> Json:
        """The ``usage`` object of a reply by a model; ``points``: the request carried some."""
        ...

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """A whole reply as the events of its stream, texts in pieces of ``piece_chars``.

        ``metrics`` are what the service adds to the last event of a stream that is not its own.
        """
        ...

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        """The events of the stream that answers a body, as they travel."""
        ...

    def assembled(self, events: Iterable[Event]) -> Json:
        """The whole reply of a stream. Raises TruncatedStream where its end never came."""
        ...

    def counting(self) -> StreamCounts:
        """What picks the counts out of one stream as its events go by."""
        ...
