"""A document of results, filled by a run of a small workload against the local endpoint."""

import pytest

from rockbottom.bench import LocalEndpoint, prepare, read_workload
from rockbottom.documents import BenchResults
from rockbottom.local import running

_RULES = " ".join(f"Rule {number}: plans above number {number} cost more, and seats too." for number in range(120))
_WORKLOAD = f"""\
name: Evil </script><b>&amp; agent
system: "{_RULES}"
conversations:
  - turns:
      - {{user: "<img src=x onerror=alert(1)> what does it cost?", answer: It costs 12 euros a month.}}
      - {{user: "=HYPERLINK(1) and the large one?", answer: "It costs 48 euros a month, with four seats."}}
      - {{user: "Can I change at any time?", answer: "Yes, at the end of each month."}}
models: [us.anthropic.claude-sonnet-5-5, amazon.nova-pro-v1:0]
"""


@pytest.fixture(scope="session")
def document() -> BenchResults:
    """Two models, five lanes, three turns, and texts that try to break out of the page."""
    with running() as server:
        bench = prepare(read_workload(_WORKLOAD), LocalEndpoint(server.url))
        bench.run()
    return bench.document()


@pytest.fixture(scope="session")
def browser(chromium):
    """One Chromium for all tests of pages."""
    from tests.rendering.chromium_page import Browser

    opened = Browser(chromium)
    yield opened
    opened.close()
