"""A CloudWatch, an SNS and an STS in this process, and a record of what was sent to them."""

import json
from dataclasses import dataclass, field

import pytest


@dataclass
class Sent:
    """Every request by operation, in order."""

    calls: list[tuple[str, dict]] = field(default_factory=list)

    def of(self, operation):
        return [parameters for name, parameters in self.calls if name == operation]

    @property
    def writes(self):
        reads = ("Describe", "Get", "List")
        return [name for name, _ in self.calls if not name.startswith(reads)]

    def clear(self):
        self.calls.clear()


@pytest.fixture
def sent(monkeypatch):
    """What botocore was asked to send: moto keeps less than that."""
    from botocore.client import BaseClient

    record = Sent()
    real = BaseClient._make_api_call

    def recording(self, operation_name, api_params):
        record.calls.append((operation_name, json.loads(json.dumps(api_params, default=str))))
        return real(self, operation_name, api_params)

    monkeypatch.setattr(BaseClient, "_make_api_call", recording)
    return record


@pytest.fixture
def aws(monkeypatch, sent):
    """moto's AWS in us-east-1 with an account of its own; depends on ``sent`` so that everything is recorded."""
    from moto import mock_aws

    monkeypatch.delenv("ROCKBOTTOM_LEDGER", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/nowhere")

    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield sent
