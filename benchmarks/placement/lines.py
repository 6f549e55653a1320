"""The figures of a run: one line a workload and size, one line a set of traffic."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.placement import recorded, stress
from benchmarks.placement.billing import Bill, Engine, Lane
from benchmarks.placement.blocks import MODEL, BlockLane, BlockRequest, Bound, Interner, Multiples
from benchmarks.placement.environments import CannotInstall, Peer, python_of, version_of
from benchmarks.placement.fixed import RULES, Sightings, fixed_bills
from benchmarks.placement.informed import informed_relative
from benchmarks.placement.online import Online, OnlineBlocks, relocation
from benchmarks.placement.recording import NotRecorded, Recording, recordings
from benchmarks.placement.rows import (
    FIRST_RUN,
    GUARD_ALLOWANCE,
    GUARD_PROMPTS,
    GUARD_SHARE,
    Target,
    target_of,
    target_of_set,
)
from benchmarks.placement.workloads import Workload, workload

MIX_PARTS = ("S_E", "S_D", "S_F", "tau", "cuad", "star", "livemcp", "S_P20m", "S_P2h")
MIX_HOURS = 60


@dataclass(slots=True)
class Line:
    """One workload at one size, all seeds together, down every lane."""

    row: str
    size: str
    peers: dict[str, dict[str, Bill]] = field(default_factory=dict)  # peer, setting
    rockbottom: Bill = field(default_factory=Bill)
    target: Target | None = None
    note: str = ""

    @property
    def best_peer(self) -> tuple[float, str] | None:
        """The lowest figure of any setting of any peer, and whose it is."""
        found = [
            (bill.relative, f"{peer} {setting}")
            for peer, bills in self.peers.items()
            for setting, bill in bills.items()
        ]
        return min(found, key=lambda pair: round(pair[0], 6)) if found else None

    @property
    def first_run(self) -> float | None:
        """What the best peer scored in the earlier run."""
        return FIRST_RUN.get(self.row) if self.size == "default" else None

    @property
    def met(self) -> bool | None:
        """Whether rockbottom reaches the target, without one rejected request."""
        if self.target is None:
            return None
        return self.target.met_by(self.rockbottom.relative) and not self.rockbottom.rejected


@dataclass(slots=True)
class PeerRun:
    """A peer, its interpreter where it may be run, and what is known of it."""

    peer: Peer
    python: Path | None
    version: str
    problems: list[str] = field(default_factory=list)
    differences: dict[str, set[str]] = field(default_factory=dict)  # setting: where content differed
    taken: dict[tuple[str, str], Recording] = field(default_factory=dict)


def peer_runs(peers: Sequence[Peer], cache: Path, *, run: bool) -> list[PeerRun]:
    """The peers with their environments; without ``run`` only what was recorded earlier is used."""
    runs: list[PeerRun] = []
    for peer in peers:
        pinned = peer.package.split("==")[-1]
        if not run:
            runs.append(PeerRun(peer, None, pinned))
            continue
        try:
            python = python_of(peer, cache)
            runs.append(PeerRun(peer, python, version_of(peer, python)))
        except CannotInstall as error:
            runs.append(PeerRun(peer, None, pinned, [f"not installed: {error}"]))
    return runs


def take(runs: Sequence[PeerRun], workloads: Sequence[Workload], cache: Path) -> None:
    """Let every peer send every workload (or look up what it sent before)."""
    for run in runs:
        print(f"{run.peer.name} {run.version} ...", file=sys.stderr)
        try:
            run.taken = recordings(run.peer, run.python, workloads, cache)
        except (NotRecorded, RuntimeError) as error:
            run.problems.append(str(error)[:300])


def workload_lines(
    rows: Sequence[str], sizes: Sequence[str], seeds: int, runs: Sequence[PeerRun], engine: Engine, cache: Path
) -> list[Line]:
    """Every row at every size; the bills of the seeds are added up."""
    made = {(row, size): [workload(row, size, seed) for seed in range(1, seeds + 1)] for row in rows for size in sizes}
    take(runs, [each for group in made.values() for each in group], cache)
    lines: list[Line] = []
    for (row, size), group in made.items():
        line = Line(row, size)
        for run in runs:
            if run.taken:
                line.peers[run.peer.name] = {
                    setting.name: _peer_bill(run, setting.name, group, engine) for setting in run.peer.settings
                }
        line.rockbottom = _online_bill(group, engine, {})
        line.target = target_of(row, line.best_peer[0] if line.best_peer else line.first_run)
        if not line.peers:
            line.note = "no peers: the first run's best" if line.first_run else "no peers"
        lines.append(line)
        if row == "G":
            lines.append(_moved(line, group, engine))
    return lines


def _peer_bill(run: PeerRun, setting: str, group: Sequence[Workload], engine: Engine) -> Bill:
    total = Bill()
    for each in group:
        recording = run.taken[each.name, setting]
        if recording.differences:
            run.differences.setdefault(setting, set()).update(f"{each.row} {what}" for what in recording.differences)
        run.problems.extend(text for text in dict.fromkeys(recording.errors) if text not in run.problems)
        lane = Lane(engine)
        for request, body in zip(each.requests, recording.bodies, strict=True):
            lane.send(request.body if body is None else body, request.at)
        total.add(lane.bill)
    return total


def _online_bill(group: Sequence[Workload], engine: Engine, options: Mapping[str, Any]) -> Bill:
    total = Bill()
    for each in group:
        online = Online(engine, options)
        for request in each.requests:
            online.send(request.body, request.at)
        total.add(online.lane.bill)
    return total


def _moved(line: Line, group: Sequence[Workload], engine: Engine) -> Line:
    moved = Line("G moved", line.size, target=target_of("G moved", None))
    options = relocation()
    if options is None:
        moved.note = "the planner has no relocation yet"
        moved.rockbottom = line.rockbottom
    else:
        moved.rockbottom = _online_bill(group, engine, options)
    return moved


@dataclass(slots=True)
class SetLine:
    """One set of traffic: the fixed rules in hindsight, the bound, rockbottom online."""

    name: str
    requests: int
    fixed: dict[str, float]
    bound: float
    rockbottom: float
    rejected: int
    worst_excess_tokens: float
    guard_kept: bool
    plan_ms: float  # mean time of planning and observing
    target: Target | None
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)  # of a mix: share of its tokens, relative cost
    informed: float | None = None  # the least for the contracts of it, if it were known how often their uses return

    @property
    def best_fixed(self) -> tuple[float, str]:
        """The best rule in hindsight."""
        return min((figure, name) for name, figure in self.fixed.items())

    @property
    def met(self) -> bool | None:
        """Whether rockbottom reaches the target (and never went beyond the guard)."""
        if self.target is None:
            return None if self.guard_kept and not self.rejected else False
        return self.target.met_by(self.rockbottom) and not self.rejected and self.guard_kept


def set_line(name: str, engine: Engine, seed: int = 1, model: str = MODEL) -> SetLine:
    """One set, at the rules and prices of a model."""
    multiples = Multiples.of(engine, model)
    if name == "ADVERSARY":
        return _adversary_line(engine, multiples, model)
    sent = traffic(name, seed)
    fixed = {rule: lane.bill.relative for rule, lane in fixed_bills([one for _, one in sent], multiples).items()}
    bound = Bound(multiples)
    online = OnlineBlocks(engine, BlockLane(multiples), model)
    guard, parts = _Guard(), dict.fromkeys((part for part, _ in sent), (0, 0))
    for part, request in sent:
        bound.see(request)
        bill = online.lane.bill
        none, paid = bill.none, bill.paid
        online.send(request)
        guard.look(online.lane, request)
        before = parts[part]
        parts[part] = (before[0] + bill.none - none, before[1] + bill.paid - paid)
    target = target_of_set(name, min(fixed.values()), bound.relative)
    line = _set_line(name, online, fixed, bound.relative, guard, target)
    contracts = [request for part, request in sent if part == "cuad"]
    line.informed = informed_relative(contracts, multiples) if contracts else None
    if len(parts) > 1:
        whole = online.lane.bill.none
        line.parts = {part: (none / whole, paid / none) for part, (none, paid) in parts.items()}
    return line


def traffic(name: str, seed: int) -> list[tuple[str, BlockRequest]]:
    """The requests of a recorded set, a stress kind, or the mix, each with the name of its part."""
    makers: dict[str, Callable[..., Any]] = {**recorded.SETS, **stress.KINDS}
    if name != "MIX":
        return [(name, request) for request in recorded.ordered(makers[name], seed)]
    interner, mixed = Interner(), []
    for part in MIX_PARTS:
        requests = recorded.ordered(makers[part], seed, interner)
        start = requests[0].at
        for request in requests:
            if request.at - start < MIX_HOURS * 3600:
                mixed.append((part, replace(request, at=request.at - start)))
    return sorted(mixed, key=lambda pair: pair[1].at)


class _Guard:
    """Watches that the bill never lies further above no caching than is allowed."""

    def __init__(self) -> None:
        self.kept, self._longest = True, 0

    def look(self, lane: BlockLane, request: BlockRequest) -> None:
        self._longest = max(self._longest, request.tokens)
        allowed = lane.bill.none * (1 + GUARD_SHARE) + 1000 * max(GUARD_ALLOWANCE, GUARD_PROMPTS * self._longest)
        self.kept = self.kept and lane.bill.paid <= allowed


def _adversary_line(engine: Engine, multiples: Multiples, model: str) -> SetLine:
    online, guard = OnlineBlocks(engine, BlockLane(multiples), model), _Guard()
    adversary = stress.Adversary(Interner())
    while (request := adversary.next()) is not None:
        adversary.answer(online.send(request).cache_write > 0)
        guard.look(online.lane, request)
    fixed: dict[str, float] = {}
    for name, rule in RULES.items():
        lane, against = BlockLane(multiples), stress.Adversary(Interner())
        sightings = Sightings()
        while (request := against.next()) is not None:
            usage = lane.send(request, rule(request, sightings.seen(request)))
            against.answer(usage.cache_write > 0)
        fixed[name] = lane.bill.relative
    bill = online.lane.bill
    most = 1 + GUARD_SHARE + 1000 * GUARD_ALLOWANCE / bill.none
    return _set_line("ADVERSARY", online, fixed, 1.0, guard, Target(most, "the guard's limit"))


def _set_line(
    name: str, online: OnlineBlocks, fixed: dict[str, float], bound: float, guard: _Guard, target: Target | None
) -> SetLine:
    bill = online.lane.bill
    return SetLine(
        name,
        bill.requests,
        fixed,
        bound,
        bill.relative,
        bill.rejected,
        bill.worst_excess / 1000,
        guard.kept,
        1000 * online.seconds / max(1, bill.requests),
        target,
    )
