"""Stores that are not what the address says, or that others write to: calls go on, and nothing of it lasts."""

import shutil
import socket
import subprocess
import threading
import time
from typing import Any

import msgspec
import pytest

from rockbottom.plan import Planner, sighting_bytes
from tests.sharing.conftest import serving, until
from tests.sharing.test_member import Replica, request_of

_OPENSSL = (
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out chain.pem -days 2 -subj /CN=localhost "
    "-addext subjectAltName=IP:127.0.0.1"
)


def goes_on(replica: Replica, number: int = 0) -> None:
    """Planning waits for no store: the quickest of three, because a busy machine halts any of them."""

    def seconds() -> float:
        begun = time.perf_counter()
        replica.plan(request_of("one", 3000 + number), number)
        return time.perf_counter() - begun

    assert min(seconds() for _ in range(3)) < 0.9


def joined(replica: Replica) -> Replica:
    until(lambda: replica.member.connected and replica.may_spend)
    return replica


def test_a_wrong_password_is_said_and_a_changed_one_is_found_again(tmp_path):
    import redis

    with serving(tmp_path) as server:
        server.ask("CONFIG", "SET", "requirepass", "right")
        with redis.Redis(port=server.port, password="right") as owner:
            wrong = Replica(f"redis://:wrong@127.0.0.1:{server.port}/0")
            ours = joined(Replica(f"redis://:right@127.0.0.1:{server.port}/0"))
            until(lambda: any("AuthenticationError" in line for line in wrong.said))
            assert not any("wrong@" in line for line in (*wrong.said, str(wrong.member.status)))
            goes_on(wrong)
            owner.config_set("requirepass", "other")
            owner.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            goes_on(ours)
            until(lambda: not ours.member.connected)
            owner.config_set("requirepass", "right")
            until(lambda: ours.member.connected)
        for replica in (wrong, ours):
            replica.member.close()


def test_tls_by_the_chain_of_the_address_and_by_no_other(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("wants openssl")
    subprocess.run(_OPENSSL.split(), cwd=tmp_path, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = ("--tls-cert-file", "chain.pem", "--tls-key-file", "key.pem", "--tls-ca-cert-file", "chain.pem")
    with serving(tmp_path, "--tls-port", str(port), *files, "--tls-auth-clients", "no"):
        ours = joined(Replica(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={tmp_path}/chain.pem"))
        unknown = Replica(f"rediss://127.0.0.1:{port}/0")
        until(lambda: "CERTIFICATE_VERIFY_FAILED" in unknown.member.status.why)
        goes_on(unknown)
        for replica in (ours, unknown):
            replica.member.close()


@pytest.mark.parametrize("told", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*3\r\n$-1\r\n", b"\x00\xff" * 900])
def test_what_is_no_store_at_all_delays_nothing(told):
    """A server that says nothing, speaks HTTP, or no language."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    with listening.accept()[0] as caller:
                        caller.recv(100)
                        caller.sendall(told) if told else caller.recv(100)
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        replica = Replica(f"redis://127.0.0.1:{listening.getsockname()[1]}/0")
        until(lambda: replica.said)
        for number in range(3):
            goes_on(replica, number)
        assert "has not answered yet" in str(replica.member.status)
        replica.member.close()
        listening.shutdown(socket.SHUT_RDWR)


def test_a_server_that_becomes_a_read_only_replica_is_away_until_it_is_none(tmp_path):
    with serving(tmp_path) as server:
        replica = joined(Replica(server.url))
        server.ask("REPLICAOF", "127.0.0.1", "1")
        goes_on(replica)
        until(lambda: "ReadOnlyError" in replica.member.status.why)
        server.ask("REPLICAOF", "NO", "ONE")
        until(lambda: replica.member.connected)
        replica.member.close()


def test_a_cluster_of_one_is_a_store_once_it_has_its_slots(tmp_path):
    with serving(tmp_path, "--cluster-enabled", "yes") as server:
        replica = Replica(server.url)
        until(lambda: "ClusterDown" in replica.member.status.why)
        goes_on(replica)
        server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        joined(replica).member.close()


def test_what_another_program_puts_in_the_place_of_ours_is_passed_by(tmp_path):
    """Garbage as the guard's group and as claims, entries of another program's and ones that make no sense in the
    stream: what members tell after them is learned, and all are granted leases again."""
    import redis

    with serving(tmp_path) as server, redis.Redis(port=server.port) as other:
        one, two = (joined(Replica(server.url)) for _ in range(2))
        goes_on(one)
        until(lambda: two.knows)
        (stream,) = other.scan_iter("*:stream")
        nonsense = msgspec.msgpack.encode(["someone", [cut_off()], [], None])
        for name in [*other.scan_iter("*:group:*"), *other.scan_iter("*:flight:*")]:
            other.set(name, b"garbage")
        for fields in ({"field": "x"}, {"e": "garbage"}, {"e": nonsense}):
            other.xadd(stream, fields)
        goes_on(one, 1)
        until(lambda: two.knows == one.knows)
        time.sleep(1.2)
        assert one.member.connected
        assert two.member.connected
        for replica in (one, two):
            replica.member.close()


def cut_off() -> bytes:
    """A sighting whose counts of tokens are missing."""
    told: list[Any] = []
    planner = Planner(secret=b"another")
    planner.tell = told.append
    planner.plan(request_of("one"), now=1_795_000_000.0)
    return sighting_bytes(msgspec.structs.replace(told[0], depths=b""))


def test_a_keyspace_that_is_evicted_or_flushed_is_filled_again(tmp_path):
    """allkeys-lru at 3 MB with another program that fills it, then FLUSHALL: members go on, and know each other's
    prompts afterwards."""
    import redis

    with serving(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as server:
        one, two = (joined(Replica(server.url)) for _ in range(2))
        with redis.Redis(port=server.port) as other:
            for number in range(1000):
                other.set(f"another {number}", b"x" * 20_000)
                if number % 100 == 0:
                    goes_on(one, number)
            other.flushall()
        goes_on(one, 1001)
        until(lambda: one.member.connected and two.member.connected)
        goes_on(one, 1002)
        until(lambda: two.knows == one.knows)
        for replica in (one, two):
            replica.member.close()
