"""What prompts are made of, in tokens and dollars: instructions, tools, their results, history, media.

A prompt is billed from its start: what was read, then what was written, then the rest. Each block is priced by where it
stood, so a long history that is read costs less than a short one that is sent anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rockbottom.cost import Cost
from rockbottom.diagnose.sent import Archive, Sent
from rockbottom.documents import CompactionResult
from rockbottom.prompt import Part, part_of
from rockbottom.quantities import WRITES, ZERO_USD, Unit, Usage, Usd, is_object, usd_of_tokens


@dataclass(slots=True)
class TokenAmount:
    """Tokens and dollars; ``usd`` is of the requests that have a price."""

    tokens: int = 0
    usd: Usd = ZERO_USD

    def add(self, tokens: int, usd: Usd) -> None:
        self.tokens += tokens
        self.usd += usd


@dataclass(slots=True)
class Parts:
    """The parts of all prompts, the tools that no request shows a call of, and the results by tool.

    ``compaction`` is the turn at which compaction would pay most, and ``attached_compaction`` the one with the planner;
    None: not tried, or no conversation is long enough.
    """

    amounts: dict[Part, TokenAmount] = field(default_factory=dict[Part, TokenAmount])
    tools: dict[str, TokenAmount] = field(default_factory=dict[str, TokenAmount])
    called: set[str] = field(default_factory=set[str])
    results: dict[str, TokenAmount] = field(default_factory=dict[str, TokenAmount])
    compaction: CompactionResult | None = None
    attached_compaction: CompactionResult | None = None

    @property
    def never_called(self) -> Mapping[str, TokenAmount]:
        """Tools that were sent and that no message calls, the dearest first. The last replies are in no request."""
        unused = {name: amount for name, amount in self.tools.items() if name not in self.called}
        return dict(sorted(unused.items(), key=lambda pair: -pair[1].usd)) if self.called else {}

    @property
    def usd(self) -> Usd:
        return sum((amount.usd for amount in self.amounts.values()), ZERO_USD)


class _Run(NamedTuple):
    """Tokens from the start of a prompt up to a depth, at one price per million."""

    end: int
    usd_per_mtok: Usd


def parts_of(
    requests: Sequence[Sent], usages: Sequence[Usage], costs: Sequence[Cost | None], archive: Archive
) -> Parts:
    """The parts of these requests, by what the service counted of each."""
    parts, names = Parts(), _names_of_uses(archive)
    parts.called.update(names.values())
    for sent, usage, cost in zip(requests, usages, costs, strict=True):
        runs = list(_runs(usage, cost)) if cost is not None else []
        last = sent.prompt.segments[-1].message if sent.prompt.segments else 0
        for index, segment in enumerate(sent.prompt.segments):
            start, end = sent.prompt.depths[index], sent.prompt.depths[index + 1]
            usd = _usd_between(start, end, runs)
            part = part_of(segment.section, segment.kind, newest=segment.message == last)
            parts.amounts.setdefault(part, TokenAmount()).add(end - start, usd)
            if part in (Part.TOOLS, Part.RESULTS):
                _add_by_tool(parts, part, archive.blocks.get(segment.digest), names).add(end - start, usd)
    return parts


def _add_by_tool(parts: Parts, part: Part, block: Any, names: Mapping[str, str]) -> TokenAmount:
    if part is Part.TOOLS:
        return parts.tools.setdefault(_tool_name(block), TokenAmount())
    return parts.results.setdefault(names.get(_result_id(block), "a tool that is not shown"), TokenAmount())


def _runs(usage: Usage, cost: Cost) -> Iterator[_Run]:
    """The prices that a prompt is billed at, from its start: read, written, the rest."""
    depth = 0
    for units in ((Unit.CACHE_READ,), tuple(WRITES.values()), (Unit.INPUT,)):
        lines = [line for line in cost.lines if line.unit in units]
        tokens = sum(line.tokens for line in lines)
        if tokens:
            depth += tokens
            yield _Run(depth, sum((line.usd for line in lines), ZERO_USD) * 1_000_000 / tokens)


def _usd_between(start: int, end: int, runs: Iterable[_Run]) -> Usd:
    """What the tokens between two depths cost."""
    usd, begin = ZERO_USD, 0
    for run in runs:
        tokens = min(end, run.end) - max(start, begin)
        if tokens > 0:
            usd += usd_of_tokens(tokens, run.usd_per_mtok)
        begin = run.end
    return usd


def _names_of_uses(archive: Archive) -> Mapping[str, str]:
    """The tool that each call names, by the id of the call."""
    names: dict[str, str] = {}
    for block in archive.blocks.values():
        use = _inner(block, "toolUse") or (block if _type(block) == "tool_use" else None)
        if is_object(use):
            names[str(use.get("toolUseId") or use.get("id"))] = str(use.get("name"))
    return names


def _tool_name(block: Any) -> str:
    spec = _inner(block, "toolSpec") or block
    return str(spec.get("name", "")) if is_object(spec) else ""


def _result_id(block: Any) -> str:
    result = _inner(block, "toolResult") or block
    return str(result.get("toolUseId") or result.get("tool_use_id")) if is_object(result) else ""


def _inner(block: Any, member: str) -> Any:
    return block.get(member) if is_object(block) else None


def _type(block: Any) -> Any:
    return block.get("type") if is_object(block) else None
