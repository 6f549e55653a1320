"""A ledger's files on their way to a folder or S3: once each, whatever breaks, and never over another's."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from rockbottom.cli import main
from rockbottom.ledger import (
    CallRecord,
    FolderDepot,
    LedgerReader,
    LedgerWriter,
    NotShipped,
    Shipper,
    depot_of,
    joined,
    ledger_id,
    ledger_key,
    ledgers_in,
    notes_of,
    volumes_of,
)
from rockbottom.local import running
from rockbottom.quantities import Fault

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


def wrote(folder: Path, *numbers: int, max_bytes: int = 1 << 30) -> None:
    """Calls with these numbers as their input tokens and instants."""
    writer = LedgerWriter(folder, max_bytes=max_bytes)
    for number in numbers:
        writer.record(CallRecord(float(number), MODEL, "Converse", input=number, tags={"filler": "x" * 300}))
    writer.close()


def shipper(folder: Path, to: Path, now: float = 0.0, **how: bool) -> Shipper:
    return Shipper(folder, FolderDepot(to), lambda: now or time.time(), **how)


def inputs(folder: Path) -> list[int]:
    """The numbers that are in a folder of shipped ledgers, in their order there."""
    return [call.input for ledger in ledgers_in(folder) for call in LedgerReader(ledger).calls()]


@pytest.fixture(scope="module")
def bucket():
    """A bucket at S3 in this process, and its client."""
    pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
    with running(s3="moto") as endpoint:
        client = boto3.client("s3", endpoint_url=endpoint.s3_url, region_name="us-east-1", **KEYS)
        client.create_bucket(Bucket="ledgers")
        yield client


def test_a_second_round_ships_only_what_is_new(tmp_path):
    """Two calls, then a third: the file is put again, whole; a round without news puts nothing."""
    wrote(tmp_path / "ledger", 1, 2)
    one = shipper(tmp_path / "ledger", tmp_path / "to")
    assert one.ship().files == 1
    assert one.ship().files == 0
    wrote(tmp_path / "ledger", 3)
    assert one.ship().files == 1
    assert inputs(tmp_path / "to") == [1, 2, 3]
    # Another process, which remembers nothing, sees by the digests that all is there.
    assert shipper(tmp_path / "ledger", tmp_path / "to").ship() == (0, 0, 0, ())


def test_two_ledgers_with_the_same_file_names_lie_apart(tmp_path):
    """Both have a calls-000001; each has an id of its own, which stays."""
    for name, number in (("a", 1), ("b", 2)):
        wrote(tmp_path / name, number)
        shipper(tmp_path / name, tmp_path / "to").ship()
    assert sorted(inputs(tmp_path / "to")) == [1, 2]
    assert ledger_id(tmp_path / "a") == ledger_id(tmp_path / "a") != ledger_id(tmp_path / "b")


def test_a_line_that_is_being_written_is_left_for_the_next_round(tmp_path):
    """Up to the last newline."""
    wrote(tmp_path / "ledger", 1)
    (volume,) = volumes_of(tmp_path / "ledger")
    with volume.path.open("ab") as file:
        file.write(b'{"at":2.0,"mod')
    shipper(tmp_path / "ledger", tmp_path / "to").ship()
    (copy,) = volumes_of(tmp_path / "to" / ledger_id(tmp_path / "ledger"))
    assert copy.path.read_bytes() == volume.path.read_bytes().removesuffix(b'{"at":2.0,"mod')


def test_a_copied_folder_does_not_write_over_the_first_one(tmp_path):
    """Both go on under one id: the second is refused the file in which they differ, and loses nothing."""
    wrote(tmp_path / "a", 1)
    ledger_id(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    wrote(tmp_path / "a", 2)
    wrote(tmp_path / "b", 3)
    shipper(tmp_path / "a", tmp_path / "to").ship()
    assert shipper(tmp_path / "b", tmp_path / "to").ship().refused == ("calls-000001.ndjson",)
    assert inputs(tmp_path / "to") == [1, 2]
    assert [call.input for call in LedgerReader(tmp_path / "b").calls()] == [1, 3]


def test_only_what_is_closed_shipped_and_old_is_removed_and_only_if_told(tmp_path):
    """Volumes of 64 KiB: 400 calls of 400 bytes fill two and begin a third."""
    wrote(tmp_path / "ledger", *range(400), max_bytes=1 << 19)
    closed = [volume.path for volume in volumes_of(tmp_path / "ledger")[:-1]]
    assert len(closed) == 2
    shipper(tmp_path / "ledger", tmp_path / "to").ship()
    assert all(path.exists() for path in closed)
    assert shipper(tmp_path / "ledger", tmp_path / "to", delete=True).ship().removed == 0  # written just now
    late = shipper(tmp_path / "ledger", tmp_path / "to", now=time.time() + 61, delete=True)
    assert late.ship().removed == 2
    assert not any(path.exists() for path in closed)
    assert [note["shipped"] for note in notes_of(tmp_path / "ledger")] == [path.name for path in closed]
    late.ship()  # the notes too
    assert inputs(tmp_path / "to") == list(range(400))


def test_what_the_depot_lost_is_not_removed_here(tmp_path):
    """Before a file is removed, what lies there is looked at once more."""
    wrote(tmp_path / "ledger", *range(400), max_bytes=1 << 19)
    one = shipper(tmp_path / "ledger", tmp_path / "to", now=time.time() + 61)
    one.ship()
    first = volumes_of(tmp_path / "to" / ledger_id(tmp_path / "ledger"))[0].path
    first.write_bytes(first.read_bytes()[:-1] + b"X")
    one.delete = True
    assert one.ship().removed == 1
    assert [volume.number for volume in volumes_of(tmp_path / "ledger")] == [1, 3]


def test_a_full_disk_there_leaves_what_was_there_whole(tmp_path, monkeypatch):
    """A write fails half-way; the file of before stays, and the next round puts the new one."""
    wrote(tmp_path / "ledger", 1)
    one = shipper(tmp_path / "ledger", tmp_path / "to")
    one.ship()
    wrote(tmp_path / "ledger", 2)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(NotShipped, match="No space left") as full_there:
            one.ship()
    assert full_there.value.fault is Fault.CALLER  # exit 2, as of every disk; S3 is the service
    assert inputs(tmp_path / "to") == [1]
    one.ship()
    assert inputs(tmp_path / "to") == [1, 2]
    assert not list((tmp_path / "to").rglob(".calls-*"))


def test_killed_at_any_moment_and_started_again_every_call_is_there_once(tmp_path):
    """A writer is killed, and shippers are killed eight times while it writes; the last one finishes."""
    folder, to = tmp_path / "ledger", tmp_path / "to"
    code = (
        "import sys, time; from pathlib import Path; from rockbottom.ledger import FolderDepot, Shipper\n"
        "one = Shipper(Path(sys.argv[1]), FolderDepot(Path(sys.argv[2])), time.time)\n"
        "while True: one.ship()"
    )
    writer = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("mortal_writer.py"), folder, "w", str(1 << 19), "2000"],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(8):
            ship = subprocess.Popen([sys.executable, "-c", code, folder, to])
            time.sleep(0.3)
            ship.send_signal(signal.SIGKILL)
            ship.wait()
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    shipper(folder, to).ship()
    here = [call.input for call in LedgerReader(folder).calls()]
    there = {call.input for ledger in ledgers_in(to) for call in LedgerReader(ledger).calls()}
    assert len(ledgers_in(to)) == 1
    assert set(here) <= there
    assert len(inputs(to)) == len(there)


def test_on_s3_a_write_that_would_undo_anothers_is_not_made(tmp_path, bucket):
    """Two processes of one folder: the slower one's older content meets If-Match and is tried again."""
    wrote(tmp_path / "ledger", 1)
    quick, slow = (
        Shipper(tmp_path / "ledger", depot_of("s3://ledgers/two", lambda: bucket), time.time) for _ in range(2)
    )
    assert (quick.ship().files, slow.ship().files) == (1, 0)
    wrote(tmp_path / "ledger", 2)
    name = f"{ledger_id(tmp_path / 'ledger')}/calls-000001.ndjson"
    before = slow.depot.stored(name)
    assert quick.ship().files == 1
    assert slow.depot.put(name, b"older\n", before) is None
    assert slow.depot.put(name, b"new\n", None) is None
    assert slow.ship().files == 0
    assert bucket.get_object(Bucket="ledgers", Key=f"two/{name}")["Body"].read().count(b"\n") == 2


