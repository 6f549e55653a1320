"""Real clients through the gateway: planned, relayed as they come, booked; and what is refused, in whose words."""

import http.client
import ipaddress
import json
import logging
import re
import ssl
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rockbottom.gateway import BadConfiguration, BudgetRow, GatewayLimits, Tls, key_secret, new_key, running_gateway
from rockbottom.gateway.errors import Refused
from rockbottom.gateway.identities import Identities
from rockbottom.gateway.sigv4 import Signed
from tests.gateway.conftest import MODEL, OK, RULES, asking, client_of, configured, records, scripted


def test_a_second_question_reads_what_the_first_wrote(client, tmp_path, gateway):
    """Converse, whole and streamed: one write, then reads; each call is in the ledger with the key's tags."""
    first, second = client.converse(**asking())["usage"], client.converse(**asking())["usage"]
    assert first["cacheWriteInputTokens"] > 1024
    assert second["cacheReadInputTokens"] >= first["cacheWriteInputTokens"]
    events = list(client.converse_stream(**asking())["stream"])
    assert events[-1]["metadata"]["usage"]["cacheReadInputTokens"] >= first["cacheWriteInputTokens"]
    written = records(gateway, tmp_path, 3)
    assert gateway.gateway.reports()[0].total.calls == 3
    assert [record["tags"] for record in written] == [{"team": "search"}] * 3
    assert [record["operation"] for record in written] == ["Converse", "Converse", "ConverseStream"]


def test_a_call_is_counted_before_its_caller_has_the_whole_reply(table, key, tmp_path):
    """Thirty calls, each looked up the moment it returns: a stop budget sees what the call before it spent."""
    with scripted([OK]) as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        asked = client_of(gateway, key.id, table.secret(key))
        counted = [(asked.converse(**asking()), gateway.gateway.reports()[0].total.calls)[1] for _ in range(30)]
    assert counted == list(range(1, 31))


def test_native_bodies_of_anthropic_are_planned(client):
    """InvokeModel, whole and streamed."""
    body = json.dumps(
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 20,
            "system": [{"type": "text", "text": RULES}],
            "messages": [{"role": "user", "content": "What does Basic cost?"}],
        }
    )
    told = json.loads(client.invoke_model(modelId=MODEL, body=body)["body"].read())
    assert told["usage"]["cache_creation_input_tokens"] > 1024
    pieces = list(client.invoke_model_with_response_stream(modelId=MODEL, body=body)["body"])
    start = json.loads(pieces[0]["chunk"]["bytes"])
    assert start["message"]["usage"]["cache_read_input_tokens"] >= told["usage"]["cache_creation_input_tokens"]


def test_what_is_not_planned_travels_byte_for_byte(table, key, tmp_path):
    """A short prompt is not worth a point: spaces, order and escapes are those that came."""
    body = b'{ "messages" : [ {"role":"user","content":[{"text":"caf\\u00e9"}]} ] }'
    with scripted() as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        post(gateway, table, key, body)
    assert service.seen[0].body == body


def test_of_a_planned_body_only_the_point_is_new(table, key, tmp_path):
    """The rest are the bytes that came; headers of the caller's go on, his key and signature do not."""
    body = json.dumps({name: value for name, value in asking().items() if name != "modelId"}, indent=1).encode()
    headers = {"x-api-key": f"{key.id}.{table.secret(key)}", "anthropic-beta": "one,two", "connection": "close, x-own"}
    with scripted() as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc)
        connection.request("POST", f"/model/{MODEL}/converse", body, {**headers, "x-own": "1", "cookie": "a=b"})
        assert connection.getresponse().status == 200
    seen = service.seen[0]
    assert len(seen.body) > len(body)
    assert re.sub(rb',\{"cachePoint":\{"type":"default"(,"ttl":"..")?\}\}', b"", seen.body) == body
    assert seen.headers["anthropic-beta"] == "one,two"
    assert not {"x-api-key", "cookie", "x-own"} & seen.headers.keys()
    assert "Credential=AKIDGATEWAY/" in seen.headers["authorization"]


