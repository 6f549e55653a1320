"""Planted causes of misses, named by rockbottom and by cachecanary: correct, coarse, false, missed, and time.

Every plant is made and served by the reference engine (tests/diagnose/planted.py). A request counts where the
plant made it read clearly less than the same request reads in clean traffic.

* rockbottom gets the log, all sessions mixed, and finds the earlier request itself.
* cachecanary's ``diff`` compares two requests that the user picks, so here it is *told* each request's session
  and gets the one before it; its ``lint`` is asked about the request too. It sees no times, Regions or counters;
  where it says that the prefix is identical and names expiry and another Region as the likely ones, that counts
  as coarse for those two. Its ``logs`` gives hit rates, not causes.

coarse: a true statement that does not tell this cause from others ("the system prompt changed" for white space).
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
PEER = "cachecanary==0.4.0"

# What the peer's codes say, and what they leave open.
EXACT = {
    "api-changed": {"API_SWITCHED"},
    "model-changed": {"MODEL_SWITCHED"},
    "thinking-changed": {"PARAMETER_CHANGED"},
    "effort-changed": {"PARAMETER_CHANGED"},
    "tool-choice-changed": {"PARAMETER_CHANGED"},
    "ttl-changed": {"PARAMETER_CHANGED"},
    "no-checkpoint-in-previous": {"NO_POINT"},
    "no-checkpoint-in-next": {"NO_POINT"},
    "tools-reordered": {"TOOLS_REORDERED"},
    "tools-changed": {"TOOLS_CHANGED"},
    "system-changed": {"VOLATILE_TEXT"},
    "history-changed": {"HISTORY_REWRITTEN"},
    "prefix-truncated": {"HISTORY_TRIMMED"},
    "lookback-exceeded": {"LOOKBACK_EXCEEDED"},
    "checkpoint-not-moved": {"POINT_NOT_ADVANCED"},
}
COARSE = {
    "tools-changed": {"KEY_ORDER", "WHITESPACE"},
    "system-changed": {"WHITESPACE", "KEY_ORDER"},
    "history-changed": {"VOLATILE_TEXT", "HISTORY_TRIMMED"},
    "prefix-identical": {"TTL_EXPIRED", "REGION_HOP"},
    "no-checkpoint-in-next": {"UNSUPPORTED"},
    "no-checkpoint-in-previous": {"UNSUPPORTED"},
}
LINT = {
    "prefix-too-short": "UNDER_MINIMUM",
    "no-checkpoint": "NO_POINT",
    "dynamic-in-prefix": "VOLATILE_TEXT",
    "stale-checkpoint": "POINT_NOT_ADVANCED",
    "no-conversation-checkpoint": "POINT_NOT_ADVANCED",
}


def planted_module():
    path = REPO / "tests" / "diagnose" / "planted.py"
    spec = importlib.util.spec_from_file_location("planted", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted"] = module
    spec.loader.exec_module(module)
    return module


def peer_python(folder: Path) -> Path | None:
    """The peer's own environment, made once; None where it cannot be had."""
    python = folder / "bin" / "python"
    if not python.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False)
        if made.returncode or subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=False).returncode:
            return None
    return python


def grade_ours(found: dict[int, str], cause: str | None, missed: list[int]) -> Counter:
    grades = Counter(false=sum(name != cause for number, name in found.items() if number not in missed))
    for number in missed:
        name = found.get(number)
        grades["correct" if name == cause else "missed" if name is None else "wrong"] += 1
    return grades


def grade_peer(answers: dict[int, dict], cause: str | None, missed: list[int]) -> Counter:
    """Wrong: another cause for a request that missed; false: another cause for one that did not."""
    grades: Counter = Counter()
    for number, answer in answers.items():
        codes = answer["diff"]
        said = set().union(*(EXACT.get(code, set()) for code in codes))
        linted = {LINT[code] for code in answer["lint"] if code in LINT}
        coarse = set().union(*(COARSE.get(code, set()) for code in codes))
        if number not in missed:  # lint warns beforehand, whatever happened: only diff can be false here
            grades["false"] += bool(said) and cause not in said | coarse
        elif cause in said | linted:
            grades["correct"] += 1
        elif cause in coarse:
            grades["coarse"] += 1
        else:
            grades["wrong" if said else "missed"] += 1
    return grades


