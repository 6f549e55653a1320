"""What prompts are made of, as text: parts, tools never called, results that are most of the bill, compaction."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import UNSET

from rockbottom.documents import CompactionResult, PromptParts
from rockbottom.figures import clipped, counted, paragraph, share, usd
from rockbottom.quantities import ZERO_USD

_HEAVY = Decimal("0.5")
_NAMED = 5


def prompts_text(prompts: PromptParts, *, width: int) -> Iterator[str]:
    """A line a part, the dearest first, then what can be left out of prompts; nothing where nothing was paid."""
    whole = prompts.usd
    if not whole:
        return
    yield ""
    first = min(28, max(20, width - 33))  # the three columns of figures take 33
    yield f"{'prompts are made of':<{first}}{'tokens':>14}{'cost':>11}{'share':>8}"
    for part in prompts.parts:
        name = f"  {part.name}" if first == 28 else clipped(f"  {part.name}", first)
        yield f"{name:<{first}}{part.tokens:>14,}{_usd(part.usd):>11}{share(part.usd / whole):>8}"
    for text in prompts_in_words(prompts):
        yield from paragraph(text, width)


def prompts_in_words(prompts: PromptParts) -> Iterator[str]:
    """What can be left out of prompts, in sentences."""
    unused = prompts.never_called or ()
    if unused:
        tokens = sum(tool.tokens for tool in unused)
        cost = sum((tool.usd for tool in unused), ZERO_USD)
        names = ", ".join(tool.name for tool in unused[:_NAMED])
        more = f" and {len(unused) - _NAMED} more" if len(unused) > _NAMED else ""
        many = f"{len(unused)} of {prompts.tools} tools are called in no message"
        yield f"{many}: {tokens:,} tokens, {_usd(cost)}: {names}{more}"
    heavy = next(iter(prompts.results or ()), None)
    if heavy is not None and heavy.usd > prompts.usd * _HEAVY:
        yield f"results of {heavy.name} are {share(heavy.usd / prompts.usd)} of what prompts cost: {_usd(heavy.usd)}"
    if prompts.compaction is not UNSET:
        yield f"compaction, as it was sent: {_compaction(prompts.compaction)}"
    if prompts.attached_compaction is not UNSET:
        yield f"compaction with rockbottom attached: {_compaction(prompts.attached_compaction)}"


def _compaction(result: CompactionResult) -> str:
    """Where it pays, what it saves; where it does not, by how much it is dearer at the best."""
    assumed = f"a summary of {result.summary_tokens:,} tokens (assumed) for the history"
    talks = counted(result.conversations, "conversation")
    sums = f"{_usd(result.less_usd)} less to send, {_usd(result.more_usd)} for summaries and the cache they break"
    if result.saves_usd > 0:
        return f"pays most before turn {result.turn}: {assumed} saves {_usd(result.saves_usd)} in {talks} ({sums})"
    best = f"at best, before turn {result.turn} of {talks}, it is dearer by {_usd(-result.saves_usd)}"
    return f"pays at no turn: {assumed}: {best} ({sums})"


def _usd(amount: Decimal) -> str:
    return usd(amount, ((10_000, 0), (1, 2), (0, 4)), symbol=True)
