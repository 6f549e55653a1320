"""The ledgers of gateways on their way to S3: beside the calls, from several at once, over a kill, past a dead S3."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from rockbottom.cli import main
from rockbottom.gateway import Ship, key_secret, least_policy, new_key, running_gateway
from rockbottom.gateway import shipping as shipping_module
from rockbottom.gateway.keys import KeyTable
from rockbottom.ledger import LedgerReader, ledgers_in
from rockbottom.local import running
from tests.gateway.conftest import OK, asking, client_of, configured, scripted

SECRET = "a master secret that both gateways know, of 32 characters or more"


@pytest.fixture(scope="module")
def s3():
    """S3 in this process and a client of it."""
    pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with running(s3="moto") as endpoint:
        client = boto3.client("s3", endpoint_url=endpoint.s3_url, region_name="us-east-1", **keys)
        client.create_bucket(Bucket="ledgers")
        yield client


@pytest.fixture
def at_s3(s3, monkeypatch):
    """The environment in which AWS's S3 is the one of the tests."""
    from rockbottom.trace import s3 as reading

    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.meta.endpoint_url)
    reading._client.cache_clear()
    yield s3
    reading._client.cache_clear()


@contextmanager
def replica(folder: Path, url: str, to: str, **ship):
    """A gateway with a folder of its own and the table of keys beside it."""
    folder.mkdir(exist_ok=True)
    configuration = configured(url, folder, keys="../keys.json", ship=Ship(to, **ship))
    with running_gateway(configuration, {**os.environ, "ROCKBOTTOM_GATEWAY_SECRET": SECRET}) as gateway:
        yield gateway


def listed(s3, prefix: str) -> dict[str, int]:
    """The objects below a prefix and their lines."""
    found = s3.list_objects_v2(Bucket="ledgers", Prefix=prefix).get("Contents", ())
    return {item["Key"]: s3.get_object(Bucket="ledgers", Key=item["Key"])["Body"].read().count(b"\n") for item in found}


def until(condition, patience_s: float = 15.0) -> bool:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_two_gateways_ship_and_one_month_is_summed_once(at_s3, tmp_path, capsys):
    """Three calls through one, two through the other; each ships twice and at its end. Five calls, under two names."""
    pytest.importorskip("duckdb", reason="needs the tables of a ledger: pip install 'rockbottom[watch]'")
    table = KeyTable(tmp_path / "keys.json", key_secret(tmp_path / "keys.json", {"ROCKBOTTOM_GATEWAY_SECRET": SECRET}))
    key = new_key("search", 0.0, tags={"team": "search"})
    table.put(key)
    with scripted() as service:
        for name, calls in (("a", 3), ("b", 2), ("a", 0)):
            with replica(tmp_path / name, service.url, "s3://ledgers/fleet", every_s=0.1) as gateway:
                for _ in range(calls):
                    client_of(gateway, key.id, table.secret(key)).converse(**asking())
                if calls:
                    assert until(lambda many=calls: many in listed(at_s3, "fleet/").values())
    found = listed(at_s3, "fleet/")
    assert sorted(found.values()) == [2, 3]
    assert len({name.split("/")[1] for name in found}) == 2
    assert main(["ledger", "sql", "SELECT count(*) AS n FROM calls", "--csv", "--ledger", "s3://ledgers/fleet"]) == 0
    assert capsys.readouterr().out == "n\n5\n"
    month = datetime.now(UTC).strftime("%Y-%m")
    arguments = ["ledger", "summary", "s3://ledgers/fleet", "--by", "team", "--month", month, "--json"]
    assert main(arguments) == 0
    summary = json.loads(capsys.readouterr().out)
    # Its calls went to this machine, so they are simulated; they are counted all the same, each once.
    assert (summary["ledgers"], summary["total"]["calls"] + summary["simulated"]) == (2, 5)
    # With the same secret, both name the rules alike, so that a replay sees that they share them.
    hashes = [{tuple(call.hashes) for call in LedgerReader(tmp_path / name / "ledger").calls()} for name in "ab"]
    assert hashes[0] == hashes[1]
    assert hashes[0] != {()}


