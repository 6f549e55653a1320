"""The planner's bill in a replay is the bill that it reaches when it is attached to the same traffic."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Catalog, Tier, load_catalog
from rockbottom.cli.replay_planner import PlannerPolicy
from rockbottom.cost import bill
from rockbottom.dialects import Reader
from rockbottom.plan import Planner
from rockbottom.prompt import Api
from rockbottom.replay import Question, Rates, Stage, placed_online, tally
from rockbottom.trace import read_trace

ON = date(2026, 11, 1)
START = datetime(2026, 11, 1, 9, tzinfo=UTC).timestamp()
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def documents_with_questions():
    """Twelve documents of some 3,000 tokens, sixteen questions on each, one user message of two blocks a request."""
    for document in range(12):
        text = " ".join(f"Clause {clause} of contract {document} binds both parties." for clause in range(270))
        for question in range(16):
            ask = f"Question {question} on contract {document}: " + "what follows from it? " * 4
            at = START + 900 * document + 40 * question
            yield at, {"messages": [{"role": "user", "content": [{"text": text}, {"text": ask}]}]}


def conversations():
    """Agents whose prompts grow message by message, without a system text, a minute between two turns."""
    for agent in range(6):
        messages = [{"role": "user", "content": [{"text": f"Agent {agent}: " + "mend the build. " * 300}]}]
        for turn in range(20):
            yield START + 1500 * agent + 60 * turn, {"messages": list(messages)}
            messages.append({"role": "assistant", "content": [{"text": f"Step {turn}. " + "I look at it. " * 20}]})
            messages.append({"role": "user", "content": [{"text": f"Output {turn}: " + "line of output " * 120}]})


def attached_usd(requests, catalog: Catalog) -> tuple[list[int], Decimal]:
    """Each request planned, applied and served by the rules, the planner told what came of it: input tokens, bill."""
    model, behaviour = catalog.model(SONNET), behaviour_of(catalog.switches)
    rules, reader, planner = catalog.rules(model, ON), Reader.of(catalog), Planner(own_points="replace")
    state, space, spent, counts = PrefixCache(), Namespace("", "", model.model.id), Decimal(0), []
    for at, body in requests:
        request = {"modelId": SONNET, **body}
        plan = planner.plan(request, now=at)
        prompt = reader.read(plan.apply(request), Api.CONVERSE, model.model)
        state, result = step(state, prompt, at, rules, behaviour, space, at)
        planner.observe(plan, result.usage(), now=at)
        counts.append(prompt.tokens)
        spent += bill(result.usage(), model, Tier.DEFAULT, ON, catalog.price_book).input_usd
    return counts, spent


def logged(at: float, body: object, tokens: int, number: int) -> str:
    """The request as a record of a model invocation log."""
    return json.dumps({
        "schemaType": "ModelInvocationLog", "timestamp": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "requestId": f"r{number}", "operation": "Converse", "modelId": SONNET, "region": "us-east-1",
        "input": {"inputBodyJson": body, "inputTokenCount": tokens}, "output": {"outputTokenCount": 0},
    })  # fmt: skip


@pytest.mark.parametrize("traffic", [documents_with_questions, conversations])
def test_a_replay_of_the_log_gives_the_bill_of_the_attached_planner(traffic, tmp_path: Path, catalog: Catalog) -> None:
    """Within three percent: the log has the service's token counts, the planner estimated them."""
    requests = list(traffic())
    counts, spent = attached_usd(requests, catalog)
    lines = [logged(at, body, tokens, n) for n, ((at, body), tokens) in enumerate(zip(requests, counts, strict=True))]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    trace, question = read_trace(str(tmp_path / "log.jsonl")).trace, Question(("planner",), ON)
    found = tally(trace, question, catalog, behaviour_of(catalog.switches), {"planner": PlannerPolicy})
    replayed = found.models[0].bills["planner"].cost.input_usd
    assert abs(replayed - spent) <= spent * Decimal("0.03")
    assert replayed < found.models[0].bills["none"].cost.input_usd / 2


class Everywhere:
    """A policy that marks the end of every segment, four at most, and notes how long prompts are in segments."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def choose(self, prompt, now: float):
        self.lengths.append(len(prompt.segments))
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
    placed = placed_online(stage, policy)
    assert policy.lengths == [4, 3]
    assert placed.after.tolist() == [16, 20, 32, 40, 16, 20, 30]
