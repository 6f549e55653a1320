"""The figures as text, 100 columns, and as JSON."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.placement.billing import Bill
from benchmarks.placement.lines import Line, PeerRun, SetLine
from benchmarks.placement.rows import WHAT, Target
from benchmarks.placement.speed import LIMIT_MS

_COLUMNS = ("litellm", "langchain", "strands", "pydantic_ai", "llama_index")
_SHORT = {"pydantic_ai": "pydantic", "llama_index": "llama", "langchain": "langch"}


def workload_table(lines: Sequence[Line]) -> Iterable[str]:
    """One line a workload and size; a peer's column is its first setting, ``!`` marks rejected requests."""
    if not lines:
        return
    heads = "".join(f"{_SHORT.get(name, name):>9}" for name in _COLUMNS)
    yield f"{'':14}{'none':>6}{heads}  {'best peer, its setting':<29}{'rockb.':>7}{'target':>8}  met"
    for line in lines:
        cells = "".join(f"{_first(line.peers.get(name)):>9}" for name in _COLUMNS)
        best = f"{line.best_peer[0]:.3f} {line.best_peer[1]}" if line.best_peer else "-"
        name = line.row if line.size == "default" else f"{line.row}, {line.size}"
        told = f"{line.target.most:.3f}" if line.target else "-"
        yield (
            f"{name:<14}{1.0:>6.3f}{cells}  {best[:28]:<29}{_figure(line.rockbottom):>7}{told:>8}  {_met(line.met)}"
            f"{'  ' + line.note if line.note else ''}"
        )


def set_table(lines: Sequence[SetLine]) -> Iterable[str]:
    """One line a set: a few fixed rules in hindsight, the best of all, the bound, rockbottom."""
    if not lines:
        return
    yield (
        f"{'':11}{'all 5m':>7}{'all 1h':>7}{'sys 1h':>7}{'2nd s.':>7}{'1h+5m':>7}  {'best fixed':<22}"
        f"{'bound':>6}{'rockb.':>8}{'target':>8}  {'met':<4}{'worst k':>8}{'ms':>6}"
    )
    for line in lines:
        some = ("all 5m", "all 1h", "system 1h", "second sighting", "system 1h, tail 5m")
        cells = "".join(f"{line.fixed[rule]:>7.3f}" for rule in some)
        best = f"{line.best_fixed[0]:.3f} {line.best_fixed[1]}"
        told = f"{line.target.most:.3f}" if line.target else "-"
        rejected = "!" if line.rejected else ""
        yield (
            f"{line.name:<11}{cells}  {best[:21]:<22}{line.bound:>6.3f}{line.rockbottom:>7.3f}{rejected or ' '}"
            f"{told:>8}  {_met(line.met):<4}{line.worst_excess_tokens / 1000:>8.1f}{line.plan_ms:>6.2f}"
        )


def speed_table(figures: Mapping[str, Mapping[str, float]]) -> Iterable[str]:
    """Milliseconds, and what they are of plain boto3."""
    for name, ways in figures.items():
        if name == "import":
            yield "a start, ms: " + ", ".join(f"{way} {ms:.1f}" for way, ms in ways.items())
            continue
        yield f"{name} ({ways['bytes'] / 1000:.0f} KB as sent), median ms; limit {LIMIT_MS[name]:.0f}"
        for way, ms in ways.items():
            if way != "bytes":
                yield f"    {way:<38}{ms:>9.2f}{ms / ways['plain boto3']:>8.2f} of plain boto3"


def notes(lines: Sequence[Line], sets: Sequence[SetLine], runs: Sequence[PeerRun]) -> Iterable[str]:
    """What the tables do not say, in 100 columns."""
    for told in _notes(lines, sets, runs):
        start = len(told) - len(told.lstrip())
        yield from textwrap.wrap(told, 100, subsequent_indent=" " * (start + 4))


