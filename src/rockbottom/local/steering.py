"""The control API below ``/_rockbottom/``: clock, faults, quotas, latency, routing, switches, replies, state.

Documented in docs/reference/local-endpoint.md, which a test holds to the table below.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from rockbottom.local.bodies import NOT_JSON
from rockbottom.local.clock import ClockKind
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.jobs import handlers as handlers_of_jobs
from rockbottom.local.state import EndpointState
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
Handler = Callable[[Any], Any]


class Steering:
    """Answers the control API; ``flush`` writes the invocation logs that wait and says how many there were."""

    def __init__(self, state: EndpointState, flush: Callable[[], int]) -> None:
        self._state = state
        self._flush = flush
        self.handlers: Mapping[tuple[str, str], Handler] = {
            ("GET", "health"): lambda _: {"status": "ok", "served": state.served},
            ("GET", "clock"): lambda _: self._clock(),
            ("POST", "clock"): self._move_clock,
            ("GET", "faults"): lambda _: self._faults(),
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "quotas"): lambda _: msgspec.to_builtins(state.quotas.limits),
            ("PUT", "quotas"): self._set_quotas,
            ("GET", "latency"): lambda _: self._latency(),
            ("PUT", "latency"): self._set_latency,
            ("GET", "routing"): lambda _: state.router.described,
            ("PUT", "routing"): self._set_routing,
            ("GET", "switches"): lambda _: self._switches(),
            ("PUT", "switches"): self._set_switches,
            ("GET", "replies"): lambda _: {"waiting": len(state.scripts)},
            ("POST", "replies"): lambda body: {"waiting": state.add_scripts(body)},
            ("DELETE", "replies"): self._clear_replies,
            ("GET", "requests"): lambda _: list(state.requests),
            ("GET", "state"): lambda _: self._entries(),
            ("POST", "logs/flush"): lambda _: {"written": self._flush()},
            ("POST", "reset"): self._reset,
            **handlers_of_jobs(state.jobs),
        }

    def answer(self, method: str, path: str, raw: bytes) -> bytes:
        """The JSON of the reply. Raises ServiceFailure."""
        handler = self.handlers.get((method, path.strip("/")))
        if handler is None:
            known = sorted({f"{verb} {name}" for verb, name in self.handlers})
            raise ServiceFailure(
                "UnknownOperationException", f"no {method} {path!r} in the control API; there are {', '.join(known)}"
            )
        try:
            body = msgspec.json.decode(raw) if raw else None
        except NOT_JSON as error:
            raise invalid(f"the body is not JSON: {error}") from error
        return msgspec.json.encode(handler(body))

    def _clock(self) -> Json:
        clock = self._state.clock
        now = clock.now()
        return {"kind": clock.kind.value, "now": now, "iso": datetime.fromtimestamp(now, UTC).isoformat()}

    def _move_clock(self, body: Any) -> Json:
        clock = self._state.clock
        if not is_object(body) or not body or set(body) - {"kind", "set", "advance"}:
            raise invalid("the clock takes an object with any of kind, set and advance")
        if "kind" in body:
            if body["kind"] not in ("real", "manual"):
                raise invalid(f"no clock {body['kind']!r}; there are real and manual")
            clock.become(ClockKind(body["kind"]))
        for name, move in (("set", clock.set_to), ("advance", clock.advance)):
            if name in body:
                if isinstance(body[name], bool) or not isinstance(body[name], int | float):
                    raise invalid(f"{name} takes a number of seconds")
                move(float(body[name]))
        return self._clock()

    def _faults(self) -> Any:
        return msgspec.to_builtins(self._state.faults.rules)

    def _add_faults(self, body: Any) -> Any:
        for fault in body if is_list(body) else [body]:
            self._state.faults.add(fault)
        return self._faults()

    def _clear_faults(self, _: Any) -> Any:
        self._state.faults.clear()
        return []

    def _set_quotas(self, body: Any) -> Any:
        self._state.quotas.set_limits(body)
        return msgspec.to_builtins(self._state.quotas.limits)

    def _latency(self) -> Json:
        latency = self._state.latency
        return {"mode": latency.mode, "models": msgspec.to_builtins(latency.paces)}

    def _set_latency(self, body: Any) -> Json:
        self._state.latency.change(body)
        return self._latency()

    def _set_routing(self, body: Any) -> Json:
        self._state.router.change(body)
        return self._state.router.described

    def _switches(self) -> Json:
        return dict(self._state.sides.told())

    def _set_switches(self, body: Any) -> Json:
        if not is_object(body) or not all(isinstance(side, str) for side in body.values()):
            raise invalid("switches take an object of names and sides")
        self._state.choose(body)
        return self._switches()

    def _clear_replies(self, _: Any) -> Json:
        self._state.scripts.clear()
        return {"waiting": 0}

    def _entries(self) -> Json:
        state = self._state
        now, memory = state.clock.now(), state.memory
        live = [(key, entry) for key, entry in memory.entries.items() if entry.expires_at > now]
        rows: list[Json] = []
        for key, entry in islice(live, 1000):
            owner = memory.owner(key)
            rows.append(
                {
                    "prefix": key.prefix.hex(),
                    "account": owner.account,
                    "region": owner.region,
                    "model": owner.model,
                    "ttl": entry.ttl.value,
                    "tokens": entry.tokens,
                    "expiresInSeconds": round(entry.expires_at - now, 3),
                    "visible": entry.visible_at <= now,
                }
            )
        log = state.log
        return {
            "entries": len(live),
            "droppedForRoom": memory.dropped,
            "first": rows,
            "profiles": [profile.summary() for profile in state.profiles.created.values()],
            "waitingLogRecords": log.waiting if log else None,
            "droppedLogRecords": log.dropped if log else None,
        }

    def _reset(self, _: Any) -> Json:
        self._state.reset()
        return {"reset": True}
