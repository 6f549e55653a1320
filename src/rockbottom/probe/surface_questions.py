"""What is asked of GPT models, over Responses: do thirty minutes slide, do hosts share entries, is a key needed.

Every request but those about keys carries the same ``prompt_cache_key``, so that the answers do not hang on it.
"""

from collections.abc import Callable, Mapping

from rockbottom.figures import duration, thousands
from rockbottom.probe.steps import ProbeAnswer, ProbeWait, Send, Steps
from rockbottom.probe.subject import ProbedModel, marked, unmeasured
from rockbottom.probe.texts import responses

_BEFORE_END_S = 1200.0  # well inside the thirty minutes of a write
_BEYOND_S = 900.0  # 35 minutes after the write, 15 after its read
_TRIALS = 4  # identical calls in which sample-per-model-bedrock saw no read on GPT-5.5


def thirty_minutes_slide(subject: ProbedModel) -> Steps:
    """Does a read renew the thirty minutes of an entry?"""
    request = marked(subject, subject.fresh())
    first = yield Send(request)
    if not first.written:
        return unmeasured("thirty_minutes_slide", first)
    yield ProbeWait(_BEFORE_END_S, "inside the thirty minutes of an entry")
    middle = yield Send(request)
    if not middle.read:
        return ProbeAnswer("thirty_minutes_slide", None, f"the entry was gone after {duration(_BEFORE_END_S)}")
    yield ProbeWait(_BEYOND_S, "for the thirty minutes to end unless a read renewed them")
    last = yield Send(request)
    if last.error:
        return unmeasured("thirty_minutes_slide", last)
    evidence = (
        f"{duration(_BEFORE_END_S + _BEYOND_S)} after its write, {duration(_BEYOND_S)} after a read, "
        f"{thousands(last.read)} were read"
    )
    return ProbeAnswer("thirty_minutes_slide", "yes" if last.read else "no", evidence)


def host_in_key(subject: ProbedModel) -> Steps:
    """Do bedrock-runtime and bedrock-mantle keep separate entries of the same prefix?"""
    if not subject.elsewhere:
        why = "ask with the id of a profile (us.openai...): the bare id is then asked for on bedrock-mantle"
        return ProbeAnswer("host_in_key", None, why)
    system = subject.fresh()
    here = marked(subject, system)
    first = yield Send(here)
    if not first.written:
        return unmeasured("host_in_key", first)
    other = yield Send({**here, "model": subject.elsewhere})
    if other.error:
        return unmeasured("host_in_key", other)
    if other.read:
        return ProbeAnswer(
            "host_in_key", "no", f"bedrock-mantle read {thousands(other.read)} of what bedrock-runtime had written"
        )
    again = yield Send(here)
    if not again.read:
        return ProbeAnswer("host_in_key", None, "the host that wrote did not read its own entry either")
    return ProbeAnswer(
        "host_in_key", "yes", f"bedrock-mantle read nothing, bedrock-runtime {thousands(again.read)} right after it"
    )


def cache_key_in_key(subject: ProbedModel) -> Steps:
    """Does another prompt_cache_key find the entries written under the first?"""
    system = subject.fresh()
    first = yield Send(marked(subject, system))
    if not first.written:
        return unmeasured("cache_key_in_key", first)
    other = yield Send({**marked(subject, system), "prompt_cache_key": f"{subject.run}-other"})
    if other.error:
        return unmeasured("cache_key_in_key", other)
    if other.read:
        return ProbeAnswer("cache_key_in_key", "no", f"another key read {thousands(other.read)}")
    again = yield Send(marked(subject, system))
    if not again.read:
        return ProbeAnswer("cache_key_in_key", None, "the key that wrote did not read its own entry either")
    return ProbeAnswer(
        "cache_key_in_key", "yes", f"another key read nothing, the first {thousands(again.read)} right after it"
    )


def cache_key_needed(subject: ProbedModel) -> Steps:
    """Is anything read without a prompt_cache_key?"""
    request = marked(subject, subject.fresh())
    del request["prompt_cache_key"]
    first = yield Send(request)
    if not first.written:
        return unmeasured("cache_key_needed", first)
    again = yield Send(request)
    if again.error:
        return unmeasured("cache_key_needed", again)
    return ProbeAnswer(
        "cache_key_needed", "no" if again.read else "yes", f"without a key {thousands(again.read)} tokens were read"
    )


def implicit_lookback(subject: ProbedModel) -> Steps:
    """Does the point that the service sets by itself read what an earlier request wrote at its latest message?"""
    system = subject.fresh()
    first = yield Send(responses(subject.model_id, subject.run, [(system,)], implicit=True))
    if not first.written:
        return unmeasured("implicit_lookback", first)
    grown = yield Send(responses(subject.model_id, subject.run, [(system,), ("And now?",)], implicit=True))
    if grown.error:
        return unmeasured("implicit_lookback", grown)
    evidence = f"a talk that grew by a turn read {thousands(grown.read)} and wrote {thousands(grown.written)}"
    return ProbeAnswer("implicit_lookback", "message_ends" if grown.read else "none", evidence)


def best_effort_reads(subject: ProbedModel) -> Steps:
    """Does a prefix come back from the free cache?"""
    request = responses(subject.model_id, subject.run, [(subject.fresh(),)], options=False)
    read = 0
    for number in range(_TRIALS):
        reply = yield Send(request)
        if reply.error:
            return unmeasured("best_effort_reads", reply)
        read += number > 0 and reply.read > 0
    evidence = f"{read} of {_TRIALS - 1} identical calls behind the first read something"
    answers = {0: "never", _TRIALS - 1: "always"}
    return ProbeAnswer("best_effort_reads", answers.get(read), evidence)


Question = Callable[[ProbedModel], Steps]

MARKED: Mapping[str, Question] = {
    "thirty_minutes_slide": thirty_minutes_slide,
    "host_in_key": host_in_key,
    "cache_key_in_key": cache_key_in_key,
    "cache_key_needed": cache_key_needed,
    "implicit_lookback": implicit_lookback,
}
"""What is asked of a model that takes marks on Responses."""

FREE: Mapping[str, Question] = {"best_effort_reads": best_effort_reads}
"""What is asked of a model that caches there by itself, for nothing and as it can."""
