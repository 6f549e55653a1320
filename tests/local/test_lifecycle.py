"""The local endpoint serves the models that AWS served at its clock, and lists them as AWS does."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rockbottom.local import ClockKind, Running, running

KEYS = {"aws_access_key_id": "AKIDEXAMPLE000000000", "aws_secret_access_key": "local", "region_name": "us-east-1"}
PREMIER = "amazon.nova-premier-v1:0"  # legacy from 2026-03-13, gone from 2026-09-14


@pytest.fixture
def endpoint() -> Iterator[Running]:
    with running(clock=ClockKind.MANUAL, start_at=at(2026, 9, 14)) as one:
        yield one


def at(*day: int) -> float:
    return datetime(*day, tzinfo=UTC).timestamp()  # type: ignore[arg-type]


def client(endpoint: Running, service: str) -> Any:
    return boto3.client(service, endpoint_url=endpoint.url, config=Config(retries={"total_max_attempts": 1}), **KEYS)


def ask(endpoint: Running, model: str) -> None:
    client(endpoint, "bedrock-runtime").converse(
        modelId=model, messages=[{"role": "user", "content": [{"text": "Hello?"}]}]
    )


def test_a_model_past_its_end_is_refused_and_a_clock_set_back_serves_it(endpoint: Running) -> None:
    """On its last day Nova Premier answers; on the next it is not found, and not listed."""
    with pytest.raises(ClientError, match="reached the end of its life") as refused:
        ask(endpoint, PREMIER)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    control = client(endpoint, "bedrock")
    assert PREMIER not in {row["modelId"] for row in control.list_foundation_models()["modelSummaries"]}
    endpoint.state.clock.set_to(at(2026, 9, 13))
    ask(endpoint, PREMIER)


def test_models_are_listed_with_their_lifecycle(endpoint: Running) -> None:
    """Status and instants as GetFoundationModel has them: Nova Premier is active, then legacy."""
    control = client(endpoint, "bedrock")
    for day, status in (((2026, 3, 12), "ACTIVE"), ((2026, 3, 13), "LEGACY")):
        endpoint.state.clock.set_to(at(*day))
        found = control.get_foundation_model(modelIdentifier=PREMIER)["modelDetails"]["modelLifecycle"]
        assert found["status"] == status
        assert found["endOfLifeTime"] == datetime(2026, 9, 14, tzinfo=UTC)
        assert found["legacyTime"] == datetime(2026, 3, 13, tzinfo=UTC)


def test_bare_ids_of_models_that_are_reached_by_profiles_are_refused(endpoint: Running) -> None:
    """Haiku 4.5 has no on-demand throughput by its bare id; its us. profile answers."""
    with pytest.raises(ClientError, match="with on-demand throughput isn"):
        ask(endpoint, "anthropic.claude-haiku-4-5-20251001-v1:0")
    ask(endpoint, "us.anthropic.claude-haiku-4-5-20251001-v1:0")
    [row] = [
        row
        for row in client(endpoint, "bedrock").list_foundation_models()["modelSummaries"]
        if row["modelId"] == "anthropic.claude-haiku-4-5-20251001-v1:0"
    ]
    assert row["inferenceTypesSupported"] == ["INFERENCE_PROFILE"]
