"""How fast records may be sent on demand: requests and tokens of a minute, counted as AWS counts them.

At the start of a request its input and its limit of output are taken from the quota; what it used settles that: input
and writes, not reads, and output times the model's burndown
(https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html).
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rockbottom.batch.limits import names_model
from rockbottom.catalog import ModelId, Scope
from rockbottom.quantities import Usage

_MINUTE_S = 60.0


@dataclass(slots=True)
class _Used:
    at: float
    tokens: int


@dataclass(slots=True)
class RequestPace:
    """At most so many requests and tokens in any minute; None: not limited here.

    ``burndown`` is how many tokens of the quota an output token takes; ``origin`` says where the limits come from.
    """

    requests: int | None = None
    tokens: int | None = None
    burndown: int = 1
    origin: str = ""
    _used: deque[_Used] = field(default_factory=deque[_Used])

    def admit(
        self, fresh: int, output: int | None, sleep: Callable[[float], None], clock: Callable[[], float]
    ) -> float:
        """Wait until a request fits, and count it; the instant at which it was let go."""
        need = max(0, fresh) + (output or 0)
        while (pause := self._pause(need, clock())) > 0:
            sleep(pause)
        now = clock()
        self._used.append(_Used(now, need))
        return now

    def settle(self, began_at: float, usage: Usage) -> None:
        """Put what a request used in the place of what was taken for it."""
        used = next((used for used in self._used if used.at == began_at), None)
        if used is not None:
            used.tokens = usage.input + usage.cache_write + usage.output * self.burndown

    def _pause(self, need: int, now: float) -> float:
        """Seconds until the oldest request that is in the way is a minute old; 0 where none is."""
        while self._used and self._used[0].at <= now - _MINUTE_S:
            self._used.popleft()
        if not self._used:
            return 0.0  # one that is larger than the whole quota is the service's to refuse
        full = self.requests is not None and len(self._used) >= self.requests
        over = self.tokens is not None and sum(used.tokens for used in self._used) + need > self.tokens
        return self._used[0].at + _MINUTE_S - now if full or over else 0.0


# "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4 V1", as requests for more of it
# spell the quota; in-Region ones begin with "On-demand", those of global profiles with "Global cross-region".
_NAME = re.compile(r"^(on-demand|cross-region|global cross-region) .*\b(requests|tokens) per minute for\b", re.I)


def quotas_of(rows: Iterable[Mapping[str, Any]], model: ModelId) -> dict[str, int]:
    """``requests`` and ``tokens`` a minute of a model in its scope, from rows of ``ListServiceQuotas``."""
    kind = {Scope.IN_REGION: "on-demand", Scope.GLOBAL: "global cross-region"}.get(model.scope, "cross-region")
    quotas: dict[str, int] = {}
    for row in rows:
        name = str(row.get("QuotaName", ""))
        match = _NAME.match(name)
        if match and match[1].lower() == kind and row.get("Value") and names_model(name, model.model.name):
            quotas[match[2].lower()] = int(row["Value"])
    return quotas
