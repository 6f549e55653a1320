"""Transcripts of Claude Code: ``~/.claude/projects/PROJECT/SESSION.jsonl``, and those of its agents below.

A line of type ``assistant`` holds a reply of the Messages API with its usage. One reply is written over several
lines, one for each of its blocks, all with its id; the first ones may come before its last tokens were counted. A
session that was resumed or forked holds the lines of the one before again. What stands in ``usage.iterations`` is
counted in the usage already (Claude Code 2.1, as read on 2026-11-29).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from rockbottom.dialects import counts_of
from rockbottom.quantities import Undecodable, decoded, is_object
from rockbottom.trace.counted import NO_BLOCKS, Counted, CountedRequests, instant_of, is_of_bedrock
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import files_of
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart, lines_of
from rockbottom.trace.rows import text_of

_SYNTHETIC = "<synthetic>"  # the model of lines that Claude Code wrote itself, of an error for one
_OF_BEDROCK = "msg_bdrk_"


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """The calls of one transcript, and what is damaged in it."""
    damages, requests, size = Damages(), CountedRequests(settings.key, grows=True), 0
    for number, text in lines_of(part, damages):
        size += len(text)
        if b'"usage"' not in text:
            continue
        with damages.of(f"{part}:{number}"):
            requests.add(_request(decoded(text), part, settings.by))
    return requests.part(damages, size)


def _request(line: Any, part: str, by: str) -> Counted | None:
    """The request that a line tells of; None: it tells of none. Raises Undecodable."""
    message = line.get("message") if is_object(line) else None
    if not is_object(message) or line.get("type") != "assistant" or not is_object(message.get("usage")):
        return None
    model = text_of(message.get("model"))
    if model == _SYNTHETIC or line.get("isApiErrorMessage"):
        return None
    counts, at = counts_of(message["usage"]), instant_of(line.get("timestamp"))
    if counts is None or at is None:
        raise Undecodable("a reply without counters" if counts is None else "a reply without its instant")
    usage = counts.usage()
    identity = text_of(message.get("id")) or text_of(line.get("requestId"))
    elsewhere = not (identity.startswith(_OF_BEDROCK) or is_of_bedrock(model))
    session, label = _session(line, part), _project(line) if by == "project" else None
    return Counted(
        at, model, usage.total_input, counts.output, usage, session, identity, elsewhere=elsewhere, label=label or None
    )


def _session(line: Mapping[str, Any], part: str) -> str:
    """Project, session, and the agent where it is one: agents have conversations of their own."""
    session = text_of(line.get("sessionId")) or Path(part).stem
    agent = text_of(line.get("agentId")) or ("agent" if line.get("isSidechain") else "")
    return "/".join(name for name in (_project(line), session, agent) if name)


def _project(line: Mapping[str, Any]) -> str:
    """The last part of the folder that the session was in."""
    return PurePath(text_of(line.get("cwd")).replace("\\", "/")).name


def _recognises(path: Path, head: bytes) -> bool:
    return head[:1] == b"{" and b'"sessionId"' in head and (b'"parentUuid"' in head or b'"leafUuid"' in head)


def _parts(source: str) -> Sequence[str]:
    names = files_of(source)
    return names if list(names) == [source] else [name for name in names if ".jsonl" in Path(name).name]


READER = LogReader(
    "claude-code", "transcripts of Claude Code (~/.claude/projects): counters, sessions", _recognises, _parts, read,
    lacks=NO_BLOCKS,
)  # fmt: skip
