"""Figures that others measured on the recorded sets, and where ours differ, why."""

import gzip
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from math import inf
from pathlib import Path

import pytest

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Price, PriceBook, Tier, load_catalog
from rockbottom.quantities import Source, Unit
from rockbottom.replay import Rates, Stage, relaxed
from rockbottom.replay.policies import bill_of_outcomes
from rockbottom.trace import ReaderSettings, read_trace

ON = date(2026, 11, 1)
MULTIPLES = {Unit.INPUT: "1", Unit.OUTPUT: "5", Unit.CACHE_READ: "0.1", Unit.CACHE_WRITE_5M: "1.25",
             Unit.CACHE_WRITE_1H: "2.0"}  # fmt: skip


@pytest.fixture(scope="module")
def stage_of(recorded_data):
    """Makes a stage of a recorded set at the multiples of the study: read 0.1, write 1.25 and 2.0."""
    catalog = load_catalog()
    model = catalog.model("global.anthropic.claude-opus-4-8")
    source = Source("multiples", "made up", "", ON)
    rows = [
        Price(model.model.id, model.scope, Tier.DEFAULT, unit, Decimal(usd), ON, None, None, 0, False, source, "", "")
        for unit, usd in MULTIPLES.items()
    ]
    rates = Rates(model, Tier.DEFAULT, ON, PriceBook.of(rows))

    def made(name: str, partial_blocks: str) -> Stage:
        trace = read_trace(str(recorded_data / name), ReaderSettings(partial_blocks=partial_blocks)).trace
        return Stage.of(trace, catalog.rules(model, ON), behaviour_of(catalog.switches), rates)

    return made


def test_coding_sessions(stage_of):
    """Reuse (ever, 1 h, 5 min) and relative cost (write all 5m, write all 1h, bound) as stated with the data."""
    stage = stage_of("traces/claude_code_weka_public.jsonl.gz", "keep")
    assert _shares(stage) == pytest.approx((0.964, 0.961, 0.920), abs=0.0006)
    assert _costs(stage) == pytest.approx((0.192, 0.174, 0.158), abs=0.0006)


def test_chat(stage_of):
    """The stated costs of the chat set take the last block of a prompt as 512 tokens though it holds fewer.

    It holds 250 too few on average, 2% of all tokens, which are charged at the write price (in the bound at
    the input price) and never read: with that much on top, our figures are those stated.
    """
    stage = stage_of("traces/mooncake_conversation_public.jsonl.gz", "keep")
    assert _shares(stage) == pytest.approx((0.388, 0.388, 0.302), abs=0.0006)
    blocks, tokens = len(stage.trace.blocks.depth), int(stage.trace.requests.tokens_in.sum(dtype="int64"))
    missing = blocks * 512 / tokens - 1
    short, hour, bound = _costs(stage)
    stated = short + 1.25 * missing, hour + 2.0 * missing, bound + missing
    assert stated == pytest.approx((0.927, 1.302, 0.755), abs=0.0011)


def test_chat_with_full_blocks_only(stage_of):
    """Only full blocks, as in the second measurement stated: .735 for the bound, which ignores the minimum too."""
    stage = stage_of("traces/mooncake_conversation_public.jsonl.gz", "drop")
    assert _costs(stage)[2] == pytest.approx(0.735, abs=0.0006)


def test_the_whole_chat_log(stage_of, recorded_data):
    """37.4% of all tokens repeat with no expiry, 29.3% within a sliding five minutes: the log as published."""
    name = "traces/conversation_trace.jsonl"
    if not (recorded_data / name).exists():
        pytest.skip(f"the whole log is not in ROCKBOTTOM_DATA: {name}, from kvcache-ai/Mooncake, FAST25-release/traces")
    stage = stage_of(name, "keep")
    shares = _shares(stage)
    assert (shares[0], shares[2]) == pytest.approx((0.374, 0.293), abs=0.0006)


# The stated reuse of the text sets was measured on slices of 256 characters of the whole prompt in one piece; ours is
# of content blocks, because that is what Bedrock keeps: a cachePoint stands at the end of one. Where two prompts part
# inside a slice, the whole slice counts as new, half a slice and more for each request: so slices repeat less, most of
# all where requests are short (the support desk). Tokens are estimated differently too: theirs are a quarter of the
# characters, ours weigh text, JSON and tool definitions as the tokenizer was measured to. On the coding demonstrations
# that is the larger difference (tool names only, long logs), and ours is the smaller figure. Both are asserted here.
SETS = [
    ("conversations/tau_airline_public.jsonl.gz", 0.960, 0.966),
    ("conversations/livemcp_public.jsonl.gz", 0.825, 0.835),
    ("conversations/miniswe_public.jsonl.gz", 0.932, 0.936),
    ("conversations/swe_agent_demos.jsonl.gz", 0.863, 0.861),
]


