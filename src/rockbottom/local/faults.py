"""Failures made on purpose: which calls fail, how, and how often."""

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from rockbottom.local.failures import ServiceFailure, invalid

Json = dict[str, Any]

_MESSAGES = {
    "ThrottlingException": "Too many requests, please wait before trying again.",
    "InternalServerException": "The system encountered an unexpected error during processing. Try your request again.",
    "ServiceUnavailableException": "Bedrock is unable to process your request.",
    "ModelTimeoutException": "The request took too long to process. Processing time exceeded the model timeout length.",
    "ModelErrorException": "The request failed due to an error while processing the model.",
    "ModelNotReadyException": "The model is not ready to serve inference requests.",
    "ModelStreamErrorException": "An error occurred while streaming the response.",
    "ServiceQuotaExceededException": "Your request exceeds a service quota.",
    "AccessDeniedException": "You don't have access to the model with the specified model ID.",
    "ValidationException": "The request was refused on purpose.",
    "ResourceNotFoundException": "The resource was not found.",
}


class FaultRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One rule: what happens to the calls that it matches.

    ``kind`` is ``error`` (answer with ``code`` before anything is counted), ``delay`` (wait ``seconds``, then go on),
    ``timeout`` (wait ``seconds``, then ModelTimeoutException), ``hang`` (never answer) or ``cut`` (a stream ends after
    ``after_events`` events: by an exception event when ``code`` is given, else by closing the connection).
    ``count`` is how many calls it takes (null: every one), ``probability`` how likely it takes each.
    """

    kind: str
    code: str | None = None
    message: str | None = None
    count: int | None = None
    probability: float = 1.0
    operations: tuple[str, ...] = ()
    model: str | None = None
    seconds: float = 0.0
    after_events: int = 1
    taken: int = 0

    def check(self) -> None:
        """Raise ServiceFailure when the rule makes no sense."""
        if self.kind not in ("error", "delay", "timeout", "hang", "cut"):
            raise invalid(f"no fault kind {self.kind!r}; there are error, delay, timeout, hang and cut")
        if self.kind == "error" and self.code is None:
            raise invalid(f"a fault of kind error needs a code: one of {', '.join(_MESSAGES)}")
        if self.code is not None and self.code not in _MESSAGES:
            raise invalid(f"no error code {self.code!r}; there are {', '.join(_MESSAGES)}")
        if not 0 <= self.probability <= 1 or self.after_events < 0 or not 0 <= self.seconds <= 3600:
            raise invalid("a fault's probability is 0 to 1, after_events 0 or more, seconds 0 to 3600")
        if self.count is not None and self.count < 0:
            raise invalid(f"a fault's count is 0 or more, not {self.count}")

    def failure(self) -> ServiceFailure:
        """The error that it answers with."""
        code = self.code or ("ModelTimeoutException" if self.kind == "timeout" else "InternalServerException")
        extra: Json = {}
        if code in ("ModelErrorException", "ModelStreamErrorException"):
            extra["originalStatusCode"] = 500
        return ServiceFailure(code, self.message or _MESSAGES[code], extra=extra)


@dataclass(slots=True)
class Faults:
    """The rules in force, in order; the first that matches a call takes it. Chance comes from the seed alone."""

    seed: int = 0
    rules: list[FaultRule] = field(default_factory=list[FaultRule])
    _random: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    def add(self, raw: Any) -> FaultRule:
        """A rule from JSON. Raises ServiceFailure for one that makes no sense."""
        try:
            fault = msgspec.convert(raw, FaultRule)
        except msgspec.ValidationError as error:
            raise invalid(f"not a fault: {error}") from error
        fault.check()
        if len(self.rules) >= 1000:
            raise invalid("1000 faults are in force already; DELETE /_rockbottom/faults removes them")
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all rules; the chance starts again from the seed."""
        self.rules.clear()
        self._random.seed(self.seed)

    def taken_by(self, operation: str, model: str) -> FaultRule | None:
        """The fault that takes this call, if any."""
        for fault in self.rules:
            if fault.count is not None and fault.taken >= fault.count:
                continue
            if (fault.operations and operation not in fault.operations) or (fault.model and fault.model not in model):
                continue
            if fault.kind == "cut" and not operation.endswith("Stream"):
                continue
            if fault.probability >= 1 or self._random.random() < fault.probability:
                fault.taken += 1
                return fault
        return None


class Quota(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A limit per account and Region on a model: tokens and requests in any 60 seconds.

    The model is matched as a part of the id that the caller gives (``""``: every model, each with its own count).
    ``output_burndown`` is how many quota tokens one output token takes.
    """

    model: str = ""
    tokens_per_minute: int | None = None
    requests_per_minute: int | None = None
    output_burndown: int | None = None


@dataclass(slots=True)
class _Window:
    """What was used in the last 60 seconds."""

    tokens: int = 0
    used: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def drop_before(self, instant: float) -> None:
        while self.used and self.used[0][0] <= instant:
            self.tokens -= self.used.popleft()[1]


@dataclass(slots=True)
class Quotas:
    """Quota accounting: uncached input, cache writes and output times its burndown count; cache reads do not.

    AWS: "quotas-token-burndown" page; whether the reservation at the start includes reads is contested, and here it
    does not. A request is refused when what it reserves (its input and ``maxTokens``) does not fit; what it used
    replaces the reservation when it ends.
    """

    limits: list[Quota] = field(default_factory=list[Quota])
    _windows: dict[tuple[str, str, str], _Window] = field(default_factory=dict[tuple[str, str, str], _Window])

    def set_limits(self, raw: Any) -> None:
        """Replace the limits from JSON. Raises ServiceFailure for what is none."""
        try:
            self.limits = msgspec.convert(raw, list[Quota])
        except msgspec.ValidationError as error:
            raise invalid(f"not a list of quotas: {error}") from error
        self._windows.clear()

    def admit(self, key: tuple[str, str, str], reserved: int, used: int, now: float) -> None:
        """Let a request in and count it, or raise ThrottlingException. ``key`` is account, Region and model id."""
        limit = next((quota for quota in self.limits if quota.model in key[2]), None)
        if limit is None:
            return
        window = self._windows.setdefault(key, _Window())
        window.drop_before(now - 60)
        if limit.requests_per_minute is not None and len(window.used) >= limit.requests_per_minute:
            raise ServiceFailure("ThrottlingException", _MESSAGES["ThrottlingException"])
        if limit.tokens_per_minute is not None and window.tokens + reserved > limit.tokens_per_minute:
            raise ServiceFailure("ThrottlingException", "Too many tokens, please wait before trying again.")
        window.used.append((now, used))
        window.tokens += used

    def burndown(self, model: str, known: int | None) -> int:
        """Quota tokens per output token: as the limit says, else as the catalogue's source says, else 1."""
        limit = next((quota for quota in self.limits if quota.model in model), None)
        return (limit.output_burndown if limit else None) or known or 1