def _notes(lines: Sequence[Line], sets: Sequence[SetLine], runs: Sequence[PeerRun]) -> Iterable[str]:
    """Settings, what was rejected, what differed, which targets were missed and how."""
    for run in runs:
        yield f"{run.peer.name} {run.version}"
        for setting in run.peer.settings:
            yield f"    {setting.name}: {setting.what}"
        for problem in run.problems[:3]:
            yield f"    problem: {problem}"
        for setting, where in run.differences.items():
            yield f"    {setting}: other content than asked ({', '.join(sorted(where))}); billed as sent"
    for line in lines:
        yield from _rejections(line)
    for line in lines:
        if line.met is False:
            yield f"not met: {line.row}, {line.size}: {_why(line.rockbottom, line.target, line)}"
        if line.first_run is not None and line.best_peer and abs(line.best_peer[0] / line.first_run - 1) > 0.02:
            yield f"unlike the first run: {line.row} best peer {line.best_peer[0]:.3f}, then {line.first_run:.3f}"
    for line in sets:
        if line.met is False:
            yield f"not met: {line.name}: {_why_set(line)}"
        if line.parts:
            told = ", ".join(f"{part} {cost:.3f} ({share:.0%})" for part, (share, cost) in line.parts.items())
            yield f"{line.name}, cost by part (share of its tokens): {told}"
        if line.informed is not None:
            known = "for whoever knew beforehand how often the k-th use of a contract is followed by another, and when"
            yield f"{line.name}, contracts: {line.informed:.3f} at the least {known}"


def as_json(
    lines: Sequence[Line], sets: Sequence[SetLine], speed: Mapping[str, Any], runs: Sequence[PeerRun]
) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "workloads": [
            {
                "row": line.row,
                "what": WHAT.get(line.row, line.row),
                "size": line.size,
                "none": 1.0,
                "peers": {
                    peer: {setting: _plain(bill) for setting, bill in bills.items()}
                    for peer, bills in line.peers.items()
                },
                "best_peer": line.best_peer,
                "first_run_best_peer": line.first_run,
                "rockbottom": _plain(line.rockbottom),
                "target": _plain_target(line.target),
                "met": line.met,
                "note": line.note,
            }
            for line in lines
        ],
        "sets": [
            {
                "set": line.name,
                "requests": line.requests,
                "fixed": line.fixed,
                "best_fixed": line.best_fixed,
                "bound": line.bound,
                "rockbottom": line.rockbottom,
                "rejected": line.rejected,
                "worst_excess_tokens": line.worst_excess_tokens,
                "guard_kept": line.guard_kept,
                "plan_ms_mean": line.plan_ms,
                "parts": line.parts,
                "informed": line.informed,
                "target": _plain_target(line.target),
                "met": line.met,
            }
            for line in sets
        ],
        "speed": speed,
        "peers": [
            {
                "name": run.peer.name,
                "version": run.version,
                "problems": run.problems,
                "settings": {setting.name: setting.what for setting in run.peer.settings},
                "differences": {setting: sorted(where) for setting, where in run.differences.items()},
            }
            for run in runs
        ],
    }


def _first(bills: Mapping[str, Bill] | None) -> str:
    return _figure(next(iter(bills.values()))) if bills else "-"


def _figure(bill: Bill) -> str:
    return f"{bill.relative:.3f}{'!' if bill.rejected else ''}"


def _met(met: bool | None) -> str:
    return "-" if met is None else "yes" if met else "NO"


def _rejections(line: Line) -> Iterable[str]:
    for peer, bills in line.peers.items():
        for setting, bill in bills.items():
            if bill.rejected:
                yield (
                    f"rejected: {line.row}, {line.size}, {peer} {setting}: {bill.rejected} of {bill.requests} "
                    f"({'; '.join(bill.reasons)}), billed as sent again without points"
                )
    if line.rockbottom.rejected:
        yield f"rejected: {line.row}, {line.size}, rockbottom: {line.rockbottom.rejected} ({line.rockbottom.reasons})"


def _why(bill: Bill, target: Target | None, line: Line) -> str:
    assert target is not None
    told = f"{bill.relative:.4f} against {target.most:.4f} ({target.rule}); {bill.rejected} rejected"
    return f"{told}; {line.note}" if line.note else told


def _why_set(line: SetLine) -> str:
    if not line.guard_kept:
        return f"the bill went beyond the guard (worst excess {line.worst_excess_tokens:,.0f} tokens)"
    if line.rejected:
        return f"{line.rejected} requests would be rejected"
    assert line.target is not None
    return f"{line.rockbottom:.4f} against {line.target.most:.4f} ({line.target.rule}); bound {line.bound:.3f}"


def _plain(bill: Bill) -> dict[str, Any]:
    return {
        "relative": bill.relative,
        "requests": bill.requests,
        "rejected": bill.rejected,
        "reasons": bill.reasons,
        "paid_usd": str(bill.paid),
        "none_usd": str(bill.none),
        "worst_excess_tokens": float(bill.worst_excess),
    }


def _plain_target(target: Target | None) -> dict[str, Any] | None:
    return None if target is None else {"most": target.most, "rule": target.rule, "strict": target.strict}