def test_a_bucket_that_is_not_there_is_one_message(tmp_path, bucket):
    """With what to do."""
    wrote(tmp_path / "ledger", 1)
    one = Shipper(tmp_path / "ledger", depot_of("s3://nowhere", lambda: bucket), time.time)
    with pytest.raises(NotShipped) as refused:
        one.ship()
    assert "s3://nowhere/" in str(refused.value)


def test_commands_read_what_was_shipped_to_s3(tmp_path, bucket, monkeypatch, capsys):
    """Two machines' calls: info, export, sql, summary and replay of the prefix count each once."""
    pytest.importorskip("duckdb", reason="needs the tables of a ledger: pip install 'rockbottom[watch]'")
    for name, value in (*zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("test", "test"), strict=True),
                        ("AWS_ENDPOINT_URL_S3", bucket.meta.endpoint_url), ("AWS_REGION", "us-east-1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    from rockbottom.trace import s3

    s3._client.cache_clear()
    wrote(tmp_path / "a", 1, 4)
    wrote(tmp_path / "b", 2, 3)
    for name in ("a", "b", "a"):
        assert main(["ledger", "ship", "s3://ledgers/all", "--ledger", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 files shipped")
    for prefix in ("s3://ledgers/all", "s3://ledgers/all/"):
        assert main(["ledger", "export", "--ledger", prefix, "--json"]) == 0
        assert [line.split('"input":')[1][0] for line in capsys.readouterr().out.splitlines()] == list("1234")
    assert (
        main(["ledger", "sql", "SELECT count(*) AS n, sum(input)::INT AS s FROM calls", "--csv", "--ledger", prefix])
        == 0
    )
    assert capsys.readouterr().out == "n,s\n4,10\n"
    assert main(["ledger", "info", "--ledger", prefix]) == 0
    assert "4 calls" in capsys.readouterr().out
    assert main(["ledger", "summary", prefix, "--csv"]) == 0
    assert ",4," in capsys.readouterr().out
    assert main(["trace", "info", prefix]) == 0
    assert "4" in capsys.readouterr().out
    s3._client.cache_clear()


def test_several_ledgers_are_joined_in_the_order_of_time(tmp_path):
    """Damaged lines stay beside their neighbours; dropped calls are noted, and removed ones that are not here."""
    wrote(tmp_path / "in" / "a", 1, 4)
    wrote(tmp_path / "in" / "b", 2, 3)
    (volume,) = volumes_of(tmp_path / "in" / "b")
    volume.path.write_bytes(volume.path.read_bytes() + b"torn\n")
    (tmp_path / "in" / "a" / "notes.ndjson").write_text(
        '{"at":1,"dropped":7}\n{"at":2,"removed":"calls-000001.ndjson","calls":2}\n'
        '{"at":3,"removed":"calls-000000.ndjson","calls":5}\n'
    )
    joined(ledgers_in(tmp_path / "in"), tmp_path / "one")
    reader = LedgerReader(tmp_path / "one")
    assert [call.input for call in reader.calls()] == [1, 2, 3, 4]
    assert reader.damaged_count == 1
    assert [note.get("dropped", note.get("calls")) for note in notes_of(tmp_path / "one")] == [7, 5]


def test_ledgers_of_a_fleet_name_prefixes_alike(tmp_path):
    """The key of each is made of the secret that they share; without one it is its own."""
    one, other = (ledger_key(tmp_path / name, shared=b"fleet") for name in ("a", "b"))
    assert one == other != ledger_key(tmp_path / "c", shared=b"another")
    assert ledger_key(tmp_path / "d") != ledger_key(tmp_path / "e")