def test_an_arn_with_slashes_keeps_its_path(client, endpoint):
    """The path goes on percent-encoded as it came."""
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{MODEL}"
    assert client.converse(**{**asking(), "modelId": arn})["usage"]["cacheWriteInputTokens"] > 1024


def test_count_tokens_passes(client):
    """It is carried and not planned."""
    told = client.count_tokens(
        modelId="anthropic.claude-haiku-4-5-20251001-v1:0", input={"converse": {"messages": asking()["messages"]}}
    )
    assert told["inputTokens"] > 0


def test_errors_of_the_service_come_as_they_are(client):
    """With its status and its words."""
    with pytest.raises(ClientError) as caught:
        client.converse(**{**asking(), "modelId": "nobody.knows"})
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("identity", "secret", "code"),
    [("key", "wrong", "InvalidSignatureException"), ("RBKNOBODY", "wrong", "UnrecognizedClientException")],
)
def test_who_has_no_key_is_refused(gateway, key, identity, secret, code):
    """In the words of AWS, so that SDKs say what they say of AWS."""
    with pytest.raises(ClientError) as caught:
        client_of(gateway, key.id if identity == "key" else identity, secret).converse(**asking())
    assert caught.value.response["Error"]["Code"] == code


def test_an_old_signature_is_refused(endpoint, key, table, tmp_path):
    """More than five minutes from now, to both sides."""
    signed, now = signed_request(key.id, table.secret(key))
    for away, refused in ((0, False), (299, False), (301, True), (-301, True)):
        identities = Identities(table, clock=lambda away=away: now + away)
        if refused:
            with pytest.raises(Refused, match="Signature expired"):
                identities.caller(signed)
        else:
            assert identities.caller(signed) == key


@pytest.mark.parametrize("change", ["body", "path", "query", "header", "method"])
def test_a_signature_is_of_one_request(key, table, change):
    """Nothing of it may be another."""
    signed, now = signed_request(key.id, table.secret(key))
    other = {
        "body": replace(signed, body=b"{}"),
        "path": replace(signed, path="/model/other/converse"),
        "query": replace(signed, query="a=1"),
        "header": replace(signed, headers={**signed.headers, "content-type": "text/plain"}),
        "method": replace(signed, method="GET"),
    }[change]
    with pytest.raises(Refused, match="does not match"):
        Identities(table, clock=lambda: now).caller(other)


def test_a_bearer_token_and_an_api_key_are_the_same_key(gateway, table, key):
    """Clients of Anthropic's and OpenAI's SDKs have one string."""
    token = f"{key.id}.{table.secret(key)}"
    for header in ({"authorization": f"Bearer {token}"}, {"x-api-key": token}):
        assert post(gateway, table, key, plain_body(), headers=header)["stopReason"]
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(gateway, table, key, plain_body(), headers={"x-api-key": f"{key.id}.no"})
    assert caught.value.code == 403


def test_a_key_calls_its_models_and_so_often(endpoint, table, tmp_path):
    """403 and 429, with how long to wait."""
    key = new_key("narrow", 0.0, models=("us.anthropic.claude-haiku",), per_minute=1)
    table.put(key)
    with running_gateway(configured(endpoint.url, tmp_path)) as gateway:
        client = client_of(gateway, key.id, table.secret(key))
        with pytest.raises(ClientError, match="may not call") as caught:
            client.converse(**asking())
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        haiku = {**asking(), "modelId": "us.anthropic.claude-haiku-4-5-20251001-v1:0"}
        client.converse(**haiku)
        with pytest.raises(ClientError, match="its limit is 1") as caught:
            client.converse(**haiku)
    assert 1 <= int(caught.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) <= 60


