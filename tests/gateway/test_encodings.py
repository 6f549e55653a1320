"""Compressed bodies: a reply is counted where it can be read and goes on as it came; a request is read as it is."""

import gzip
import json

import httpx
import pytest

from rockbottom.gateway import running_gateway
from tests.gateway.conftest import MODEL, OK, asking, configured, records, scripted

BODY = json.dumps({name: value for name, value in asking().items() if name != "modelId"}).encode()
PATH = f"/model/{MODEL}/converse"


@pytest.fixture
def headers(key, table):
    return {"authorization": f"Bearer {key.id}.{table.secret(key)}", "content-type": "application/json"}


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("br, zstd, gzip;q=0.5, deflate", "gzip;q=0.5, deflate"),
        ("br", "identity"),
        ("*", "identity"),
        ("gzip, deflate", "gzip, deflate"),
    ],
)
def test_the_service_is_asked_for_what_can_be_read(headers, tmp_path, accepted, sent):
    with scripted() as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        httpx.post(gateway.url + PATH, content=BODY, headers={**headers, "accept-encoding": accepted})
    assert service.seen[0].headers["accept-encoding"] == sent


def test_a_gzipped_reply_is_counted_and_goes_on_as_it_came(headers, tmp_path):
    packed = gzip.compress(OK[1])
    with (
        scripted([(200, packed)], content_encoding="gzip") as service,
        running_gateway(configured(service.url, tmp_path)) as gateway,
    ):
        with httpx.stream("POST", gateway.url + PATH, content=BODY, headers=headers) as reply:
            raw = b"".join(reply.iter_raw())
        record = records(gateway, tmp_path)[0]
    assert (raw, reply.headers["content-encoding"]) == (packed, "gzip")
    assert (record["input"], record["output"]) == (9, 1)


def test_a_reply_that_cannot_be_read_goes_on_as_it_came_and_is_named(headers, tmp_path):
    """The service answered in an encoding that it was not asked for."""
    with (
        scripted([(200, b"\x0b\x02\x80brotli")], content_encoding="br") as service,
        running_gateway(configured(service.url, tmp_path)) as gateway,
    ):
        with httpx.stream("POST", gateway.url + PATH, content=BODY, headers=headers) as reply:
            raw = b"".join(reply.iter_raw())
        record = records(gateway, tmp_path)[0]
        notices = gateway.gateway.reports()[0].notices
    assert (raw, reply.headers["content-encoding"]) == (b"\x0b\x02\x80brotli", "br")
    assert record["status"] == "no usage"
    assert "replies with Content-Encoding br cannot be read, so their tokens are not counted." in notices


def test_a_compressed_request_is_refused_and_goes_nowhere(headers, tmp_path):
    """It could be neither planned nor held to a budget."""
    with scripted() as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        packed = httpx.post(
            gateway.url + PATH, content=gzip.compress(BODY), headers={**headers, "content-encoding": "gzip"}
        )
        assert packed.status_code == 415
        assert "without Content-Encoding" in packed.json()["message"]
    assert service.seen == []
