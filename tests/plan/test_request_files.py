"""Request files as editors and shells write them, and log records in their place."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rockbottom.cli.plan import command

MODEL = "us.anthropic.claude-sonnet-4-6"
RULES = "Règle de la maison. " * 400
BODY: dict[str, Any] = {"system": [{"text": RULES}], "messages": [{"role": "user", "content": [{"text": "Où ?"}]}]}
NATIVE: dict[str, Any] = {
    "anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "system": RULES,
    "messages": [{"role": "user", "content": "Où ?"}],
}  # fmt: skip


def record(body: dict[str, Any], operation: str) -> dict[str, Any]:
    return {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-10-01T09:00:00Z", "modelId": MODEL,
        "operation": operation, "input": {"inputBodyJson": body, "inputTokenCount": 9}, "output": {},
    }  # fmt: skip


def planned(data: bytes, folder: Path, *more: str) -> str:
    path = folder / "request.json"
    path.write_bytes(data)
    done = CliRunner().invoke(command, [str(path), "--now", "1790000000", *more], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_an_encoding_changes_nothing(tmp_path: Path, encoding: str) -> None:
    """The same plan for the same request, however it was saved."""
    text = json.dumps({**BODY, "modelId": MODEL}, ensure_ascii=False, indent=1)
    plain = planned(json.dumps({**BODY, "modelId": MODEL}).encode(), tmp_path)
    assert planned(text.encode(encoding), tmp_path) == plain


@pytest.mark.parametrize("operation", ["Converse", "InvokeModel"])
def test_a_log_record_is_the_request_in_it(tmp_path: Path, operation: str) -> None:
    """Its model and its body, in the dialect of its operation."""
    body = BODY if operation == "Converse" else NATIVE
    request = {**BODY, "modelId": MODEL} if operation == "Converse" else {"modelId": MODEL, "body": json.dumps(NATIVE)}
    of_record = planned(json.dumps(record(body, operation)).encode("utf-16"), tmp_path)
    assert of_record == planned(json.dumps(request).encode(), tmp_path)
    assert "0 input tokens" not in of_record


def test_a_batch_record_is_the_request_in_it(tmp_path: Path) -> None:
    batch = {"recordId": "1", "modelInput": BODY}
    assert planned(json.dumps(batch).encode(), tmp_path, "--model", MODEL) == planned(
        json.dumps({**BODY, "modelId": MODEL}).encode(), tmp_path
    )


def test_a_record_without_its_body_says_so(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**record(BODY, "Converse"), "input": {"inputBodyS3Path": "s3://logs/data/1"}}))
    done = CliRunner().invoke(command, [str(path)])
    assert (done.exit_code, "holds no request body" in done.stderr) == (2, True)