def test_a_spent_budget_stops_calls(endpoint, table, key, tmp_path):
    """429 with the reason; nothing reaches the service."""
    budgets = [BudgetRow("0.02", "day")]
    configuration = configured(endpoint.url, tmp_path, budgets=budgets)
    with running_gateway(configuration) as gateway:
        client = client_of(gateway, key.id, table.secret(key))
        client.converse(**asking(RULES))
        with pytest.raises(ClientError) as caught:
            for _ in range(5):
                client.converse(**asking(RULES))
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert gateway.gateway.reports()[0].total.calls < 5


def test_points_that_the_service_refuses_are_sent_once_more_without(table, key, tmp_path):
    """One resend of the bytes that came; the caller sees the good reply."""
    body = json.dumps({name: value for name, value in asking().items() if name != "modelId"}).encode()
    refusal = json.dumps({"message": "You invoked an unsupported model or your request did not allow prompt caching"})
    with (
        scripted([(400, refusal.replace("prompt caching", "cachePoint").encode()), OK]) as service,
        running_gateway(configured(service.url, tmp_path)) as gateway,
    ):
        assert post(gateway, table, key, body)["stopReason"] == "end_turn"
        assert [seen.body == body for seen in service.seen] == [False, True]


def test_a_throttled_call_is_sent_once(table, key, tmp_path):
    """Trying again is the caller's; the reply is the service's."""
    with (
        scripted([(429, b'{"message":"slow down"}')]) as service,
        running_gateway(configured(service.url, tmp_path)) as gateway,
        pytest.raises(urllib.error.HTTPError) as caught,
    ):
        post(gateway, table, key, plain_body())
    assert (caught.value.code, json.loads(caught.value.read())) == (429, {"message": "slow down"})
    assert len(service.seen) == 1


def test_a_path_that_is_not_carried_is_404(gateway):
    """The gateway is no open proxy."""
    for path in ("/", "/admin", "/model/x/other", "/model//converse/../../x", "/_rockbottom/reset"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(gateway.url + path, data=b"{}", method="POST"))
        assert caught.value.code == 404


def test_a_body_over_the_limit_is_413(endpoint, table, key, tmp_path):
    """Told by its length, before it is read."""
    configuration = configured(endpoint.url, tmp_path, limits=GatewayLimits(body_mb=0.001))
    with running_gateway(configuration) as gateway, pytest.raises(urllib.error.HTTPError) as caught:
        post(gateway, table, key, b"{" + b" " * 2000 + b"}")
    assert caught.value.code == 413


def test_a_gateway_without_keys_is_open_on_loopback_and_closed_to_pages(endpoint, tmp_path):
    """As the how-to begins: any credentials, or none; a page of another site is refused."""
    with running_gateway(configured(endpoint.url, tmp_path, keys=None)) as gateway:
        assert client_of(gateway, "any", "any").converse(**asking())["stopReason"]
        assert post(gateway, None, None, plain_body(), headers={"x-own": "1"})["stopReason"]
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(gateway, None, None, plain_body(), headers={"origin": "https://elsewhere.example"})
    assert caught.value.code == 403


def test_callers_may_speak_http_2(gateway, table, key, tmp_path):
    """In cleartext with prior knowledge; a page of headers that is signed as ``:authority`` is the host's."""
    token = {"authorization": f"Bearer {key.id}.{table.secret(key)}"}
    with httpx.Client(base_url=gateway.url, http1=False, http2=True, timeout=20, headers=token) as spoken:
        reply = spoken.post(f"/model/{MODEL}/converse", content=json.dumps(_body(asking())))
        assert (reply.http_version, reply.status_code) == ("HTTP/2", 200)
        assert reply.json()["usage"]["cacheWriteInputTokens"] > 1024
        events = spoken.post(f"/model/{MODEL}/converse-stream", content=json.dumps(_body(asking())))
        assert events.headers["content-type"] == "application/vnd.amazon.eventstream"
        refused = spoken.post(f"/model/{MODEL}/converse", content=b"{}", headers={"authorization": "Bearer no"})
        assert refused.status_code == 403
    signed, now = signed_request(key.id, table.secret(key), host=":authority")
    assert Identities(table, clock=lambda: now).caller(signed) == key


