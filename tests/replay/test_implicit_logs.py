"""Logs of Responses replayed: what only grows is read, what changes in front is not, mode explicit writes nothing.

Counters are those of four turns measured on GPT-5.6 (Boise-State-Development/agentcore-public-stack, 2026-09-05): 3,679
tokens written, then 21, 22 and 22, each turn reading all of the one before; two tokens are never cached.
"""

import gzip
import json
from datetime import date

import numpy as np
import pytest

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Tier, load_catalog
from rockbottom.cli import main
from rockbottom.replay import FIXED, Rates, Stage
from rockbottom.replay.policies import run
from rockbottom.trace import ReaderSettings, read_trace

WRITTEN = [3679, 21, 22, 22]
CATALOG = load_catalog()
SOL = CATALOG.model("us.openai.gpt-5.6-sol")


def turns(front="Be brief."):
    """Bodies of a talk that grows by as many bytes as tokens were written."""
    items = []
    for turn, tokens in enumerate(WRITTEN):
        items = [*items, {"role": "user", "content": [{"type": "input_text", "text": "x" * (tokens * 4 - 40)}]}]
        yield {"model": SOL.given, "instructions": front.format(turn), "input": items}


@pytest.fixture
def replayed(tmp_path):
    """Writes records of these bodies and replays them as they were sent."""

    def replaying(bodies, counts, **switches):
        records = [
            {
                "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-01T10:0{number}:00Z",
                "requestId": f"r{number}",
                "operation": "Responses", "modelId": SOL.given, "region": "us-west-2", "accountId": "111122223333",
                "input": {"inputBodyJson": body, "inputTokenCount": left, "cacheReadInputTokenCount": read,
                          "cacheWriteInputTokenCount": written},
                "output": {"outputTokenCount": 5},
            }
            for number, (body, (left, read, written)) in enumerate(zip(bodies, counts, strict=True))
        ]  # fmt: skip
        (tmp_path / "log.json.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, records)).encode()))
        trace = read_trace(str(tmp_path), ReaderSettings()).trace
        day = date(2026, 11, 20)
        rates = Rates(SOL, Tier.DEFAULT, day, CATALOG.price_book)
        stage = Stage.of(trace, CATALOG.rules(SOL, day), behaviour_of(CATALOG.switches, **switches), rates)
        return run(stage, FIXED["as_recorded"])

    return replaying


def grown():
    """The counters as measured: uncached, read, written."""
    return [(2, sum(WRITTEN[:turn]), written) for turn, written in enumerate(WRITTEN)]


def test_a_talk_that_grows_reads_what_it_read(replayed):
    found = replayed(turns(), grown())
    assert found.read[0] == 0
    assert np.abs(found.read[1:] - [3679, 3700, 3722]).max() <= 20  # tokens are shared out over blocks by their bytes
    assert found.written[0] > 3600
    assert found.written[1:].max() < 60


def test_the_other_side_of_the_switch_writes_all_of_it_every_turn(replayed):
    """The shape of openai/codex 37674."""
    found = replayed(turns(), grown(), implicit_lookback="none")
    assert not found.read.any()
    assert found.written.min() > 3600


def test_a_front_that_changes_is_written_every_turn(replayed):
    found = replayed(turns("It is {}."), [(2, 0, sum(WRITTEN[: turn + 1])) for turn in range(4)])
    assert not found.read.any()
    assert found.written.min() > 3600


def test_mode_explicit_without_a_mark_is_free_and_with_one_reads_it(replayed):
    options = {"prompt_cache_options": {"mode": "explicit"}}
    sent = [(sum(WRITTEN[: turn + 1]) + 2, 0, 0) for turn in range(4)]
    found = replayed([{**body, **options} for body in turns()], sent)
    assert not found.read.any()
    assert not found.written.any()
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    marked = [{**body, **options, "input": [_marked(body["input"][0], mark), *body["input"][1:]]} for body in turns()]
    found = replayed(marked, [(2, 0, 3679), (23, 3679, 0), (45, 3679, 0), (67, 3679, 0)])
    assert found.written[0] > 3600
    assert not found.written[1:].any()
    assert found.read[1:].min() > 3600


def test_another_prompt_cache_key_finds_nothing(replayed):
    """Whether keys keep entries apart is a switch, whose usual side is that they do."""
    bodies = [{**body, "prompt_cache_key": f"k{number}"} for number, body in enumerate(turns())]
    found = replayed(bodies, [(2, 0, sum(WRITTEN[: turn + 1])) for turn in range(4)])
    assert not found.read.any()
    assert replayed([{**body, "prompt_cache_key": "k"} for body in turns()], grown()).read[1:].min() > 3600


def _marked(item, mark):
    return {**item, "content": [{**item["content"][0], **mark}]}


def test_what_was_sent_is_the_start_of_every_comparison_and_not_no_caching(tmp_path, capsys):
    """Four turns without counters: as they come all is written once and read by every later turn.

    At 5.50 a million written, 0.44 read, 4.40 left (two tokens a request) and 22 given out (five).
    """
    records, items = [], []
    for number in range(4):
        items = [*items, {"role": "user", "content": [{"type": "input_text", "text": f"river {number} " * 1500}]}]
        records.append({
            "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-01T10:0{number}:00Z", "requestId": f"r{number}",
            "operation": "Responses", "modelId": SOL.given, "region": "us-west-2", "accountId": "1",
            "input": {"inputBodyJson": {"model": SOL.given, "input": items}}, "output": {"outputTokenCount": 5},
        })  # fmt: skip
    (tmp_path / "log.json").write_text("\n".join(map(json.dumps, records)) + "\n")
    assert main(["replay", str(tmp_path / "log.json"), "--on", "2026-11-20", "--json"]) == 0
    replay = json.loads(capsys.readouterr().out)
    bills = {bill["policy"]: bill for bill in replay["policies"]}
    sent, none = bills["as_recorded"], bills["none"]
    assert replay["answer"]["paid_usd"] == sent["usd"]
    assert not replay["answer"]["instead"]
    written = sent["written_at"]["30m"]
    assert sent["uncached_tokens"] == 8
    # Four equal messages: one to four of them in a request, each written once, 1 + 2 + 3 of them read.
    assert sent["read_tokens"] == pytest.approx(6 / 4 * written, rel=0.01)
    assert float(sent["usd"]) == pytest.approx(
        written * 5.5e-6 + sent["read_tokens"] * 0.44e-6 + 8 * 4.4e-6 + 20 * 22e-6
    )
    assert float(none["usd"]) == pytest.approx((written + sent["read_tokens"] + 8) * 4.4e-6 + 20 * 22e-6)
    assert replay["switch"] is None or replay["switch"]["start"] == "as_recorded"
