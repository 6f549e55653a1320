"""A local endpoint with a clock that stands still, and a client for it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from rockbottom.local import ClockKind, Running, running

os.environ["ROCKBOTTOM_FACTS"] = ""  # nothing that was measured on this machine changes what is expected here
os.environ["ROCKBOTTOM_PRICES"] = ""  # nor what was pulled

from tests.client.client_doubles import runtime


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    # An account whose data retention all models take, so that a refusal is one of the request.
    with running(clock=ClockKind.MANUAL, start_at=1_790_000_000.0, data_retention="aws_review") as one:
        yield one


@pytest.fixture
def endpoint(server: Running) -> Running:
    """The endpoint, forgetful and without faults."""
    server.state.reset()
    server.state.faults.clear()
    return server


@pytest.fixture
def client(endpoint: Running) -> Any:
    """A boto3 client that does not retry."""
    return runtime(endpoint)
