"""Measures the priors of the planner on recorded traffic and prints src/rockbottom/plan/priors.csv.

    PYTHONPATH=src python -m tests.plan.measure_priors > priors.csv

Every kind counts at most 200 times per set, so that no set drowns the others; first requests above 16,000 tokens at
most 20 times: of such applications the sets hold few, and one-off ones only made up. One-off documents and one-off
questions, and agents with slow tools, are in no recording, yet exist: made-up ones stand in for them.
"""

import sys
from collections import defaultdict

import msgspec

from rockbottom.plan import Planner, returns
from rockbottom.prompt import Prompt, prompt_of
from tests.plan import recorded, simulate

SETS = ("weka", "moon", "star500", "miniswe", "tau", "livemcp", "cuad", "S_E", "S_E2", "S_D", "S_FA")
PER_SET, PER_SET_OF_LONG = 200.0, 20.0
HEADER = """\
# How often each kind of prefix end was sent again, as measured on recorded traffic. A kind is named
# <stage>/<...> as in kinds.py; n is how often it was seen (each set counts at most 200 times, for first requests
# above 16,000 tokens at most 20 times) in how many sets,
# p1, p5, p20 and p60 are the shares sent again within so many minutes. A planner starts with ``strength``
# pseudo-observations: at most five, fewer where the sets disagree; and forgets them as it sees its own traffic.
#
# Sources (public recordings, read on 2026-11-20): callanjfox/kv-cache-tester claude_code_weka (coding agents,
# real gaps inside a session), kvcache-ai/Mooncake conversation_trace (chat, real clock, 59 minutes),
# RasaHQ/STAR (support dialogues, real clock), LMCache/lmcache-agent-trace (mini-swe-agent, real clock),
# sierra-research/tau-bench, icip-cas/LiveMCPBench and CUAD (no times recorded: gaps of 5 to 15 s before a tool
# result, else lognormal around 30 s; questions about a document in bursts). One-off documents, one-off
# questions and agents whose tools take minutes are in no recording, yet exist: made-up ones stand in for them.
# tests/plan/measure_priors.py makes this file.
kind,n,sets,strength,p1,p5,p20,p60"""


def counts(name: str) -> dict[tuple[str, ...], tuple[list[float], list[float]]]:
    """Hits and misses per stage of every kind in one set, without any prior; what never came back is a miss."""
    planner = Planner(priors={})
    for at, model_id, prompt in recorded.stream(name):
        if name in ("weka", "moon"):  # what is left over of the last block cannot be told apart from any other
            prompt = without_rest(prompt)
        planner.plan_prompt(prompt, model_id, simulate.NOW + at)
    planner.returns.settle(float("inf"))
    (kinds,) = planner.returns.models.values()
    return {key: (cell.hits, cell.misses) for key, cell in kinds.cells.items() if is_full(key)}


def without_rest(prompt: Prompt) -> Prompt:
    """The prompt without its last segment, whose kind and message the one before it takes over."""
    *most, last, rest = prompt.segments
    if last.section is rest.section:
        last = msgspec.structs.replace(last, kind=rest.kind, message=rest.message)
    return prompt_of(prompt.api, (*most, last), (), prompt.parameters)


def main() -> None:
    """Pool the sets and print one row per kind."""
    returns._DECAY = 1.0
    sets: dict[tuple[str, ...], list[tuple[float, list[float]]]] = defaultdict(list)
    for name in SETS:
        for key, (hits, misses) in counts(name).items():
            n = hits[0] + misses[0]
            alive, ends = 1.0, []
            for stage in range(4):
                total = hits[stage] + misses[stage]
                alive *= 1 - (hits[stage] / total if total else 0.0)
                ends.append(1 - alive)
            if n >= 2:
                most = PER_SET_OF_LONG if key[0] == "first" and key[-1] == "more" else PER_SET
                sets[key].append((min(n, most), ends))
        print(name, file=sys.stderr)
    print(HEADER)
    for key in sorted(sets):
        print(row(key, sets[key]))


def row(key: tuple[str, ...], found: list[tuple[float, list[float]]]) -> str:
    """One kind: the pooled shares, and the strength that the agreement between the sets deserves."""
    n = sum(weight for weight, _ in found)
    p1, p5, p20, p60 = (sum(weight * ends[stage] for weight, ends in found) / n for stage in range(4))
    spread = sum(weight * (ends[1] - p5) ** 2 for weight, ends in found) / n
    strength = 5.0 if len(found) < 2 else min(5.0, max(1.0, p5 * (1 - p5) / max(spread, 1e-6) - 1))
    strength = min(strength, n / 2)
    ends = ",".join(f"{share:.3f}" for share in (p1, p5, p20, p60))
    return f"{'/'.join(key)},{n:.0f},{len(found)},{strength:.1f},{ends}"


def is_full(key: tuple[str, ...]) -> bool:
    """Whether the kind is one of the narrowest."""
    return len(key) == {"first": 5, "more": 6, "seen": 5 if "fresh" in key else 7}[key[0]]


if __name__ == "__main__":
    main()
