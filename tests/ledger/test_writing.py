"""Records on disk: whole, counted and in bounds, whatever happens to the disk and to the processes."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter
from rockbottom.ledger.places import volumes_of
from rockbottom.ledger.trimming import notes_of

MORTAL = Path(__file__).with_name("mortal_writer.py")
SRC = Path(__file__).resolve().parents[2] / "src"


def call(number: int = 0, **members: object) -> CallRecord:
    return CallRecord(float(number), "anthropic.claude-x-v1:0", "Converse", **members)  # type: ignore[arg-type]


def started(folder: Path, name: str, max_bytes: int = 1 << 30, most: int = 1_000_000) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(MORTAL), str(folder), name, str(max_bytes), str(most)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(SRC)},
    )  # fmt: skip


def numbers(folder: Path) -> list[int]:
    return [int(found.at) for found in LedgerReader(folder).calls()]


def test_what_is_recorded_is_read_back_equal(tmp_path: Path) -> None:
    """A record survives the disk with every member."""
    full = CallRecord(
        1_780_000_000.25, "m", "InvokeModel", "global", "eu-west-1", "flex", 1, 2, 3, 4, 5, 6, "0.000001", "0.000002",
        "ab12cd", 2, 1024, 5000, {"tenant": "Zoë", "a": '{"at":'}, 120.5, 900.0, "ok", "r-1", "client",
        "local", "below-minimum", ("aa", "bb"), (10, 20),
    )  # fmt: skip
    writer = LedgerWriter(tmp_path)
    writer.record(full)
    writer.record(call(2))
    assert list(LedgerReader(tmp_path).calls()) == [full, call(2)]
    assert list(LedgerReader(tmp_path).calls(since=3, until=1_780_000_001)) == [full]


def test_a_record_is_in_the_file_when_record_returns(tmp_path: Path) -> None:
    """Nothing waits in a buffer of ours, so a kill after the call loses nothing."""
    writer = LedgerWriter(tmp_path)
    writer.record(call(7))
    assert (tmp_path / "calls-000001.ndjson").read_bytes().endswith(b"\n")
    assert numbers(tmp_path) == [7]


def test_the_folder_and_its_files_are_the_users_alone(tmp_path: Path) -> None:
    """Tags may name tenants: nobody else reads them."""
    LedgerWriter(tmp_path / "new" / "ledger").record(call())
    assert (tmp_path / "new" / "ledger").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "ledger" / "calls-000001.ndjson").stat().st_mode & 0o777 == 0o600


def test_a_torn_line_is_located_and_the_record_behind_it_kept(tmp_path: Path) -> None:
    """A process died within a line and another wrote behind it: the start is damage, the rest is a record."""
    writer = LedgerWriter(tmp_path)
    writer.record(call(1))
    path = tmp_path / "calls-000001.ndjson"
    first = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"at":2.0,"model":"anthr')
    writer.record(call(3))
    writer.record(call(4))
    reader = LedgerReader(tmp_path)
    assert [int(found.at) for found in reader.calls()] == [1, 3, 4]
    assert [(line.volume, line.offset, line.size) for line in reader.damaged] == [("calls-000001.ndjson", first, 24)]


def test_a_line_that_no_writer_wrote_is_located_too(tmp_path: Path) -> None:
    """Nested 2,000 deep, a number of 5,000 digits, a Latin-1 byte: damage, and the records around are read."""
    writer = LedgerWriter(tmp_path)
    writer.record(call(1))
    deep = b'{"at":2.0,"model":"m","operation":"Converse","more":' + b"[" * 2_000 + b"]" * 2_000 + b"}"
    with (tmp_path / "calls-000001.ndjson").open("ab") as file:
        file.write(deep + b"\n")
        file.write(b'{"at":2.0,"model":"m","operation":"Converse","input":' + b"9" * 5_000 + b"}\n")
        file.write(b'{"at":2.0,"model":"caf\xe9","operation":"Converse"}\n')
    writer.record(call(3))
    reader = LedgerReader(tmp_path)
    assert [int(found.at) for found in reader.calls()] == [1, 3]
    assert reader.damaged_count == 3
    assert reader.damaged[0].why == "nested too deep"


def test_a_new_writer_begins_on_a_new_line(tmp_path: Path) -> None:
    """A torn last line is closed before anything is appended, so that other tools can read on too."""
    LedgerWriter(tmp_path).record(call(1))
    path = tmp_path / "calls-000001.ndjson"
    with path.open("ab") as file:
        file.write(b'{"at":2.0,"mod')
    LedgerWriter(tmp_path).record(call(3))
    assert path.read_bytes().splitlines()[1] == b'{"at":2.0,"mod'
    assert numbers(tmp_path) == [1, 3]


def test_a_line_still_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    """The end of the newest volume without a newline is no damage yet."""
    LedgerWriter(tmp_path).record(call(1))
    with (tmp_path / "calls-000001.ndjson").open("ab") as file:
        file.write(b'{"at":2.0,"mod')
    reader = LedgerReader(tmp_path)
    assert [int(found.at) for found in reader.calls()] == [1]
    assert reader.damaged == []


def test_volumes_rotate_and_the_oldest_go_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The bound holds within a volume, and every call is either there or in a note."""
    writer = LedgerWriter(tmp_path, max_bytes=8 << 16, clock=lambda: 123.0)
    for number in range(2500):
        writer.record(call(number, tags={"filler": "x" * 300}))
    kept = numbers(tmp_path)
    removed = sum(note["calls"] for note in notes_of(tmp_path))
    assert removed > 0
    assert kept == list(range(removed, 2500))
    assert sum(volume.path.stat().st_size for volume in volumes_of(tmp_path)) <= (8 << 16) + 500
    assert "the oldest" in caplog.text