def pairs_of(planted) -> dict[int, dict]:
    """Each request with the one before it in its session: what a user of the peer has to find himself."""
    last: dict[int, int] = {}
    pairs: dict[int, dict] = {}
    for number, session in enumerate(planted.sessions):
        record = planted.records[number]
        before = last.get(session, number - 1 if number in planted.missed else None)
        if before is not None and before >= 0:
            earlier = planted.records[before]
            pairs[number] = {
                "models": [earlier.model, record.model],
                "previous": earlier.body,
                "next": record.body,
            }
        last[session] = number
    return pairs


def neighbours_of(planted) -> dict[int, dict]:
    """Each missed request with the one before it in the log: all that a log without sessions offers."""
    records = planted.records
    return {
        number: {
            "models": [records[number - 1].model, records[number].model],
            "previous": records[number - 1].body,
            "next": records[number].body,
        }
        for number in planted.missed
        if number
    }


def ask_peer(python: Path, pairs: dict[int, dict]) -> tuple[dict[int, dict], float]:
    lines = "".join(json.dumps(pair) + "\n" for pair in pairs.values())
    done = subprocess.run([python, str(HERE / "peer.py")], input=lines, capture_output=True, text=True, check=True)
    *answers, timing = map(json.loads, done.stdout.splitlines())
    return dict(zip(pairs, answers, strict=True)), timing["seconds"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.explain", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    home = REPO / ".venv" / "peers" / "cachecanary"
    parser.add_argument("--peer", type=Path, default=home, help="the environment that holds cachecanary")
    chosen = parser.parse_args(arguments)
    from rockbottom.catalog import load_catalog
    from rockbottom.diagnose import explain

    traffic, catalog, python = planted_module(), load_catalog(), peer_python(chosen.peer)
    ours, theirs, untold, seconds, requests = Counter(), Counter(), Counter(), Counter(), 0
    print(f"{chosen.seeds} seeds a plant; {PEER if python else 'no peer: it could not be installed'}")
    print(f"{'':<24}{'':>7}|{'rockbottom':^22}|{'cachecanary':^27}")
    print(f"{'plant':<24}{'misses':>7}|{'right':>6}{'wrong':>6}{'none':>5}{'false':>5}|", end="")
    print(f"{'right':>6}{'coarse':>6}{'wrong':>5}{'none':>5}{'false':>5}")
    for name in traffic.PLANTS:
        one, two, count = Counter(), Counter(), 0
        for seed in range(chosen.seeds):
            planted = traffic.planted(name, seed, catalog)
            cause = planted.cause.name if planted.cause else None
            count += len(planted.missed)
            requests += len(planted.records)
            start = time.perf_counter()
            found = {finding.number: finding.cause.name for finding in explain(planted.records, catalog)}
            seconds["ours"] += time.perf_counter() - start
            one += grade_ours(found, cause, planted.missed)
            if python:
                answers, took = ask_peer(python, pairs_of(planted))
                seconds["theirs"] += took
                two += grade_peer(answers, cause, planted.missed)
                untold += grade_peer(ask_peer(python, neighbours_of(planted))[0], cause, planted.missed)
        ours, theirs = ours + one, theirs + two
        _row(name, count, one, two)
    _row("all", sum(ours[grade] for grade in ("correct", "wrong", "missed")), ours, theirs)
    if python:
        told = ", ".join(f"{grade} {untold[grade]}" for grade in ("correct", "coarse", "wrong", "missed"))
        print(f"\ncachecanary on the same misses, each compared with the request before it in the log: {told}")
    print(f"rockbottom: {1000 * seconds['ours'] / requests:.2f} ms a request, matching, pricing and all")
    if python:
        print(f"cachecanary: {1000 * seconds['theirs'] / requests:.2f} ms a request, pairs told, nothing priced")
    return 0


def _row(name: str, count: int, one: Counter, two: Counter) -> None:
    left = "".join(f"{one[key]:>{width}}" for key, width in (("correct", 6), ("wrong", 6), ("missed", 5), ("false", 5)))
    grades = (("correct", 6), ("coarse", 6), ("wrong", 5), ("missed", 5), ("false", 5))
    print(f"{name:<24}{count:>7}|{left}|{''.join(f'{two[key]:>{width}}' for key, width in grades)}")


if __name__ == "__main__":
    sys.exit(main())
