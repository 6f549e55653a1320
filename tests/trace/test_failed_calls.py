"""Calls that failed cost nothing, also where the service says so in a reply of status 200."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.trace import Damages, invocations_of, read_trace

UNKNOWN = {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}
FAILED = {"object": "response", "status": "failed", "error": {"code": "server_error", "message": "x"}, "usage": None}
COUNTED = {"object": "response", "status": "completed", "error": None, "usage": {"input_tokens": 7, "output_tokens": 2}}
CUT = {"object": "response", "status": "incomplete", "error": None, "usage": None}


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (UNKNOWN, True),
        (FAILED, True),
        ([{"type": "response.created"}, {"type": "response.failed", "response": FAILED}], True),
        ([{"type": "message_start"}, {"type": "error", "error": {"type": "overloaded_error"}}], True),
        (COUNTED, False),
        ([{"type": "response.completed", "response": COUNTED}], False),
        (CUT, False),
        ([{"choices": [{"delta": {"content": "a"}}], "usage": None}], False),
    ],
)
def test_a_failure_inside_of_status_200_is_no_paid_call(reply: Any, failed: bool, tmp_path: Path) -> None:
    """A reply without usage that does not say that it failed may have been paid: it stays among the requests."""
    record = {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-11-01T10:00:00Z", "requestId": "1",
        "operation": "Responses", "modelId": "us.openai.gpt-5.6-sol",
        "input": {"inputBodyJson": {"model": "us.openai.gpt-5.6-sol", "input": "Hello"}},
        "output": {"outputBodyJson": reply},
    }  # fmt: skip
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(record) + "\n")
    reading, damages = read_trace(str(log)), Damages()
    assert (len(reading.trace), reading.damages.failed) == (not failed, failed)
    assert (len(list(invocations_of(str(log), damages))), damages.failed) == (not failed, failed)
