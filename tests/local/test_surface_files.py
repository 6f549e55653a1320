"""The files of bedrock-mantle: below /v1 and not below /openai/v1 (sample-per-model-bedrock, 2026-07-30)."""

import json

import pytest

BOUNDARY = "xYzZY"
LINES = b'{"a": 1}\r\n{"b": "\xc3\xa4"}\n'


def form(*parts, boundary=BOUNDARY):
    """A multipart body of pairs: a head and its content."""
    framed = [f"--{boundary}\r\ncontent-disposition: {head}\r\n\r\n".encode() + content for head, content in parts]
    return b"\r\n".join([*framed, f"--{boundary}--\r\n".encode()])


def upload(endpoint, kit, *, path="/v1/files", purpose=b"fine-tune", content=LINES):
    body = form(('form-data; name="purpose"', purpose), ('form-data; name="file"; filename="a b.jsonl"', content))
    return kit.http(endpoint, "POST", path, body, {"content-type": f"multipart/form-data; boundary={BOUNDARY}"})


def test_a_file_is_kept_and_given_back_byte_for_byte(endpoint, kit):
    status, told, _ = upload(endpoint, kit)
    assert (status, told["object"], told["bytes"], told["filename"]) == (200, "file", len(LINES), "a b.jsonl")
    assert told["purpose"] == "fine-tune"
    place = f"/v1/files/{told['id']}"
    assert kit.http(endpoint, "GET", place)[1] == told
    assert kit.http(endpoint, "GET", f"{place}/content")[1] == LINES
    assert kit.http(endpoint, "DELETE", place)[1] == {"id": told["id"], "object": "file", "deleted": True}
    assert kit.http(endpoint, "GET", place)[0] == 404


def test_files_are_listed_in_pages_the_newest_first(endpoint, kit):
    names = [upload(endpoint, kit)[1]["id"] for _ in range(3)]
    other = upload(endpoint, kit, purpose=b"evals")[1]["id"]
    first = kit.http(endpoint, "GET", "/v1/files?limit=2&purpose=fine-tune")[1]
    assert ([row["id"] for row in first["data"]], first["has_more"]) == ([names[2], names[1]], True)
    rest = kit.http(endpoint, "GET", f"/v1/files?limit=2&after={first['last_id']}&purpose=fine-tune")[1]
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == ([names[0]], False)
    assert kit.http(endpoint, "GET", "/v1/files?order=asc")[1]["data"][-1]["id"] == other
    assert kit.http(endpoint, "GET", "/v1/files?limit=none")[0] == 400


@pytest.mark.parametrize("path", ["/openai/v1/files", "/bedrock-mantle/openai/v1/files"])
def test_openais_own_path_has_no_files(endpoint, kit, path):
    """ "NOT at /openai/v1/files (404)": the model decides the host where nothing else does, and none is named."""
    assert upload(endpoint, kit, path=path)[0] == 404
    assert kit.http(endpoint, "GET", path)[0] == 404


def test_bedrock_runtime_has_no_files(endpoint, kit):
    """An unknown path there is a 200 with UnknownOperationException (surface case sfc-32)."""
    status, told, _ = upload(endpoint, kit, path="/bedrock-runtime/v1/files")
    assert (status, "UnknownOperationException" in json.dumps(told)) == (200, True)


@pytest.mark.parametrize(("content_type", "body", "said"), [
    ("application/json", b"{}", "multipart/form-data"),
    (f"multipart/form-data; boundary={BOUNDARY}", form(('form-data; name="purpose"', b"fine-tune")), "'file'"),
    (f"multipart/form-data; boundary={BOUNDARY}", form(('form-data; name="file"; filename="a"', b"x")), "'purpose'"),
    ("multipart/form-data", b"", "multipart/form-data"),
])  # fmt: skip
def test_an_upload_that_is_none_is_refused_in_openais_shape(endpoint, kit, content_type, body, said):
    status, told, _ = kit.http(endpoint, "POST", "/v1/files", body, {"content-type": content_type})
    assert (status, said in told["error"]["message"]) == (400, True)
