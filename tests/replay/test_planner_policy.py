"""The planner's bill in a replay is the bill that it reaches when it is attached to the same traffic."""

import json
from contextlib import redirect_stdout
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Catalog, Tier, load_catalog
from rockbottom.cli.replay_planner import attached
from rockbottom.replay import Rates, ReplayQuestion, Stage, placed_online, tally
from rockbottom.trace import read_trace
from tests.replay.attached import NOVA, ON, SONNET, attached_usd, conversations, documents_with_questions, write_log


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.mark.parametrize("traffic", [documents_with_questions, conversations])
def test_a_replay_of_the_log_gives_the_bill_of_the_attached_planner(traffic, tmp_path: Path, catalog: Catalog) -> None:
    """Within three percent: the log has the service's token counts, the planner estimated them."""
    requests = list(traffic())
    counts, spent = attached_usd(requests, catalog)
    log = write_log(tmp_path / "log.jsonl", requests, counts)
    trace, question = read_trace(str(log)).trace, ReplayQuestion(("planner",), ON)
    found = tally(trace, question, catalog, behaviour_of(catalog.switches), {"planner": attached})
    replayed = found.models[0].bills["planner"].cost.input_usd
    assert abs(replayed - spent) <= spent * Decimal("0.03")
    assert replayed < found.models[0].bills["none"].cost.input_usd / 2


class Everywhere:
    """A policy that marks the end of every segment, four at most, and notes of prompts their segments and tiers."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.tiers: list[Tier] = []

    def choose(self, prompt, now: float, tier: Tier, contents=()):
        self.lengths.append(len(prompt.segments))
        self.tiers.append(tier)
        return [(after, None) for after in range(1, min(len(prompt.segments), 4) + 1)]

    def observe(self, usage, now: float) -> None:
        return


def test_slices_of_a_prompt_are_taken_together_up_to_where_prompts_part(tmp_path: Path, catalog: Catalog) -> None:
    """Of 40 and 30 slices that share 20: they end at 16, 20, 32 and 40, and at 16, 20 and 30."""
    lines = [
        {"t_seconds": at, "input_tokens": 64 * (20 + more), "output_tokens": 1, "block_tokens": 64, "session_id": "s",
         "model": SONNET, "block_runs": [[0, 20], [start, more]]}
        for at, start, more in ((0.0, 100, 20), (1.0, 200, 10))
    ]  # fmt: skip
    (tmp_path / "slices.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    trace, model = read_trace(str(tmp_path / "slices.jsonl")).trace, catalog.model(SONNET)
    rates = Rates(model, Tier.DEFAULT, ON, catalog.price_book)
    stage = Stage.of(trace, catalog.rules(model, ON), behaviour_of(catalog.switches), rates)
    policy = Everywhere()
    (placed,) = placed_online([stage], [policy])
    assert policy.lengths == [4, 3]
    assert placed.after.tolist() == [16, 20, 32, 40, 16, 20, 30]


def test_a_ledger_of_the_attached_client_replays_to_what_it_was_billed(tmp_path: Path) -> None:
    """A ledger knows blocks by hashes and of no kind; the planner replayed on it does what it did: within 3%."""
    from rockbottom import attach
    from rockbottom.cli import main
    from rockbottom.local import ClockKind, running
    from tests.client.client_doubles import runtime

    rules = [{"text": "You answer questions about our plans, from this text alone. " * 300}]
    with running(clock=ClockKind.MANUAL, start_at=1_795_165_200.0) as server:
        bedrock = attach(runtime(server), ledger=tmp_path / "ledger", clock=server.state.clock.now)
        for question in range(12):
            asked = [{"role": "user", "content": [{"text": f"Question {question}: what does it cost?"}]}]
            bedrock.converse(modelId="us.anthropic.claude-sonnet-4-6", system=rules, messages=asked)
            server.state.clock.advance(30)
    out = StringIO()
    with redirect_stdout(out):
        main(["replay", str(tmp_path / "ledger"), "--json", "--policy=planner", "--policy=as_recorded"])
    policies = {row["policy"]: Decimal(row["input_usd"]) for row in json.loads(out.getvalue())["policies"]}
    assert abs(policies["planner"] - policies["as_recorded"]) <= policies["as_recorded"] * Decimal("0.03")


def test_each_request_is_planned_at_its_own_tier(tmp_path: Path, catalog: Catalog) -> None:
    """As the attached planner does: a talk whose tier changes is weighed by the prices of each call."""
    tiers = (Tier.PRIORITY, Tier.DEFAULT, Tier.FLEX)
    asked = [
        sent._replace(body={**sent.body, "serviceTier": {"type": tier.value}})
        for sent, tier in zip(conversations(1, NOVA), tiers, strict=False)
    ]
    log = write_log(tmp_path / "log.jsonl", asked, attached_usd(asked, catalog)[0])
    policy, question = Everywhere(), ReplayQuestion(("planner",), ON)
    everywhere = {"planner": lambda stages: [policy for _ in stages]}
    tally(read_trace(str(log)).trace, question, catalog, behaviour_of(catalog.switches), everywhere)
    assert tuple(policy.tiers) == tiers
