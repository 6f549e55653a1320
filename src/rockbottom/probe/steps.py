"""What an experiment asks of its surroundings, and what it gets back.

An experiment is a generator: it yields requests to send and times to wait, receives replies, and returns a
finding. It reads no clock and no network, so the same experiment runs against AWS, the local endpoint, and the
reference semantics that estimate its price.
"""

from collections.abc import Generator
from dataclasses import dataclass

from rockbottom.dialects import Params
from rockbottom.quantities import NO_USAGE, Usage


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request: arguments of converse() or invoke_model(), a body of Responses. The answer: a ProbeReply."""

    request: Params


@dataclass(frozen=True, slots=True)
class ProbeWait:
    """Let ``seconds`` pass; ``why`` is shown to whoever waits."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class ProbeReply:
    """What came back: usage, or the error code and message of a refusal."""

    usage: Usage = NO_USAGE
    error: str = ""
    message: str = ""

    @property
    def read(self) -> int:
        """Tokens read from the cache."""
        return self.usage.cache_read

    @property
    def written(self) -> int:
        """Tokens written to the cache."""
        return self.usage.cache_write


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """The answer to one question. ``answer`` None: not measured here, and ``evidence`` says why."""

    question: str
    answer: str | None
    evidence: str
    is_switch: bool = True


Steps = Generator[Send | ProbeWait, ProbeReply, ProbeAnswer]
