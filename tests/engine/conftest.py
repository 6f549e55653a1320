"""Traffic in many files, and the answer that one process gives on it."""

import json
from datetime import date
from random import Random

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Catalog, load_catalog
from rockbottom.engine import ReplayJob
from rockbottom.replay import ReplayQuestion, document_of, tally
from rockbottom.trace import ReaderSettings, read_trace, reader_of

POLICIES = ("none", "as_recorded", "system", "system_tail_5m", "system_tail_1h", "system_1h_tail_5m", "keep_alive")
HAIKU = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
SONNET = "global.anthropic.claude-sonnet-4-6"
ON = date(2026, 11, 1)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """What AWS says, loaded once."""
    return load_catalog()


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """Eight log files of interleaved conversations: two models, two Regions, repeated ids, a damaged line."""
    folder = tmp_path_factory.mktemp("logs")
    chance = Random(4)
    systems = [f"{number} " + "Be polite and brief about parcels. " * (100 + 40 * number) for number in range(9)]
    lines: list[str] = []
    for number in range(160):
        system, turns = systems[number % 9], chance.randint(1, 5)
        at = chance.uniform(0, 5_000)
        messages: list[dict] = []
        for turn in range(turns):
            messages = [*messages, {"role": "user", "content": [{"text": f"{number} {turn} " + "why " * 300}]}]
            lines.append(json.dumps(_record(number, turn, at, system, messages, chance)))
            messages = [*messages, {"role": "assistant", "content": [{"text": f"Because of {turn}."}]}]
            at += chance.choice([20, 200, 400])
    chance.shuffle(lines)
    lines = [*lines, *chance.sample(lines, 12)]
    for file in range(8):
        mine = lines[file::8] + (['{"modelId": "cut'] if file == 3 else [])
        (folder / f"{file}.jsonl").write_text("\n".join(mine) + "\n")
    return folder


def _record(number: int, turn: int, at: float, system: str, messages: list[dict], chance: Random) -> dict:
    minute, second = divmod(int(at), 60)
    stamp = f"2026-10-01T{10 + minute // 60}:{minute % 60:02d}:{second:02d}Z"
    point = {"cachePoint": {"type": "default"}}
    marked = [*messages[:-1], {"role": "user", "content": [*messages[-1]["content"], point]}]
    return {
        "schemaType": "ModelInvocationLog", "timestamp": stamp,
        "requestId": f"r{number}-{turn}", "operation": "Converse", "modelId": HAIKU if number % 3 else SONNET,
        "accountId": "1", "region": "us-east-1", "inferenceRegion": "us-west-2" if number % 7 == 0 else "us-east-1",
        "input": {"inputBodyJson": {"system": [{"text": system}, point], "messages": marked},
                  "inputTokenCount": 20, "cacheReadInputTokenCount": 0 if turn == 0 else 2_000 + 300 * turn,
                  "cacheWriteInputTokenCount": 2_300 if turn == 0 else 300},
        "output": {"outputTokenCount": chance.randint(1, 500), "outputBodyJson": {}},
    }  # fmt: skip


@pytest.fixture(scope="session")
def job_of(catalog):
    """Makes the job on a source: two questions, as many groups as asked for, and never all in one."""

    def made(source, buckets: int = 5) -> ReplayJob:
        reader = reader_of(str(source))
        questions = ReplayQuestion(POLICIES, ON), ReplayQuestion(("none", "batch", "system_tail_5m"), ON, model=HAIKU)
        return ReplayJob(
            reader.name, list(reader.parts(str(source))), ReaderSettings(), questions, catalog, buckets, small=0
        )

    return made


@pytest.fixture(scope="session")
def whole(catalog):
    """The documents of one process on a source."""

    def answered(source, job: ReplayJob):
        trace, behaviour = read_trace(str(source), job.settings).trace, behaviour_of(catalog.switches)
        return [document_of(one, tally(trace, one, catalog, behaviour, exact=False)) for one in job.questions]

    return answered