@pytest.mark.parametrize("rounds", [6])
def test_a_kill_at_any_moment_loses_at_most_the_call_under_way(tmp_path: Path, rounds: int) -> None:
    """Real processes, killed while they write: every call they said was recorded is there, none twice."""
    said: Counter[str] = Counter()
    for round_ in range(rounds):
        writers = [started(tmp_path, f"{round_}-{name}") for name in "ab"]
        for one in writers:
            assert one.stdout is not None
            for _ in range(50 + 97 * round_):
                one.stdout.readline()
        for one in writers:
            one.kill()
        for name, one in zip("ab", writers, strict=True):
            assert one.stdout is not None
            rest = one.stdout.read().split("\n")
            said[f"{round_}-{name}"] = 50 + 97 * round_ + len([line for line in rest[:-1] if line])
            one.wait()
    reader = LedgerReader(tmp_path)
    found: dict[str, list[int]] = {}
    for one in reader.calls():
        found.setdefault(one.tags["writer"], []).append(one.input)
    for name, count in said.items():
        assert found[name] in (list(range(count)), list(range(count + 1)))
    assert reader.damaged_count <= 2 * rounds


def test_processes_that_rotate_at_once_lose_nothing(tmp_path: Path) -> None:
    """Three writers over many small volumes: every call is there once."""
    writers = [started(tmp_path, name, most=1500) for name in "abc"]
    for one in writers:
        one.communicate()
    # 1500 calls of about 370 bytes each from three processes fill 1.6 MB in one volume of 16 MB; now many volumes.
    assert Counter(found.tags["writer"] for found in LedgerReader(tmp_path).calls()) == dict.fromkeys("abc", 1500)
    small = tmp_path / "small"
    writers = [started(small, name, max_bytes=40 << 16, most=1500) for name in "abc"]
    for one in writers:
        one.communicate()
    found = Counter((one.tags["writer"], one.input) for one in LedgerReader(small).calls())
    assert found == {(name, number): 1 for name in "abc" for number in range(1500)}
    assert len(volumes_of(small)) == 6


