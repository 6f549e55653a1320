"""The experiments: one generator per question (the design of most follows the probe that was proposed with the
first policy: write, wait, read again, and see what the counters say)."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from rockbottom.catalog import CacheRules, ModelId, Scope
from rockbottom.client.probing.steps import Finding, Reply, Send, Steps, Wait
from rockbottom.client.probing.texts import POINT_1H, POINT_5M, anthropic, converse, prose, text
from rockbottom.quantities import Ttl

_STANDARD_MINIMA = (512, 1024, 2048, 4096)
_HOP_TRIALS = 4
_LAGS = (0.0, 1.0, 3.0, 6.0)
_EXTINCT_S = 400.0  # a five-minute entry that was left alone is gone; a read 160 s ago is not
_REFRESH_S = 240.0  # well inside the first five minutes


@dataclass(slots=True)
class Subject:
    """The model under test. ``words`` make a prefix above the minimum (``minimum`` narrows it down); ``run`` makes
    every text new."""

    model_id: str
    model: ModelId
    rules: CacheRules
    run: str
    words: int = 0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.words = self.words or max(1200, int(self.rules.minimum_tokens * 1.3))

    def fresh(self, words: int | None = None) -> str:
        """A text that was never sent."""
        return prose(words or self.words, f"{self.run}-{next(self._numbers)}")

    @property
    def claude(self) -> bool:
        """Whether it is one of Anthropic's."""
        return self.model.model.vendor == "anthropic"

    @property
    def two_ttls(self) -> bool:
        """Whether both lifetimes are on offer."""
        return Ttl.ONE_HOUR in self.rules.ttls


def minimum(subject: Subject) -> Steps:
    """From how many tokens on is anything cached? Bisection; every step is a text of its own."""
    documented = subject.rules.minimum_tokens
    high, reply = max(64, 2 * documented), Reply()
    for _ in range(3):
        reply = yield Send(_marked(subject, high))
        if reply.written or reply.error:
            break
        high *= 2
    if not reply.written:
        return Finding("minimum_tokens", None, reply.message or f"nothing cached at {high:,} words", False)
    rest = reply.usage.total_input - reply.written
    most, low, least = reply.written, max(4, documented // 4), 0
    for _ in range(12):
        if most - least <= max(8, most // 32) or high - low <= 2:
            break
        middle = (low + high) // 2
        reply = yield Send(_marked(subject, middle))
        if reply.written:
            high, most = middle, reply.written
        else:
            low, least = middle, reply.usage.total_input - rest
    subject.words = max(100, high + high // 8)  # from here on, just enough to be cached
    if least == 0 and most < 64:
        answer = 0
    else:
        candidates = [one for one in (documented, *_STANDARD_MINIMA) if least < one <= most]
        answer = candidates[0] if candidates else most
    return Finding("minimum_tokens", str(answer), f"{least:,} tokens not cached, {most:,} cached", False)


def lookback(subject: Subject) -> Steps:
    """Over how many added blocks does a point still reach an entry?"""
    system = subject.fresh()
    yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(".")]))
    low, high = 0, 48
    while high - low > 1:
        middle = (low + high) // 2
        nonce = subject.fresh(1)
        blocks = [text(f"{nonce} {n}.") for n in range(middle)]
        reply = yield Send(converse(subject.model_id, [text(system)], [*blocks, POINT_5M]))
        if reply.error:
            return _unmeasured("lookback_blocks", reply, False)
        low, high = (middle, high) if reply.read else (low, middle)
    return Finding("lookback_blocks", str(low), f"found with {low} blocks added, not with {high}", False)


def ttl_in_key(subject: Subject) -> Steps:
    """Is an entry of five minutes visible to a point of one hour?"""
    if not subject.two_ttls:
        return Finding("ttl_in_key", None, "the model has one lifetime only")
    system = subject.fresh()
    yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(".")]))
    reply = yield Send(converse(subject.model_id, [text(system), POINT_1H], [text(".")]))
    if reply.error:
        return _unmeasured("ttl_in_key", reply)
    said = f"a 1h point over a 5m entry read {reply.read:,} and wrote {reply.written:,}"
    return Finding("ttl_in_key", "no" if reply.read else "yes", said)


def entry_lifetime(subject: Subject) -> Steps:
    """Does a deeper entry keep the prefix below it alive, or does it die with it?"""
    if subject.two_ttls:
        system, tail = subject.fresh(), subject.fresh(300)
        yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(".")]))
        yield Wait(20, "between the write and the tail")
        deep = converse(subject.model_id, [text(system)], [text(tail), POINT_1H])
        first = yield Send(deep)
        if first.read:
            yield Wait(_EXTINCT_S, "for a five-minute entry to end under a one-hour tail")
            again = yield Send(deep)
            said = f"after {_EXTINCT_S:.0f} s a 1h tail over a 5m prefix read {again.read:,}"
            return Finding("entry_lifetime", "whole_prefix" if again.read else "per_block", said)
    return (yield from _chain_lifetime(subject))


