"""A call to the runtime: as it came in, and once it was found legal and counted."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rockbottom.cache import CacheOutcome, Namespace
from rockbottom.catalog import MANTLE, RUNTIME, ModelId
from rockbottom.dialects import Dialect, SurfaceRoute, is_streaming
from rockbottom.local.answers import NeutralReply, Script
from rockbottom.local.asked import NeutralRequest
from rockbottom.local.callers import Caller
from rockbottom.local.guardrail_findings import without_masked
from rockbottom.local.guardrails import Guarded
from rockbottom.local.latency import ModelPace
from rockbottom.local.retention import SettingPlace
from rockbottom.quantities import Usage
from rockbottom.wire import Json


@dataclass(frozen=True, slots=True)
class SurfaceCall:
    """What a request to an OpenAI-shaped or Anthropic-shaped surface is besides: where it went, and its body."""

    route: SurfaceRoute
    dialect: Dialect
    body: Json

    @property
    def host(self) -> str:
        """The host as entries know it; bedrock-runtime is the unnamed one."""
        return MANTLE if self.route.host == MANTLE else ""


@dataclass(slots=True)
class RuntimeCall:
    """One request to the runtime, as it came in."""

    operation: str
    model: str
    headers: Mapping[bytes, bytes]
    body: bytes
    caller: Caller
    request_id: str
    surface: SurfaceCall | None = None  # of a request that is neither Converse nor InvokeModel
    began: float = field(default_factory=time.perf_counter)  # of the machine, to measure real latency

    @property
    def place(self) -> SettingPlace:
        """Where its account's settings hold."""
        host = MANTLE if self.surface is not None and self.surface.host == MANTLE else RUNTIME
        return SettingPlace(host, self.caller.account, self.caller.region)

    @property
    def stream(self) -> bool:
        """Whether the reply is an event stream."""
        return is_streaming(self.operation)


def neutral_of(dialect: Dialect, body: Json, guarded: Guarded | None) -> Mapping[str, Any]:
    """A body in Converse's words, without what a guardrail masks in its input."""
    neutral = dialect.unspelled(body)
    return without_masked(neutral, guarded.input.masks) if guarded is not None and guarded.input.masks else neutral


@dataclass(slots=True)
class CountedCall:
    """A call that was found legal and counted, with all that is needed to answer it."""

    call: RuntimeCall
    dialect: Dialect
    body: Json
    model: ModelId
    asked: NeutralRequest
    count: Callable[[str], int]
    outcome: CacheOutcome
    namespace: Namespace
    at: float
    points: bool
    pace: ModelPace | None
    script: Script | None
    guarded: Guarded | None = None
    overlaps: bool = False  # counters of GPT on ConverseStream
    answer: NeutralReply | None = None  # when the endpoint answers itself
    first_byte_ms: int | None = None  # when the reply was begun before it was complete

    @property
    def fresh(self) -> int:
        """Input tokens that were not read from the cache."""
        return self.outcome.uncached + self.outcome.written

    @property
    def neutral(self) -> Mapping[str, Any]:
        """Its body in Converse's words, as the model gets it."""
        return neutral_of(self.dialect, self.body, self.guarded)

    @property
    def goes_at_once(self) -> bool:
        """Whether a stream may be sent as it comes: a guardrail looks at all of it before, unless told otherwise."""
        return self.guarded is None or self.guarded.at_once

    def usage(self, output: int) -> Usage:
        """What its reply counts: input by how it was cached, and the tokens of the answer."""
        return self.outcome.usage(output)
