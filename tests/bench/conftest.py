"""A small workload of our own, the local endpoint, and a bench of the two."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from rockbottom.bench import Bench, LocalEndpoint, prepare, read_workload
from rockbottom.local import running

SMALL = """\
name: Small
system: |
  {rules}
conversations:
  - turns:
      - user: What does the Basic plan cost?
        answer: It costs 12 euros a month.
      - user: And the Large one?
        answer: It costs 48 euros a month, with four seats.
      - user: Can I change at any time?
        answer: Yes, at the end of each month.
models: [amazon.nova-pro-v1:0]
lanes: [baseline, cached, cached-1h, cached-tail]
seconds_between_turns: 20
"""
_ACCOUNTS = count(1000, 1000)
RULES = " ".join(f"Rule {number}: plans above number {number} cost more and seats cost extra." for number in range(120))


@pytest.fixture(scope="session")
def endpoint_url():
    """The URL of one local endpoint for all tests."""
    with running(whole_texts=False) as server:
        yield server.url


@pytest.fixture
def small() -> str:
    """The text of a workload whose prefix clears every minimum."""
    return SMALL.format(rules=RULES)


@pytest.fixture
def bench_of(endpoint_url, tmp_path) -> Callable[..., Bench]:
    """Prepares a bench of a workload's text against the local endpoint, in accounts that no other test uses."""

    def prepared(text: str, **options: Any) -> Bench:
        file = tmp_path / "small.yaml"
        file.write_text(text, encoding="utf-8")
        place = LocalEndpoint(endpoint_url, first_account=next(_ACCOUNTS))
        options.setdefault("runs", tmp_path / "runs")
        return prepare(file, place, **options)

    return prepared


@pytest.fixture
def workload(small):
    """The small workload, read."""
    return read_workload(small)
