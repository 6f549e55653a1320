"""The experiments: one generator per question (the design of most follows the probe that was proposed with the
first policy: write, wait, read again, and see what the counters say)."""

from collections.abc import Generator, Mapping

from rockbottom.catalog import Scope, limit
from rockbottom.figures import duration, thousands
from rockbottom.probe.minimum import minimum
from rockbottom.probe.steps import ProbeAnswer, ProbeReply, ProbeWait, Send, Steps
from rockbottom.probe.subject import Chain, ProbedModel, marked, unmeasured
from rockbottom.probe.surface_questions import FREE, MARKED, Question
from rockbottom.probe.texts import POINT_1H, POINT_5M, anthropic, converse, text

_TAIL_WORDS, _DOCUMENT_WORDS = 40, 120
_HOP_TRIALS = 6
_LAGS = (0.0, 1.0, 3.0, 6.0)
_EXTINCT_S = 400.0  # a five-minute entry that was left alone is gone; a read 160 s ago is not
_REFRESH_S = 240.0  # well inside the first five minutes


def _based(subject: ProbedModel) -> Generator[Send | ProbeWait, ProbeReply, ProbeReply]:
    """The text that all quick questions share, written for five minutes by the first that needs it."""
    if subject.base:
        return ProbeReply()
    system = subject.fresh()
    reply = yield Send(marked(subject, system))
    if reply.written:
        subject.base, subject.base_tokens = system, reply.written
    return reply