def test_threads_share_a_writer(tmp_path: Path) -> None:
    """Records of several threads are whole, over rotations too."""
    writer = LedgerWriter(tmp_path, max_bytes=100 << 16)
    writer.disk.volume_bytes = 1 << 14

    def write(start: int) -> None:
        for number in range(start, start + 500):
            writer.record(call(number, tags={"filler": "x" * 200}))

    threads = [threading.Thread(target=write, args=(start,)) for start in range(0, 4000, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers(tmp_path)) == list(range(4000))


def test_a_forked_child_records_in_the_same_ledger(tmp_path: Path) -> None:
    """Parent and child go on with the writer they share; what the parent holds is not written twice."""
    writer = LedgerWriter(tmp_path)
    writer.record(call(0))
    child = os.fork()
    if child == 0:
        for number in range(100, 200):
            writer.record(call(number))
        os._exit(0)
    for number in range(1, 100):
        writer.record(call(number))
    assert os.waitpid(child, 0)[1] == 0
    assert sorted(numbers(tmp_path)) == list(range(200))


def test_a_clock_that_jumps_backwards_loses_and_misorders_nothing(tmp_path: Path) -> None:
    """The order of writing is kept beside instants that run backwards."""
    writer = LedgerWriter(tmp_path, clock=lambda: -5.0)
    for number in (500, 3, 400, 2):
        writer.record(call(number))
    assert numbers(tmp_path) == [500, 3, 400, 2]
    assert [int(one.at) for one in LedgerReader(tmp_path).calls(since=3, until=450)] == [3, 400]


def test_a_folder_that_cannot_be_written_holds_calls_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning, nothing raised, and everything is written once the folder is there."""
    now = [100.0]
    blocker = tmp_path / "ledger"
    blocker.write_text("a file where the folder should be")
    writer = LedgerWriter(blocker, clock=lambda: now[0])
    for number in range(10):
        writer.record(call(number))
    assert writer.held == 10
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1
    blocker.unlink()
    now[0] += 1
    writer.record(call(10))
    assert numbers(blocker) == list(range(11))
    assert (writer.held, writer.dropped) == (0, 0)


def test_what_memory_does_not_hold_is_counted_and_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Beyond ten thousand held calls the oldest are dropped, and the ledger says how many."""
    blocker = tmp_path / "ledger"
    blocker.write_text("")
    writer = LedgerWriter(blocker, clock=lambda: 5.0)
    for number in range(10_003):
        writer.record(call(number))
    assert (writer.held, writer.dropped) == (10_000, 3)
    blocker.unlink()
    writer.close()
    assert numbers(blocker) == list(range(3, 10_003))
    assert list(notes_of(blocker)) == [{"at": 5.0, "dropped": 3}]
    assert "3 calls could not be recorded" in caplog.text


def test_a_full_disk_is_waited_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The system itself says that no space is left; when there is some again nothing is missing."""
    now = [0.0]
    (tmp_path / "calls-000001.ndjson").symlink_to("/dev/full")
    writer = LedgerWriter(tmp_path, clock=lambda: now[0])
    for number in range(50):
        now[0] += 1
        writer.record(call(number))
    assert writer.held == 50
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "No space left on device" in caplog.text
    (tmp_path / "calls-000001.ndjson").unlink()
    now[0] -= 1000  # the clock is set back meanwhile
    writer.record(call(50))
    assert numbers(tmp_path) == list(range(51))


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO, errno.EMFILE])
def test_whatever_the_system_refuses_the_call_goes_on(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A read-only disk, no permission, a quota, a broken disk, too many open files: held, then written."""

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    now = [0.0]
    writer = LedgerWriter(tmp_path, clock=lambda: now[0])
    with monkeypatch.context() as patched:
        patched.setattr("rockbottom.ledger.appending.os.open", refuse)
        for number in range(5):
            now[0] += 1
            writer.record(call(number))
    assert (writer.held, len(caplog.records)) == (5, 1)
    now[0] += 1
    writer.record(call(5))
    assert numbers(tmp_path) == list(range(6))


FULL = """
import resource, sys
from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter
folder = sys.argv[1]
now = [0.0]
writer = LedgerWriter(folder, clock=lambda: now[0])
writer.record(CallRecord(0.0, "m", "Converse"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
for number in range(1, 60):
    now[0] += 1
    writer.record(CallRecord(float(number), "m", "Converse", tags={"filler": "x" * 100}))
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
now[0] += 1
writer.record(CallRecord(60.0, "m", "Converse"))
reader = LedgerReader(folder)
assert [int(call.at) for call in reader.calls()] == list(range(61)), [int(call.at) for call in reader.calls()]
assert writer.dropped == 0
print(len(reader.damaged))
"""


def test_a_write_cut_short_by_the_system_damages_no_other(tmp_path: Path) -> None:
    """A limit on the size of files cuts a record in the middle: it is written again whole in another volume."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1


def test_a_record_that_cannot_be_written_down_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Half of a surrogate pair in a tag has no UTF-8: one warning, and the calls after it are recorded."""
    writer = LedgerWriter(tmp_path)
    writer.record(call(1, tags={"tenant": "\ud800"}))
    writer.record(call(2))
    assert numbers(tmp_path) == [2]
    assert writer.dropped == 1
    assert "could not be recorded" in caplog.text


def test_a_volume_removed_under_a_writer_is_begun_again(tmp_path: Path) -> None:
    """Somebody deletes the ledger while a process records: the next call is there."""
    writer = LedgerWriter(tmp_path / "ledger")
    writer.record(call(1))
    for path in (tmp_path / "ledger").iterdir():
        path.unlink()
    (tmp_path / "ledger").rmdir()
    writer.record(call(2))
    assert numbers(tmp_path / "ledger") == [2]


def test_a_disk_that_is_full_takes_what_room_was_kept_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk of 40,000 bytes, 16,384 of them kept: when it is full the file that keeps them is cut for each line, and
    what was written so is whole after the process has gone. What finds no room in the end waits in memory."""
    real = os.write

    def write(file: int, data: bytes) -> int:
        used = sum(path.stat().st_size for path in tmp_path.iterdir())
        if used + len(data) > 40_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    writer = LedgerWriter(tmp_path, reserve_bytes=16_384)
    number = 0
    while (tmp_path / "reserve").exists() is False or (tmp_path / "reserve").stat().st_size == 16_384:
        writer.record(call(number))
        number += 1
    assert number > 20
    assert writer.held == 0
    while not writer.held:
        writer.record(call(number))
        number += 1
    assert (tmp_path / "reserve").stat().st_size == 0
    assert numbers(tmp_path) == list(range(number - 1))
    monkeypatch.setattr(os, "write", real)
    writer.close()
    assert numbers(tmp_path) == list(range(number))


def test_a_ledger_without_a_reserve_leaves_no_file_of_it(tmp_path: Path) -> None:
    LedgerWriter(tmp_path).record(call())
    assert [path.name for path in tmp_path.iterdir()] == ["calls-000001.ndjson"]


def test_what_no_disk_took_until_the_end_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = LedgerWriter(tmp_path)
    writer.record(call(0))

    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)
    for number in (1, 2):
        writer.record(call(number))
    writer.close()
    assert f"2 calls are in memory only: nothing can be written to {tmp_path}" in caplog.text


# Disks that hang: a named pipe stands for one. Nobody reads it, so the system takes 64 KiB and then keeps the thread.


def hanging(folder: Path) -> Path:
    os.mkfifo(folder / "calls-000001.ndjson")
    return folder / "calls-000001.ndjson"


def drained(pipe: Path, calls: int) -> list[int]:
    """What comes through the pipe, until so many lines have."""
    with pipe.open("rb") as file:
        return [int(json.loads(file.readline())["at"]) for _ in range(calls)]


def test_a_disk_that_hangs_keeps_no_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Twice as many calls as the disk takes are recorded all the same, and said once; when it goes on all are there."""
    pipe, writer = hanging(tmp_path), LedgerWriter(tmp_path)
    for number in range(400):
        writer.record(call(number, tags={"filler": "x" * 300}))
    assert 100 < writer.held < 400
    assert [one.message for one in caplog.records] == [
        f"rockbottom: {tmp_path} takes more than half a second for a record; calls do not wait for it, and what is in "
        "memory until it is written would be lost with this process"
    ]
    assert drained(pipe, 400) == list(range(400))


def test_threads_do_not_wait_for_one_that_a_disk_keeps(tmp_path: Path) -> None:
    """Of a disk of this machine a thread is caught within; the others record, and theirs is written in the end."""
    writer = LedgerWriter(tmp_path)
    writer.record(call(0))
    (tmp_path / "calls-000001.ndjson").unlink()
    pipe = hanging(tmp_path)  # a volume that is gone is begun again, here by the thread that records
    held = writer._writing.acquire
    assert held()
    writer.record(call(1))
    writer.record(call(2))
    assert writer.held == 2
    writer._writing.release()
    assert drained(pipe, 2) == [1, 2]


def test_a_disk_that_kept_a_call_for_seconds_keeps_no_other(tmp_path: Path) -> None:
    """Six seconds within a write, by the writer's clock: an hour later a thread writes, and nobody waits for it."""
    now, there, may_write = [0.0], list[threading.Thread](), threading.Event()
    writer = LedgerWriter(tmp_path, monotonic=lambda: now[0])
    writer.record(call(0))
    until(lambda: writer._writes_here)
    append = writer.disk.append

    def slow(line: bytes) -> None:
        there.append(threading.current_thread())
        now[0] += 6
        if len(there) > 1:
            may_write.wait(15)
        append(line)

    writer.disk.append = slow  # type: ignore[method-assign]
    writer.record(call(1))
    now[0] += 3600
    writer.record(call(2))
    writer.record(call(3))
    may_write.set()
    until(lambda: numbers(tmp_path) == [0, 1, 2, 3])
    assert [thread is threading.current_thread() for thread in there] == [True, False, False]


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something, fifteen seconds at most."""
    end = time.monotonic() + 15
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_a_hanging_disk_cannot_take_is_bounded_and_counted(tmp_path: Path) -> None:
    """Ten thousand calls wait, no more; the oldest go."""
    pipe, writer = hanging(tmp_path), LedgerWriter(tmp_path)
    for number in range(11_000):
        writer.record(call(number))
    assert writer.held == 10_000
    assert 0 < writer.dropped < 1_000
    taken = 11_000 - writer.dropped
    assert drained(pipe, taken)[-10_000:] == list(range(1_000, 11_000))


LATE = """
import sys
from rockbottom.ledger import CallRecord, LedgerWriter
class Late:
    writer, last = LedgerWriter(sys.argv[1]), CallRecord(1.0, "m", "Converse")
    def __del__(self):
        self.writer.record(self.last)
late = Late()
late.writer.record(CallRecord(0.0, "m", "Converse"))
"""


def test_a_call_that_ends_with_the_interpreter_is_recorded(tmp_path: Path) -> None:
    """As a stream that nobody closed: threads stand still by then, and nobody waits for one."""
    subprocess.run(
        [sys.executable, "-c", LATE, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(SRC)}, timeout=60, check=True
    )
    assert numbers(tmp_path) == [0, 1]


HUNG = """
import os, sys
from rockbottom.ledger import CallRecord, LedgerWriter
writer = LedgerWriter(sys.argv[1])
for number in range(400):
    writer.record(CallRecord(float(number), "m", "Converse", tags={"filler": "x" * 300}))
child = os.fork()
if child == 0:
    writer.record(CallRecord(400.0, "m", "Converse"))
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_process_forks_and_ends_while_its_disk_hangs(tmp_path: Path) -> None:
    """It says how many calls it could not write; its child records, or goes on without."""
    hanging(tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HUNG, str(tmp_path)], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(SRC)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr
    assert f"calls are in memory only: nothing can be written to {tmp_path}" in done.stderr
