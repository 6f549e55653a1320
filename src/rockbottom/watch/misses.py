"""A miss: a call that could have read tokens from the cache and did not, with the cause that can be told."""

import json

import msgspec

from rockbottom.catalog import RUNTIME
from rockbottom.diagnose import Cause
from rockbottom.figures import counted, duration, thousands
from rockbottom.ledger import usd_of_picousd
from rockbottom.quantities import Usd

_FIX_CHANGED = "Find what moved: rockbottom explain A.json B.json shows the first difference of two requests."
_UNEXPLAINED = "The ledger alone cannot tell; rockbottom explain on invocation logs looks at the requests themselves."


class Miss(msgspec.Struct, frozen=True):
    """One miss. ``tokens`` could have been read; ``lost_usd`` is what that cost above a read (None: no price known).

    ``rule`` is the rule id of ``rockbottom explain``, None where the ledger shows the cause and no rule names it.
    ``fix`` says in one sentence what to do about it.
    """

    at: float
    model: str
    family: str
    tags: dict[str, str]
    simulated: bool
    rule: str | None
    cause: str
    evidence: str
    tokens: int
    lost_usd: Usd | None
    fix: str


def fix_of(rule: str) -> str:
    """What to do about a cause, by its rule id; empty: a prefix that changed."""
    if rule == Cause.UNEXPLAINED.value:
        return _UNEXPLAINED
    return next((cause.fix for cause in Cause if cause.value == rule), _FIX_CHANGED)


def family_shown(family: str, size: int, model: str, *, changes: bool = False) -> str:
    """A prefix family for people: its digest, its size and the name of its model."""
    if not size:
        return family or "no prefix recorded"
    return f"{family}: {'about ' if changes else ''}{thousands(size)} tokens, {model}"


def miss_of(
    at: float, model: str, family: str, size: int, tags: str, local: bool, rule: str, cause: str, tokens: int,
    lost: int | None, finding: str, a: float | None, b: float | None, c: float | None, word: str, *, name: str,
) -> Miss:  # fmt: skip
    """A row of the misses as a person reads it; ``name`` is that of the model."""
    lost_usd = None if lost is None else usd_of_picousd(lost)
    evidence = _evidence(finding, a or 0, b or 0, c or 0, word)
    return Miss(
        at, model, family_shown(family, size, name), json.loads(tags), bool(local), rule or None, cause, evidence,
        tokens, lost_usd, fix_of(rule),
    )  # fmt: skip


def _evidence(finding: str, a: float, b: float, c: float, word: str) -> str:
    """The sentence that belongs to what ``tables.judging`` found."""
    there, _, called = word.partition("\t")
    sentences = {
        "no point": "no cachePoint was sent, and the same start was sent before",
        "too early": f"the last point stands at {thousands(a)} tokens; the model needs {thousands(b)}",
        "live": f"an entry of {thousands(a)} tokens was live by its TTL; {thousands(b)} were read",
        "parallel": f"left {duration(a)} after its writer, before the reply began",
        "other host": f"the live entry is at {there or RUNTIME}, the call went to {called or RUNTIME}",
        "away": f"the live entry is in {there}, the call went to {called}",
        "clocks": "the clocks of the two calls disagree",
        "other tail": "the service kept the whole prompt of the call before it, and this one ends differently",
        "expired": f"{duration(a)} since it was last used; it lives {duration(b)}",
        "nothing marked": "the calls before it had no cachePoint, so there was nothing to read",
        "marked elsewhere": "the calls before it had their cachePoint in another place",
        "nothing kept": "cachePoints were sent before it, but nothing was cached",
        "sent once": f"each sent once: {thousands(a)} such prefixes of about {thousands(b)} tokens",
        "replaced": f"a new prefix of {thousands(a)} tokens in the place of one of {thousands(b)} "
        f"({counted(int(c), 'call')})",
        "noticed": "the client noticed it",
    }
    return sentences[finding]
