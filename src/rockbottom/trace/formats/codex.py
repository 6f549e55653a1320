"""Sessions of Codex: ``~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl``.

A line has a ``type`` and a ``payload``. ``session_meta`` and ``turn_context`` say session, folder and model; a
``token_usage_record`` holds the usage of one response. Versions before it only wrote ``token_count`` events, which
are repeated with the same totals; the last usage in them is that of one response. Input counts what was read and
written too. A forked session begins with the lines of the one it comes from (Codex 0.46 to 0.155, as read on
2026-11-29).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from rockbottom.quantities import Undecodable, decoded, is_object
from rockbottom.trace.counted import (
    NO_BLOCKS,
    Counted,
    CountedRequests,
    count_of,
    exclusive,
    instant_of,
    is_of_bedrock,
)
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import files_of
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart, lines_of
from rockbottom.trace.rows import object_of, text_of

_READ_EVENTS = (
    b'"session_meta"',
    b'"turn_context"',
    b'"thread_settings_applied"',
    b'"token_usage_record"',
    b'"token_count"',
)
_TOTALS = ("input_tokens", "cached_input_tokens", "output_tokens", "total_tokens")


@dataclass(slots=True)
class _State:
    """What the lines so far said of the session."""

    session: str = ""
    lineage: str = ""  # the session that this one was forked from, or itself
    project: str = ""
    model: str = ""
    provider: str = ""
    first_own: int | None = None  # of the lines of an agent: those before were its parent's
    with_records: bool = False  # the version writes a record for each response
    by: str = ""  # what requests are told apart by

    def meta(self, payload: Mapping[str, Any]) -> None:
        """The first session_meta is the session's own; further ones came with copied lines."""
        if self.session:
            return
        self.session = text_of(payload.get("id")) or text_of(payload.get("session_id"))
        self.lineage = text_of(payload.get("forked_from_id")) or self.session
        self.first_own = count_of(payload.get("subagent_history_start_ordinal"))
        self.context(payload)

    def context(self, payload: Mapping[str, Any]) -> None:
        """Folder, model and provider, where they are said."""
        folder = text_of(payload.get("cwd")).replace("\\", "/")
        self.project = PurePath(folder).name or self.project
        self.model = text_of(payload.get("model")) or self.model
        provider = text_of(payload.get("model_provider")) or text_of(payload.get("model_provider_id"))
        self.provider = provider or self.provider

    def request(self, line: Mapping[str, Any], kind: object, payload: Mapping[str, Any]) -> Counted | None:
        """The request that a line tells of; None: it tells of none. Raises Undecodable."""
        if kind == "token_usage_record":
            self.with_records = True
            return self._counted(line, object_of(payload.get("usage")), text_of(payload.get("response_id")))
        info = object_of(payload.get("info"))
        last, total = object_of(info.get("last_token_usage")), object_of(info.get("total_token_usage"))
        if self.with_records or not last or not (count_of(last.get("input_tokens")) or 0):
            return None
        totals = [str(total.get(name)) for name in _TOTALS]
        return self._counted(line, last, " ".join((self.lineage, *totals)) if total else "")

    def _counted(self, line: Mapping[str, Any], usage: Mapping[str, Any], identity: str) -> Counted:
        total, at = count_of(usage.get("input_tokens")), instant_of(line.get("timestamp"))
        if total is None or at is None:
            raise Undecodable("a response without counters" if total is None else "a response without its instant")
        read = count_of(usage.get("cached_input_tokens")) or 0
        write, output = count_of(usage.get("cache_write_input_tokens")) or 0, count_of(usage.get("output_tokens"))
        session = "/".join(name for name in (self.project, self.session) if name)
        elsewhere = "bedrock" not in self.provider and not is_of_bedrock(self.model)
        counted = exclusive(total, output or 0, read, write)
        label = self.project if self.by == "project" else None
        return Counted(
            at, self.model, total, output, counted, session or None, identity, elsewhere=elsewhere, label=label or None
        )


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """The calls of one session, and what is damaged in it."""
    damages, requests, size, state = Damages(), CountedRequests(settings.key, grows=True), 0, _State(by=settings.by)
    for number, text in lines_of(part, damages):
        size += len(text)
        if not any(name in text for name in _READ_EVENTS):
            continue
        with damages.of(f"{part}:{number}"):
            requests.add(_request_of(decoded(text), state))
    return requests.part(damages, size)


def _request_of(line: Any, state: _State) -> Counted | None:
    payload = line.get("payload") if is_object(line) else None
    if not is_object(payload):
        return None
    ordinal, kind = count_of(line.get("ordinal")), line.get("type")
    if kind == "session_meta":
        state.meta(payload)
    elif state.first_own is not None and ordinal is not None and ordinal < state.first_own:
        return None
    elif kind == "turn_context":
        state.context(payload)
    elif payload.get("type") == "thread_settings_applied":
        state.context(object_of(payload.get("thread_settings")))
    elif kind == "token_usage_record" or payload.get("type") == "token_count":
        return state.request(line, kind, payload)
    return None


def _recognises(path: Path, head: bytes) -> bool:
    return b'"session_meta"' in head[:8192] and b'"payload"' in head[:8192]


def _parts(source: str) -> Sequence[str]:
    names = files_of(source)
    return names if list(names) == [source] else [name for name in names if ".jsonl" in Path(name).name]


READER = LogReader(
    "codex", "sessions of Codex (~/.codex/sessions): counters, sessions", _recognises, _parts, read, lacks=NO_BLOCKS
)