def lookback(subject: ProbedModel) -> Steps:
    """Over how many added blocks does a point still reach an entry? The documented number and one more first."""
    reply = yield from _based(subject)
    if not subject.base:
        return unmeasured("lookback_blocks", reply, False)
    low, high = 0, 48
    expected = [subject.rules.lookback_blocks, subject.rules.lookback_blocks + 1]
    while high - low > 1:
        middle = next((number for number in expected if low < number < high), (low + high) // 2)
        nonce = subject.fresh(1)
        blocks = [text(f"{nonce} {n}.") for n in range(middle)]
        reply = yield Send(converse(subject.model_id, [text(subject.base)], [*blocks, POINT_5M]))
        if reply.error:
            return unmeasured("lookback_blocks", reply, False)
        low, high = (middle, high) if reply.read else (low, middle)
    return ProbeAnswer("lookback_blocks", str(low), f"found with {low} blocks added, not with {high}", False)


def ttl_in_key(subject: ProbedModel) -> Steps:
    """Is an entry of five minutes visible to a point of one hour?"""
    if not subject.two_ttls:
        return ProbeAnswer("ttl_in_key", None, "the model has one lifetime only")
    reply = yield from _across(subject)
    if reply.error or not subject.base:
        return unmeasured("ttl_in_key", reply)
    evidence = f"a 1h point over a 5m entry read {thousands(reply.read)} and wrote {thousands(reply.written)}"
    return ProbeAnswer("ttl_in_key", "no" if reply.read else "yes", evidence)


def _across(subject: ProbedModel) -> Generator[Send | ProbeWait, ProbeReply, ProbeReply]:
    """What a one-hour point over a five-minute entry reads and writes; asked once."""
    if subject.across is None:
        reply = yield from _based(subject)
        if subject.base:
            reply = yield Send(converse(subject.model_id, [text(subject.base), POINT_1H], [text(".")]))
        subject.across = reply
    return subject.across


def entry_lifetime(subject: ProbedModel) -> Steps:
    """Does a deeper entry keep the prefix below it alive, or does it die with it?"""
    across = (yield from _across(subject)) if subject.two_ttls else ProbeReply()
    if across.error:
        return unmeasured("entry_lifetime", across)
    if not across.read:
        return (yield from _chain_lifetime(subject))
    tail = subject.fresh(_TAIL_WORDS)
    yield ProbeWait(20, "between the write and the tail")
    first = yield Send(converse(subject.model_id, [text(subject.base)], [text(tail), POINT_1H]))
    if not first.read:
        return ProbeAnswer("entry_lifetime", None, "the prefix was gone after 20 s")
    yield ProbeWait(_EXTINCT_S, "for a five-minute entry to end under a one-hour tail")
    # One key for both lifetimes, as was just seen: a five-minute point is the cheaper one to look with.
    again = yield Send(converse(subject.model_id, [text(subject.base)], [text(tail), POINT_5M]))
    evidence = f"after {duration(_EXTINCT_S)} a 1h tail over a 5m prefix read {thousands(again.read)}"
    return ProbeAnswer("entry_lifetime", "whole_prefix" if again.read else "per_block", evidence)


def _chain_lifetime(subject: ProbedModel) -> Steps:
    """Entry lifetime where a 1h point does not see 5m entries: a deep entry is read time and again over an idle one."""
    chain = yield from _chain(subject)
    if chain.error is not None:
        return unmeasured("entry_lifetime", chain.error)
    if not chain.deep:
        return ProbeAnswer("entry_lifetime", "per_block", "a deep entry ended with the shallow one below it")
    if chain.shallow:
        why = "reads of the deep entry keep the shallow one alive, so the two answers cannot be told apart (nor matter)"
        return ProbeAnswer("entry_lifetime", None, why)
    return ProbeAnswer("entry_lifetime", "whole_prefix", "a deep entry outlived the shallow one below it")


def refresh_on_hit(subject: ProbedModel) -> Steps:
    """Does reading a deep entry renew the shallower ones inside it?"""
    chain = yield from _chain(subject)
    if chain.error is not None:
        return unmeasured("refresh_on_hit", chain.error)
    evidence = (
        f"{duration(_EXTINCT_S)} after its write, 160 s after a deeper read, the shallow entry read "
        f"{thousands(chain.shallow)}"
    )
    return ProbeAnswer("refresh_on_hit", "prefix" if chain.shallow else "entry", evidence)


def _chain(subject: ProbedModel) -> Generator[Send | ProbeWait, ProbeReply, Chain]:
    """A shallow and a deep entry; the deep one is read after 240 s, both are looked for after 400 s. Done once."""
    if subject.chain_begun:
        yield ProbeWait(_EXTINCT_S + 1, "for the other question that waits for the same")
        while subject.chain is None:
            yield ProbeWait(5.0, "for the other question that waits for the same")
        return subject.chain
    subject.chain_begun = True
    system, tail = subject.idle or subject.fresh(), subject.fresh(_TAIL_WORDS)
    deep = converse(subject.model_id, [text(system)], [text(tail), POINT_5M])
    first = yield Send(converse(subject.model_id, [text(system), POINT_5M], [text(tail), POINT_5M]))
    if not first.written and not first.read:
        subject.chain = Chain(error=first)
        return subject.chain
    yield ProbeWait(_REFRESH_S, "inside the first lifetime")
    middle = yield Send(deep)
    if not middle.read:
        subject.chain = Chain(error=ProbeReply(error="Gone", message="the deep entry was gone after 240 s"))
        return subject.chain
    yield ProbeWait(_EXTINCT_S - _REFRESH_S, "for the shallow entry to end unless it was renewed")
    again = yield Send(deep)
    # A deep entry that died with the shallow one says that nothing had renewed that; no need to look.
    below = (yield Send(marked(subject, system))) if again.read else ProbeReply()
    subject.chain = Chain(again.read, below.read)
    return subject.chain


def point_below_hit(subject: ProbedModel) -> Steps:
    """Does a point inside the prefix that was just read become an entry?"""
    reply = yield from _based(subject)
    if not subject.base:
        return unmeasured("point_below_hit", reply)
    system = [text(subject.base), POINT_5M]
    near, far = text(subject.fresh(_TAIL_WORDS)), text(subject.fresh(_TAIL_WORDS))
    yield Send(converse(subject.model_id, system, [near, far, POINT_5M]))
    middle = yield Send(converse(subject.model_id, system, [near, POINT_5M, far, POINT_5M]))
    if not middle.read:
        return unmeasured("point_below_hit", middle)
    last = yield Send(converse(subject.model_id, system, [near, POINT_5M, text("?")]))
    evidence = f"a point below the read, used alone afterwards, read {thousands(last.read)}"
    marked = last.read > subject.base_tokens + _TAIL_WORDS // 2
    return ProbeAnswer("point_below_hit", "marks" if marked else "ignored", evidence)


def api_in_key(subject: ProbedModel) -> Steps:
    """Do Converse and InvokeModel share entries?"""
    if not subject.claude:
        return ProbeAnswer("api_in_key", None, "asked of Claude only")
    reply = yield from _based(subject)
    if not subject.base:
        return unmeasured("api_in_key", reply)
    reply = yield Send(anthropic(subject.model_id, subject.base, "."))
    if reply.error:
        return unmeasured("api_in_key", reply)
    evidence = f"InvokeModel after Converse read {thousands(reply.read)} and wrote {thousands(reply.written)}"
    return ProbeAnswer("api_in_key", "no" if reply.read else "yes", evidence)


def thinking_scope(subject: ProbedModel) -> Steps:
    """Does a change of the thinking settings lose tools and system too?"""
    if not subject.claude:
        return ProbeAnswer("thinking_scope", None, "asked of Claude only")
    reply = yield from _based(subject)
    if not subject.base:
        return unmeasured("thinking_scope", reply)
    # Adaptive thinking may be cut off after one token; a budget has a least size, and some of it is thought.
    least = limit("thinking_budget_least")
    for thinking, most in (({"type": "adaptive"}, 1), ({"type": "enabled", "budget_tokens": least}, least + 16)):
        request = converse(
            subject.model_id,
            [text(subject.base), POINT_5M],
            [text("Say ok.")],
            inferenceConfig={"maxTokens": most},
            additionalModelRequestFields={"thinking": thinking},
        )
        reply = yield Send(request)
        if not reply.error:
            evidence = f"with thinking {thinking['type']} the system prompt read {thousands(reply.read)}"
            return ProbeAnswer("thinking_scope", "messages" if reply.read else "all", evidence)
    return unmeasured("thinking_scope", reply)


def unsupported_ttl(subject: ProbedModel) -> Steps:
    """What does a ttl of one hour do on a model that offers none?"""
    if subject.two_ttls or not subject.claude:
        return ProbeAnswer("unsupported_ttl", None, "the question is for Claude models without 1h")
    reply = yield Send(converse(subject.model_id, [text(subject.fresh()), POINT_1H], [text(".")]))
    if reply.error and reply.error != "ValidationException":
        return unmeasured("unsupported_ttl", reply)
    evidence = reply.message or f"accepted; wrote {thousands(reply.written)}"
    return ProbeAnswer("unsupported_ttl", "reject" if reply.error else "downgrade", evidence)


def trailing_text_document(subject: ProbedModel) -> Steps:
    """Is a text document behind the last point of a message cached all the same?"""
    if not subject.claude:
        return ProbeAnswer("trailing_text_document", None, "asked of Claude only")
    reply = yield from _based(subject)
    if not subject.base:
        return unmeasured("trailing_text_document", reply)
    notes = {"bytes": subject.fresh(_DOCUMENT_WORDS).encode()}
    document = {"document": {"format": "txt", "name": "notes", "source": notes}}
    near = text(subject.fresh(_TAIL_WORDS))
    reply = yield Send(converse(subject.model_id, [text(subject.base), POINT_5M], [near, POINT_5M, document]))
    if not reply.written:
        return unmeasured("trailing_text_document", reply)
    evidence = (
        f"of a document of {_DOCUMENT_WORDS} words behind the point, {thousands(reply.usage.input)} tokens "
        "stayed uncached"
    )
    return ProbeAnswer(
        "trailing_text_document", "cached" if reply.usage.input < _DOCUMENT_WORDS // 2 else "excluded", evidence
    )


def cache_hop_rate(subject: ProbedModel) -> Steps:
    """How often does a profile serve the very next request from a Region without the entry?"""
    if subject.model.scope is Scope.IN_REGION:
        return ProbeAnswer("cache_hop_rate", None, "no profile: one Region serves every request")
    reply = yield from _based(subject)
    if not subject.base:
        return unmeasured("cache_hop_rate", reply)
    missed = 0
    for _ in range(_HOP_TRIALS):
        yield ProbeWait(1.0, "between two reads")
        reply = yield Send(marked(subject, subject.base))
        if reply.error:
            return unmeasured("cache_hop_rate", reply)
        missed += not reply.read
    evidence = f"{missed} of {_HOP_TRIALS} reads missed, a second apart, of an entry that was just written"
    return ProbeAnswer("cache_hop_rate", "0.1" if missed else "0", evidence)


def visibility_lag(subject: ProbedModel) -> Steps:
    """How long after its reply is a write readable?"""
    for lag in _LAGS:
        subject.idle = subject.fresh()
        request = marked(subject, subject.idle)
        yield Send(request)
        if lag:
            yield ProbeWait(lag, "between a write and its read")
        reply = yield Send(request)
        if reply.error:
            return unmeasured("nova_propagation_lag", reply)
        if reply.read:
            answer = ("five_seconds" if lag > 1 else "none") if not subject.claude else None
            return ProbeAnswer("nova_propagation_lag", answer, f"readable {duration(lag)} after the reply")
    return ProbeAnswer("nova_propagation_lag", None, f"not readable {duration(_LAGS[-1])} after the reply")


def implicit_reads(subject: ProbedModel) -> Steps:
    """Do reads appear without any cachePoint?"""
    if subject.model.model.vendor != "amazon":
        return ProbeAnswer("implicit_reads", None, "asked of Nova only: nobody reports them for Claude")
    request = converse(subject.model_id, [text(subject.fresh())], [text(".")])
    yield Send(request)
    yield ProbeWait(6.0, "between two equal requests")
    reply = yield Send(request)
    if reply.error:
        return unmeasured("implicit_reads", reply)
    return ProbeAnswer(
        "implicit_reads", "on" if reply.read else "off", f"without a point {thousands(reply.read)} tokens were read"
    )


def unsupported_model_error(subject: ProbedModel) -> Steps:
    """Which error does a point raise on a model without caching?"""
    reply = yield Send(converse(subject.model_id, [text("Short."), POINT_5M], [text(".")]))
    codes = {"AccessDeniedException": "access_denied", "ValidationException": "validation"}
    return ProbeAnswer("unsupported_model_error", codes.get(reply.error), reply.message or "the point was accepted")


QUESTIONS: Mapping[str, Question] = {
    "lookback_blocks": lookback,
    "nova_propagation_lag": visibility_lag,
    "ttl_in_key": ttl_in_key,
    "entry_lifetime": entry_lifetime,
    "refresh_on_hit": refresh_on_hit,
    "point_below_hit": point_below_hit,
    "api_in_key": api_in_key,
    "thinking_scope": thinking_scope,
    "unsupported_ttl": unsupported_ttl,
    "trailing_text_document": trailing_text_document,
    "cache_hop_rate": cache_hop_rate,
    "implicit_reads": implicit_reads,
}
"""What is asked of a model that caches on Converse, besides its minimum."""

ALL_QUESTIONS = (*QUESTIONS, *MARKED, *FREE)
"""The names of all questions but that of the minimum."""


def findings_of(subject: ProbedModel, only: frozenset[str] = frozenset()) -> tuple[Question | None, list[Question]]:
    """The experiment that comes first (None: none), and those that then run side by side."""
    if subject.on_responses:
        questions = MARKED if subject.rules.points_on else FREE
        first = minimum if subject.rules.points_on and (not only or "minimum_tokens" in only) else None
        return first, [probe for name, probe in questions.items() if not only or name in only]
    if not subject.rules.explicit:
        return None, [unsupported_model_error]
    chosen = [probe for name, probe in QUESTIONS.items() if not only or name in only]
    if not subject.claude:
        chosen = [probe for probe in chosen if probe is not lookback]
    return (minimum if not only or "minimum_tokens" in only else None), chosen
