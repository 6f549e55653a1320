"""Every dialect, and what is read where it is not known which one it is."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from rockbottom.catalog import Model
from rockbottom.dialects.anthropic import ANTHROPIC
from rockbottom.dialects.chat import CHAT
from rockbottom.dialects.converse import CONVERSE
from rockbottom.dialects.dialect import Dialect
from rockbottom.dialects.messages import MESSAGES
from rockbottom.dialects.native_chat import NATIVE_CHAT
from rockbottom.dialects.nova import NOVA
from rockbottom.dialects.responses import RESPONSES
from rockbottom.dialects.streams import StreamCounts
from rockbottom.dialects.usage import INVOKED, Counts
from rockbottom.prompt import Api, MalformedBody
from rockbottom.quantities import Ttl, Usage

DIALECTS: tuple[Dialect, ...] = (CONVERSE, ANTHROPIC, NOVA, NATIVE_CHAT, MESSAGES, CHAT, RESPONSES)

_SPOKEN = {(dialect.api, dialect.vendor): dialect for dialect in DIALECTS}
_COUNTERS = sorted(
    dict.fromkeys((*(dialect.counters for dialect in DIALECTS), INVOKED)), key=lambda counters: not counters.tells
)
"""Those first that a member tells from others."""

OPERATIONS = tuple(dict.fromkeys(operation for dialect in DIALECTS for operation in dialect.operations))
"""Every operation of bedrock-runtime that carries a request of some dialect."""

_APIS = {operation: dialect.api for dialect in DIALECTS for operation in dialect.operations}
_STREAMING = frozenset(dialect.operations[1] for dialect in DIALECTS)


def dialect_of(api: Api, model: Model) -> Dialect:
    """The dialect in which a model is spoken to. Raises MalformedBody where its native body is of none known."""
    dialect = dialect_for(api, model.vendor)
    if dialect is None:
        known = ", ".join(sorted(vendor for spoken, vendor in _SPOKEN if spoken is api and vendor))
        raise MalformedBody("body", f"a native body of {model.vendor}", wanted=f"one of {known}")
    return dialect


def dialect_for(api: Api, vendor: str) -> Dialect | None:
    """The dialect of a vendor's models; None where it is not known."""
    return _SPOKEN.get((api, None)) or _SPOKEN.get((api, vendor))


def api_of(operation: str) -> Api:
    """The family that an operation of a log or a ledger belongs to; unheard-of ones count as InvokeModel."""
    return _APIS.get(operation, Api.INVOKE)


def operation_by(api: Api) -> str:
    """The operation of a family whose answer is not streamed."""
    return next(dialect.operations[0] for dialect in DIALECTS if dialect.api is api)


def is_streaming(operation: str) -> bool:
    """Whether an operation answers with a stream."""
    return operation in _STREAMING


def operation_of(body: Mapping[str, Any], operation: str) -> str:
    """The operation of a body that says itself whether its answer is streamed, from the one that is not."""
    whole, streamed = next(dialect.operations for dialect in DIALECTS if operation in dialect.operations)
    return streamed if body.get("stream") is True else whole


def counting_of(operation: str) -> StreamCounts:
    """What picks the counts out of a stream of an operation whose request could not be read."""
    if not api_of(operation).names_model:
        return StreamCounts(counts_of)
    return next(dialect for dialect in DIALECTS if operation in dialect.operations).counting()


def usage_of(counted: object, ttl: Ttl = Ttl.FIVE_MINUTES, share: float = 1.0) -> Usage | None:
    """The usage that a ``usage`` object of any dialect tells; None where it tells none (see ``Counts.usage``)."""
    if isinstance(counted, Usage):
        return counted
    counts = counts_of(counted)
    return None if counts is None else counts.usage(ttl, share)


def counts_of(counted: object) -> Counts | None:
    """The counts in a ``usage`` object of any dialect; None where it is none."""
    for counters in _COUNTERS:
        counts = counters.counts(counted)
        if counts is not None:
            return counts
    return None


class OperationRoute(NamedTuple):
    """An operation, and the model id in its path; "" where the body names the model."""

    operation: str
    model: str


@lru_cache(maxsize=4096)
def route_to(path: str, *, below: bool = False) -> OperationRoute | None:
    """The operation that a path, without query and still percent-encoded, is for; None: of no dialect.

    ``below``: the path may stand below another, as that of a proxy. ARNs with plain slashes are understood too.
    """
    for pattern, operation in _patterns():
        match = pattern.search(path) if below else pattern.match(path)
        if match is not None:
            return OperationRoute(operation, unquote(match.groupdict().get("model", "")))
    return None


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    paths = {path: operation for dialect in DIALECTS for path, operation in dialect.paths.items()}
    return tuple(
        (re.compile(re.escape(path).replace(re.escape("{model}"), "(?P<model>.+)") + "$"), operation)
        for path, operation in paths.items()
    )