@contextmanager
def killed_at_the_end(config: Path, **environment: str):
    """The address of a gateway in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rockbottom", "gateway", "--config", config],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_what_a_killed_gateway_left_is_shipped_by_the_next(at_s3, tmp_path):
    """It is killed with a call that S3, which it cannot reach, never saw; the next one there ships it, once."""
    config = tmp_path / "gateway.yaml"
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "body"}
    with scripted() as service:
        config.write_text(
            f"upstream: {{region: us-east-1, runtime: '{service.url}'}}\nlisten: 127.0.0.1:0\nledger: ledger\n"
            "ship: {to: 's3://ledgers/killed', every_s: 3600}\n"
        )
        with killed_at_the_end(config, AWS_ENDPOINT_URL_S3="http://127.0.0.1:9") as url:
            boto3.client("bedrock-runtime", endpoint_url=url, region_name="us-east-1", **keys).converse(**asking())
            assert until(lambda: len(list(LedgerReader(tmp_path / "ledger").calls())) == 1)
        assert listed(at_s3, "killed/") == {}
        with killed_at_the_end(config):
            assert until(lambda: list(listed(at_s3, "killed/").values()) == [1], 60)


def test_an_s3_that_hangs_delays_no_call(tmp_path, monkeypatch, table, key):
    """It takes connections and never answers; fifty calls take what they take, and the end waits only so long."""
    monkeypatch.setattr(shipping_module, "LAST_ROUND_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as dead, scripted([OK]) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{dead.getsockname()[1]}")
        configuration = configured(service.url, tmp_path, ship=Ship("s3://ledgers/x", every_s=0.1))
        with running_gateway(configuration) as gateway:
            client = client_of(gateway, key.id, table.secret(key))
            client.converse(**asking())
            begun = time.monotonic()
            for _ in range(50):
                client.converse(**asking())
            assert time.monotonic() - begun < 30  # a call that waited for S3 would take 30 s alone
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 15
    assert len(list(LedgerReader(tmp_path / "ledger").calls())) == 51


def test_a_folder_takes_them_as_well_and_trouble_is_said_once(tmp_path, table, key, caplog):
    """A file stands where the folder would be: one warning; when it is gone the ledger is shipped again."""
    (tmp_path / "to").write_text("in the way")
    with scripted() as service:
        configuration = configured(service.url, tmp_path, ship=Ship("to", every_s=0.1))
        with running_gateway(configuration) as gateway:
            client_of(gateway, key.id, table.secret(key)).converse(**asking())
            assert until(lambda: f"is not shipped to {tmp_path}" in caplog.text)
            (tmp_path / "to").unlink()
            assert until(lambda: f"is shipped to {tmp_path}" in caplog.text)
    assert caplog.text.count(f"is not shipped to {tmp_path}") == 1
    (ledger,) = ledgers_in(tmp_path / "to")
    assert len(list(LedgerReader(ledger).calls())) == 1


def test_the_policy_lets_it_ship_below_its_prefix_alone():
    """PutObject and GetObject on the objects, ListBucket for the prefix."""
    statements = {row["Sid"]: row for row in least_policy(ship="s3://ledgers/fleet/")["Statement"]}
    assert statements["Ship"]["Resource"] == "arn:aws:s3:::ledgers/fleet/*"
    assert statements["Look"]["Condition"] == {"StringLike": {"s3:prefix": ["fleet/*"]}}
    assert "Ship" not in {row["Sid"] for row in least_policy(ship="folder")["Statement"]}


def test_shipping_without_a_ledger_is_refused(tmp_path, capsys):
    """With the line of the file."""
    file = tmp_path / "gateway.yaml"
    file.write_text("upstream: {region: us-east-1}\nship: {to: there}\n")
    assert main(["gateway", "--config", str(file), "--check"]) == 2
    assert "line 2: ship: there is no ledger to ship" in capsys.readouterr().err