@pytest.mark.parametrize(("name", "stated", "ours"), SETS)
def test_text_sets(stage_of, recorded_data, name, stated, ours):
    """In slices the stated figure, in content blocks ours."""
    assert _reuse_of_slices(recorded_data / name) == pytest.approx(stated, abs=0.0006)
    assert _shares(stage_of(name, "keep"))[0] == pytest.approx(ours, abs=0.0006)


def test_questions_on_contracts(stage_of):
    """Of 41 questions on a contract 40 repeat it: .976, the stated figure, without the question's own tokens.

    A question is four thousandths of a prompt and new every time, the instructions are shared: .972 of all.
    """
    assert pytest.approx(0.976, abs=0.0006) == 40 / 41
    assert _shares(stage_of("docqa/cuad_public.jsonl.gz", "keep"))[0] == pytest.approx(0.972, abs=0.0006)


@pytest.mark.slow
def test_the_support_desk(stage_of, recorded_data):
    """Reuse stated on slices: .962 / .961 / .952; on content blocks ours. Costs stated: .152 / .161 / .143.

    The stated costs follow from the stated reuse where the last slice of a prompt, which is not full, is neither
    written nor read: 1.3% of all tokens at the input price. In content blocks more is read and less written.
    """
    name = "conversations/star_public.jsonl.gz"
    assert _reuse_of_slices(recorded_data / name) == pytest.approx(0.962, abs=0.0006)
    lengths = [len(text) for text in _prompts(recorded_data / name)]
    rest = sum(length % 256 for length in lengths) / sum(lengths)
    stated = [0.1 * read + write * (1 - read - rest) + rest for read, write in ((0.952, 1.25), (0.961, 2.0))]
    assert stated == pytest.approx((0.152, 0.161), abs=0.0011)
    stage = stage_of(name, "keep")
    assert _shares(stage) == pytest.approx((0.980, 0.9785, 0.969), abs=0.0006)
    assert _costs(stage) == pytest.approx((0.136, 0.141, 0.126), abs=0.0006)


def _reuse_of_slices(path: Path, size: int = 256) -> float:
    """The share of characters in slices that repeat a leading run of slices of an earlier prompt."""
    seen: set[bytes] = set()
    repeated = total = 0
    for text in _prompts(path):
        total += len(text)
        state = b""
        for start in range(0, len(text), size):
            part = text[start : start + size]
            state = blake2b(state + part.encode(), digest_size=16).digest()
            repeated += len(part) if state in seen else 0
            seen.add(state)
    return repeated / total


def _prompts(path: Path) -> Iterator[str]:
    """Every request of conversations as one text: tools, system, the messages before each assistant turn."""
    prefixes: dict[str, str] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["kind"] == "prefix":
                tools = [_spelled(tool) for tool in record["tools"] or ()]
                prefixes[record["prefix_id"]] = "".join([*tools, *(block["text"] for block in record["system"])])
                continue
            so_far = prefixes[record["prefix_id"]]
            for message in record["messages"]:
                if message["role"] == "assistant":
                    yield so_far
                for block in message["content"]:
                    so_far += f"{message['role']}:{block['text'] if 'text' in block else _spelled(block)}"


def _spelled(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _blocks(stage: Stage) -> Iterator[tuple[int, float]]:
    """The tokens of every block that was sent, and the seconds since its prefix was last sent: inf where never."""
    trace, used_at = stage.trace, dict[int, float]()
    offsets, nodes, depths = trace.block_offsets.tolist(), stage.nodes.of_block.tolist(), trace.blocks.depth.tolist()
    for number, at in enumerate(trace.requests.at.tolist()):
        before = 0
        for row in range(offsets[number], offsets[number + 1]):
            yield depths[row] - before, at - used_at.get(nodes[row], -inf)
            before, used_at[nodes[row]] = depths[row], at


def _shares(stage: Stage) -> list[float]:
    """The shares of all tokens that repeat an earlier prefix: ever, within an hour, within five minutes."""
    repeated = [0, 0, 0]
    for tokens, gap_s in _blocks(stage):
        for number, lifetime_s in enumerate((inf, 3600, 300)):
            repeated[number] += tokens if gap_s < lifetime_s else 0
    return [tokens / _tokens(stage) for tokens in repeated]


def _costs(stage: Stage) -> list[float]:
    """The bill as a multiple of the input price: every block written for 5 min where it is not live, for 1 h, bound."""
    bound, costs = bill_of_outcomes(stage, "bound", relaxed(stage, free_hours=False)), list[float]()
    for lifetime_s, write in ((300, 1.25), (3600, 2.0)):
        blocks = [(tokens, 0.1 if gap_s < lifetime_s else write) for tokens, gap_s in _blocks(stage)]
        bare = _tokens(stage) - sum(tokens for tokens, _ in blocks)
        costs.append((sum(tokens * price for tokens, price in blocks) + bare) / _tokens(stage))
    return [*costs, float(bound.cost.input_usd / (Decimal(bound.usage.total_input) / 1_000_000))]


def _tokens(stage: Stage) -> int:
    return int(stage.trace.requests.tokens_in.sum(dtype="int64"))
