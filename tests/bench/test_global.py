"""The lane through the global profile: its lower price, and the misses that moving between Regions adds."""

import json
from datetime import date
from decimal import Decimal as D
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from msgspec import to_builtins

from rockbottom.bench import LocalEndpoint, prepare
from rockbottom.local import running

WORKLOAD = Path(__file__).resolve().parents[2] / "examples" / "support-agent.yaml"
ON = date(2026, 11, 21)


def _lanes(url, tmp_path, model="us.sonnet-4-5"):
    bench = prepare(WORKLOAD, LocalEndpoint(url), models=[model], lanes=["cached", "global"], runs=tmp_path, on=ON)
    bench.run()
    (found,) = to_builtins(bench.document())["models"]
    return {lane["name"]: lane for lane in found["lanes"]}


@pytest.fixture
def url():
    with running() as server:
        yield server.url


def _route(url, policy):
    asked = Request(f"{url}/_rockbottom/routing", json.dumps({"policy": policy}).encode(), method="PUT")
    urlopen(asked).close()


def test_the_same_tokens_cost_an_eleventh_less(url, tmp_path):
    """3.30 against 3.00, and every other price of the model in the same proportion."""
    lanes = _lanes(url, tmp_path)
    assert D(lanes["global"]["cost"]["run"]) * D("1.1") == D(lanes["cached"]["cost"]["run"])
    assert (lanes["cached"]["scope"], lanes["global"]["scope"]) == ("us", "global")


def test_moving_between_regions_adds_writes(url, tmp_path):
    """Four Regions in turn, five questions: four writes and one read, where a pinned profile has one and four."""
    _route(url, "round_robin")
    moved = _lanes(url, tmp_path / "moved")["global"]["usage"]
    _route(url, "pinned")
    stayed = _lanes(url, tmp_path / "stayed")["global"]["usage"]
    assert moved["write"] == 4 * stayed["write"]
    assert stayed["read"] == 4 * moved["read"]


@pytest.mark.parametrize(
    ("model", "why"), [("nova-pro", "no global profile of Nova Pro is known"), ("global.sonnet-4-5", "is that of the")]
)
def test_a_model_without_another_profile_says_so(url, tmp_path, model, why):
    """In the lane's own row."""
    assert why in _lanes(url, tmp_path, model)["global"]["why"]
