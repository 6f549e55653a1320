"""What each peer really sends for a workload: run once in its own environment, then kept.

A recording holds, for each request, the body as it arrived at a local endpoint. Its content is compared with the
body that was asked for, points aside; where they agree only the points are kept, and where they do not the whole
body is, and it is that body which is billed.
"""

import gzip
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from benchmarks.placement.environments import HERE, Peer, Setting, clean_environment
from benchmarks.placement.workloads import PROFILES, Body, Workload

_SECONDS_TO_DRIVE = 3_600


class NotRecorded(Exception):
    """There is no earlier recording of this peer for this workload."""


@dataclass(slots=True)
class Recording:
    """The bodies one setting of a peer sent for one workload; None where it raised an error instead."""

    bodies: list[Body | None]
    differences: list[str] = field(default_factory=list)  # how the content differed from what was asked
    errors: list[str] = field(default_factory=list)


def recordings(
    peer: Peer, python: Path | None, workloads: Sequence[Workload], cache: Path
) -> dict[tuple[str, str], Recording]:
    """A recording for each workload and each setting of the peer, by (workload's name, setting's name).

    What was recorded before is taken from the cache; the rest is run in one go. Without ``python`` there is only
    the cache; raises NotRecorded.
    """
    paths = {workload.name: _path(peer, workload, cache) for workload in workloads}
    missing = [workload for workload in workloads if not paths[workload.name].exists()]
    if missing and python is None:
        raise NotRecorded(f"no earlier recording of {peer.name} for {', '.join(w.name for w in missing)}")
    if missing and python is not None:
        for workload, kept in _driven(peer, python, missing):
            path = paths[workload.name]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(json.dumps(kept).encode(), 6))
    found: dict[tuple[str, str], Recording] = {}
    for workload in workloads:
        kept = json.loads(gzip.decompress(paths[workload.name].read_bytes()))
        for setting in peer.settings:
            found[workload.name, setting.name] = _recording(kept[setting.name], workload)
    return found


def _path(peer: Peer, workload: Workload, cache: Path) -> Path:
    settings = [(setting.name, setting.options) for setting in peer.settings]
    driver = (HERE / "drivers" / f"{peer.driver}.py").read_bytes() + (HERE / "drivers" / "endpoint.py").read_bytes()
    told = json.dumps([peer.install, settings, [request.body for request in workload.requests]], sort_keys=True)
    key = blake2b(driver + told.encode(), digest_size=8).hexdigest()
    return cache / "recordings" / f"{peer.name}-{workload.name}-{key}.json.gz"


def _driven(
    peer: Peer, python: Path, workloads: Sequence[Workload]
) -> Iterator[tuple[Workload, dict[str, list[dict[str, Any]]]]]:
    """Each workload with what every setting sent for it, from one run of the peer's driver."""
    asked = [(workload, request.body) for workload in workloads for request in workload.requests]
    notes = _run(peer, python, [{**body, "base": workload.base} for workload, body in asked])
    kept: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for number, note in enumerate(notes):
        workload, body = asked[number % len(asked)]
        settings = kept.setdefault(workload.name, {setting.name: [] for setting in peer.settings})
        settings[note["setting"]].append(_kept(note, body))
    for workload in workloads:
        yield workload, kept[workload.name]


def _run(peer: Peer, python: Path, bodies: Sequence[Body]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        job, out = Path(folder) / "job.json", Path(folder) / "out.jsonl"
        job.write_text(json.dumps({"profiles": PROFILES, "settings": _settings(peer.settings), "bodies": bodies}))
        command = [str(python), str(HERE / "drivers" / f"{peer.driver}.py"), str(job), str(out)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS_TO_DRIVE, env=clean_environment(), check=False
        )
        notes = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    if len(notes) != len(bodies) * len(peer.settings):
        raise RuntimeError(f"{peer.name} stopped early: {done.stderr[-500:]}")
    return notes


def _settings(settings: Sequence[Setting]) -> list[dict[str, Any]]:
    return [{"name": setting.name, "options": setting.options} for setting in settings]


def _kept(note: Mapping[str, Any], asked: Body) -> dict[str, Any]:
    sent = note.get("body")
    if sent is None:
        return {"error": note.get("error", "nothing was sent")}
    bare, points = split(sent)
    difference = difference_of(bare, asked)
    return {"points": points} if not difference else {"body": sent, "difference": difference}


def _recording(kept: Sequence[Mapping[str, Any]], workload: Workload) -> Recording:
    recording = Recording([])
    for note, request in zip(kept, workload.requests, strict=True):
        if "error" in note:
            recording.bodies.append(None)
            recording.errors.append(note["error"])
        elif "body" in note:
            recording.bodies.append(note["body"])
            recording.differences.append(note["difference"])
        else:
            recording.bodies.append(joined(request.body, note["points"]))
    return recording


def split(body: Mapping[str, Any]) -> tuple[Body, list[list[Any]]]:
    """A body without its points, and the points: list, blocks of that list before it, the point itself."""
    points: list[list[Any]] = []

    def bare(name: str, blocks: Sequence[Any]) -> list[Any]:
        left: list[Any] = []
        for block in blocks:
            if isinstance(block, Mapping) and set(block) == {"cachePoint"}:
                points.append([name, len(left), block["cachePoint"]])
            else:
                left.append(block)
        return left

    new = dict(body)
    if "toolConfig" in body:
        new["toolConfig"] = {**body["toolConfig"], "tools": bare("tools", body["toolConfig"].get("tools", ()))}
    if "system" in body:
        new["system"] = bare("system", body["system"])
    new["messages"] = [
        {**message, "content": bare(f"messages.{number}", message["content"])}
        for number, message in enumerate(body["messages"])
    ]
    return new, points


def joined(body: Body, points: Sequence[Sequence[Any]]) -> Body:
    """The body with points put in; what ``split`` took apart."""
    new = {**body, "messages": [{**message, "content": list(message["content"])} for message in body["messages"]]}
    if "toolConfig" in body:
        new["toolConfig"] = {**body["toolConfig"], "tools": list(body["toolConfig"]["tools"])}
    if "system" in body:
        new["system"] = list(body["system"])
    for name, before, point in reversed(points):
        part, _, number = name.partition(".")
        if part == "messages":
            blocks = new["messages"][int(number)]["content"]
        else:
            blocks = new["toolConfig"]["tools"] if part == "tools" else new["system"]
        blocks.insert(before, {"cachePoint": point})
    return new


def difference_of(sent: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Where the content that was sent differs from what was asked; empty when it does not.

    ``status: success`` of a tool result is what an absent status means, and ``toolChoice: auto`` what an absent
    choice means: neither is a difference.
    """
    for part in ("modelId", "system"):
        if (sent.get(part) or []) != (asked.get(part) or []):
            return part
    if _tools(sent) != _tools(asked):
        return "tools"
    if len(sent["messages"]) != len(asked["messages"]):
        return f"{len(sent['messages'])} messages for {len(asked['messages'])}"
    for number, (one, other) in enumerate(zip(sent["messages"], asked["messages"], strict=True)):
        if one["role"] != other["role"] or _blocks(one) != _blocks(other):
            return f"messages[{number}]"
    return ""


def _tools(body: Mapping[str, Any]) -> Any:
    return (body.get("toolConfig") or {}).get("tools") or []


def _blocks(message: Mapping[str, Any]) -> list[Any]:
    return [
        {"toolResult": {key: value for key, value in block["toolResult"].items() if (key, value) != _SUCCESS}}
        if "toolResult" in block
        else block
        for block in message["content"]
    ]


_SUCCESS = ("status", "success")