def _chain_lifetime(subject: Subject) -> Steps:
    """The same where a 1h point does not see 5m entries: a deep entry read again and again over an idle one."""
    system, tail = subject.fresh(), subject.fresh(300)
    both = converse(subject.model_id, [text(system), POINT_5M], [text(tail), POINT_5M])
    deep = converse(subject.model_id, [text(system)], [text(tail), POINT_5M])
    shallow = converse(subject.model_id, [text(system), POINT_5M], [text(".")])
    written = yield Send(both)
    if written.error:
        return _unmeasured("entry_lifetime", written)
    yield Wait(_REFRESH_S, "inside the first lifetime")
    yield Send(deep)
    yield Wait(_EXTINCT_S - _REFRESH_S, "for the shallow entry to end")
    again = yield Send(deep)
    if not again.read:
        return Finding("entry_lifetime", "per_block", "a deep entry ended with the shallow one below it")
    below = yield Send(shallow)
    if below.read:
        why = "reads of the deep entry keep the shallow one alive, so the two answers cannot be told apart (nor matter)"
        return Finding("entry_lifetime", None, why)
    return Finding("entry_lifetime", "whole_prefix", "a deep entry outlived the shallow one below it")


def refresh_on_hit(subject: Subject) -> Steps:
    """Does reading a deep entry renew the shallower ones inside it?"""
    system, tail = subject.fresh(), subject.fresh(300)
    first = yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(tail), POINT_5M]))
    if not first.written:
        return _unmeasured("refresh_on_hit", first)
    yield Wait(_REFRESH_S, "inside the first lifetime")
    deep = yield Send(converse(subject.model_id, [text(system)], [text(tail), POINT_5M]))
    if not deep.read:
        return Finding("refresh_on_hit", None, "the deep entry was gone after 240 s")
    yield Wait(_EXTINCT_S - _REFRESH_S, "for the shallow entry to end unless it was renewed")
    last = yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(".")]))
    said = f"{_EXTINCT_S:.0f} s after its write, 160 s after a deeper read, the shallow entry read {last.read:,}"
    return Finding("refresh_on_hit", "prefix" if last.read else "entry", said)


def point_below_hit(subject: Subject) -> Steps:
    """Does a point inside the prefix that was just read become an entry?"""
    system, tail = subject.fresh(), subject.fresh(300)
    yield Send(converse(subject.model_id, [text(system)], [text(tail), POINT_5M]))
    middle = yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(tail), POINT_5M]))
    if not middle.read:
        return _unmeasured("point_below_hit", middle)
    last = yield Send(converse(subject.model_id, [text(system), POINT_5M], [text("?")]))
    said = f"a point below the read, used alone afterwards, read {last.read:,}"
    return Finding("point_below_hit", "marks" if last.read else "ignored", said)


def api_in_key(subject: Subject) -> Steps:
    """Do Converse and InvokeModel share entries?"""
    if not subject.claude:
        return Finding("api_in_key", None, "asked of Claude only")
    system = subject.fresh()
    yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(".")]))
    reply = yield Send(anthropic(subject.model_id, system, "."))
    if reply.error:
        return _unmeasured("api_in_key", reply)
    said = f"InvokeModel after Converse read {reply.read:,} and wrote {reply.written:,}"
    return Finding("api_in_key", "no" if reply.read else "yes", said)