def test_tls_by_file_with_either_protocol(endpoint, tmp_path, key, table):
    """A certificate and its key in PEM; files that are none are an error of the configuration."""
    chain, secret = certificate(tmp_path)
    tls = Tls(certificate=chain.name, key=secret.name)
    with running_gateway(configured(endpoint.url, tmp_path, tls=tls)) as gateway:
        assert gateway.url.startswith("https://")
        for http2 in (False, True):
            context = ssl.create_default_context(cafile=chain)
            with httpx.Client(http1=not http2, http2=http2, verify=context) as spoken:
                reply = spoken.get(f"{gateway.url}/health")
            assert (reply.text, reply.http_version) == ("alive\n", "HTTP/2" if http2 else "HTTP/1.1")
    no_pair = configured(endpoint.url, tmp_path, tls=Tls(certificate="keys.json", key="keys.json"))
    with pytest.raises(BadConfiguration, match="not a certificate"), running_gateway(no_pair):
        pass


def certificate(folder):
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "gateway.pem").write_bytes(made.public_bytes(pem))
    (folder / "gateway.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "gateway.pem", folder / "gateway.key"


def test_health_and_readiness(gateway):
    """Two things: alive, and willing."""
    for path, text in (("/health", b"alive\n"), ("/ready", b"ready\n")):
        assert urllib.request.urlopen(gateway.url + path).read() == text


def _body(arguments):
    return {name: value for name, value in arguments.items() if name != "modelId"}


def plain_body():
    return json.dumps({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}).encode()


def post(gateway, table, key, body, headers=None):
    """One Converse call as bytes, with a bearer token unless told otherwise."""
    given = headers or {"authorization": f"Bearer {key.id}.{table.secret(key)}"}
    request = urllib.request.Request(
        f"{gateway.url}/model/{MODEL}/converse", data=body, headers={"content-type": "application/json", **given}
    )
    return json.loads(urllib.request.urlopen(request).read())


def signed_request(identity, secret, host="host"):
    """A request that botocore signed, as the gateway takes it, and the instant of its signature."""
    url = "http://127.0.0.1:8787/model/us.anthropic.claude-sonnet-4-6%3A0/converse"
    named = {"content-type": "application/json"} | ({host: "127.0.0.1:8787"} if host != "host" else {})
    request = AWSRequest("POST", url, headers=named, data=plain_body())
    SigV4Auth(Credentials(identity, secret), "bedrock", "us-east-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1:8787"}
    stamp = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    return Signed("POST", urlsplit(url).path, "", headers, plain_body()), stamp


def test_nothing_secret_is_logged(key, table, tmp_path, caplog, monkeypatch):
    """At the finest level, of calls that go well, are refused, fail upstream and find no credentials."""
    caplog.set_level(logging.DEBUG, logger="rockbottom")
    token = f"{key.id}.{table.secret(key)}"
    secrets = [table.secret(key), key_secret(tmp_path / "keys.json", {}).decode(), RULES[:40], "secret-of-aws"]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-aws")
    body = {name: value for name, value in asking().items() if name != "modelId"}
    with scripted([OK, (500, b"{}")]) as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        path = f"{gateway.url}/model/{MODEL}/converse"
        callers = [{"x-api-key": one} for one in (token, token, token + "x")]
        told = [httpx.post(path, json=body, headers=caller).status_code for caller in callers]
    with running_gateway(configured("http://127.0.0.1:9", tmp_path)) as gateway:
        path = f"{gateway.url}/model/{MODEL}/converse"
        told.append(httpx.post(path, json=body, headers=callers[0]).status_code)
    assert told == [200, 500, 403, 502]
    assert not [one for one in secrets if one in caplog.text]