def thinking_scope(subject: Subject) -> Steps:
    """Does a change of the thinking settings lose tools and system too?"""
    if not subject.claude:
        return Finding("thinking_scope", None, "asked of Claude only")
    system = subject.fresh()
    yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(".")]))
    for thinking in ({"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}):
        request = converse(
            subject.model_id,
            [text(system), POINT_5M],
            [text("Say ok.")],
            inferenceConfig={"maxTokens": 1040},
            additionalModelRequestFields={"thinking": thinking},
        )
        reply = yield Send(request)
        if not reply.error:
            said = f"with thinking {thinking['type']} the system prompt read {reply.read:,}"
            return Finding("thinking_scope", "messages" if reply.read else "all", said)
    return _unmeasured("thinking_scope", reply)


def unsupported_ttl(subject: Subject) -> Steps:
    """What does a ttl of one hour do on a model that offers none?"""
    if subject.two_ttls or not subject.claude:
        return Finding("unsupported_ttl", None, "the question is for Claude models without 1h")
    reply = yield Send(converse(subject.model_id, [text(subject.fresh()), POINT_1H], [text(".")]))
    if reply.error and reply.error != "ValidationException":
        return _unmeasured("unsupported_ttl", reply)
    said = reply.message or f"accepted; wrote {reply.written:,}"
    return Finding("unsupported_ttl", "reject" if reply.error else "downgrade", said)


def trailing_text_document(subject: Subject) -> Steps:
    """Is a text document behind the last point of a message cached all the same?"""
    if not subject.claude:
        return Finding("trailing_text_document", None, "asked of Claude only")
    document = {"document": {"format": "txt", "name": "notes", "source": {"bytes": subject.fresh(400).encode()}}}
    reply = yield Send(converse(subject.model_id, [], [text(subject.fresh()), POINT_5M, document]))
    if not reply.written:
        return _unmeasured("trailing_text_document", reply)
    said = f"of a text and a document of 400 words behind the point, {reply.usage.input:,} tokens stayed uncached"
    return Finding("trailing_text_document", "cached" if reply.usage.input < 200 else "excluded", said)


def cache_hop_rate(subject: Subject) -> Steps:
    """How often does a profile serve the very next request from a Region without the entry?"""
    if subject.model.scope is Scope.IN_REGION:
        return Finding("cache_hop_rate", None, "no profile: one Region serves every request")
    missed = 0
    for _ in range(_HOP_TRIALS):
        request = converse(subject.model_id, [text(subject.fresh()), POINT_5M], [text(".")])
        yield Send(request)
        yield Wait(1.0, "between a write and its read")
        reply = yield Send(request)
        if reply.error:
            return _unmeasured("cache_hop_rate", reply)
        missed += not reply.read
    said = f"{missed} of {_HOP_TRIALS} reads right after a write missed"
    return Finding("cache_hop_rate", "0.1" if missed else "0", said)


def visibility_lag(subject: Subject) -> Steps:
    """How long after its reply is a write readable?"""
    for lag in _LAGS:
        request = converse(subject.model_id, [text(subject.fresh()), POINT_5M], [text(".")])
        yield Send(request)
        if lag:
            yield Wait(lag, "between a write and its read")
        reply = yield Send(request)
        if reply.error:
            return _unmeasured("nova_propagation_lag", reply)
        if reply.read:
            answer = ("five_seconds" if lag > 1 else "none") if not subject.claude else None
            return Finding("nova_propagation_lag", answer, f"readable {lag:.0f} s after the reply")
    return Finding("nova_propagation_lag", None, f"not readable {_LAGS[-1]:.0f} s after the reply")


def implicit_reads(subject: Subject) -> Steps:
    """Do reads appear without any cachePoint?"""
    request = converse(subject.model_id, [text(subject.fresh())], [text(".")])
    yield Send(request)
    yield Wait(6.0, "between two equal requests")
    reply = yield Send(request)
    if reply.error or subject.model.model.vendor != "amazon":
        return Finding(
            "implicit_reads", None, f"without a point {reply.read:,} tokens were read {reply.message}".strip()
        )
    return Finding("implicit_reads", "on" if reply.read else "off", f"without a point {reply.read:,} tokens were read")


def unsupported_model_error(subject: Subject) -> Steps:
    """Which error does a point raise on a model without caching?"""
    reply = yield Send(converse(subject.model_id, [text("Short."), POINT_5M], [text(".")]))
    codes = {"AccessDeniedException": "access_denied", "ValidationException": "validation"}
    return Finding("unsupported_model_error", codes.get(reply.error), reply.message or "the point was accepted")


Question = Callable[[Subject], Steps]

QUESTIONS: Mapping[str, Question] = {
    "lookback_blocks": lookback,
    "ttl_in_key": ttl_in_key,
    "entry_lifetime": entry_lifetime,
    "refresh_on_hit": refresh_on_hit,
    "point_below_hit": point_below_hit,
    "api_in_key": api_in_key,
    "thinking_scope": thinking_scope,
    "unsupported_ttl": unsupported_ttl,
    "trailing_text_document": trailing_text_document,
    "cache_hop_rate": cache_hop_rate,
    "nova_propagation_lag": visibility_lag,
    "implicit_reads": implicit_reads,
}
"""What is asked of a model that caches, besides its minimum."""


def findings_of(subject: Subject, only: frozenset[str] = frozenset()) -> tuple[Question | None, list[Question]]:
    """The experiment that comes first (None: none), and those that then run side by side."""
    if not subject.rules.explicit:
        return None, [unsupported_model_error]
    chosen = [probe for name, probe in QUESTIONS.items() if not only or name in only]
    if not subject.claude:
        chosen = [probe for probe in chosen if probe is not lookback]
    return (minimum if not only or "minimum_tokens" in only else None), chosen


def _marked(subject: Subject, words: int) -> dict[str, object]:
    return converse(subject.model_id, [text(subject.fresh(words)), POINT_5M], [text(".")])


def _unmeasured(question: str, reply: Reply, is_switch: bool = True) -> Finding:
    why = f"{reply.error}: {reply.message}" if reply.error else "the first request wrote nothing"
    return Finding(question, None, why, is_switch)
