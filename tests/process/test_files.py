"""Files for their owner alone."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rockbottom import files
from rockbottom.files import content_of, folder_made, from_here, make_folder, make_private, private, regular, replacing

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture(autouse=True)
def _a_generous_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_that_is_made_is_its_owners_alone(tmp_path):
    """Whatever the umask lets through."""
    with open(tmp_path / "log", "ab", opener=private) as file:
        file.write(b"a prompt")
    assert mode_of(tmp_path / "log") == 0o600


def test_a_file_that_is_there_keeps_its_mode_and_its_content(tmp_path):
    """Somebody may have let another user read it, such as an agent that ships it."""
    path = tmp_path / "log"
    path.write_bytes(b"before ")
    path.chmod(0o640)
    make_private(path)
    with open(path, "ab", opener=private) as file:
        file.write(b"after")
    assert mode_of(path) == 0o640
    assert path.read_bytes() == b"before after"


def test_what_sqlite_puts_beside_its_file_is_as_private(tmp_path):
    """The log of a database in WAL mode holds its latest rows."""
    path = tmp_path / "sums.sqlite"
    make_private(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE tags (name TEXT)")
        connection.commit()
        assert {mode_of(file) for file in tmp_path.iterdir()} == {0o600}
    connection.close()


def test_a_database_that_is_there_is_not_opened_so_its_locks_hold(tmp_path):
    """POSIX drops a process's locks on a file when any of its descriptors of it is closed; SQLite's are such locks."""
    path = tmp_path / "sums.sqlite"
    make_private(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE tags (name TEXT)")
    connection.execute("BEGIN EXCLUSIVE")
    make_private(path)
    other = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM tags')"
    told = subprocess.run([sys.executable, "-c", other, str(path)], capture_output=True, text=True, check=False)
    connection.close()
    assert "database is locked" in told.stderr


def test_a_new_file_that_is_replaced_in_one_step_is_its_owners_alone_from_its_first_byte(tmp_path):
    """Beside it too, where a crash would leave it; one that is meant for others is as the umask has it."""
    with replacing(tmp_path / "keys") as beside:
        assert mode_of(beside) == 0o600
        beside.write_text("a secret")
    with replacing(tmp_path / "prices", shared=True) as beside:
        beside.write_text("a list")
    assert (mode_of(tmp_path / "keys"), mode_of(tmp_path / "prices")) == (0o600, 0o666)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, mode):
    """Nobody's choice is undone: neither a group that may read it, nor that nobody else may."""
    path = tmp_path / "table"
    path.write_text("old")
    path.chmod(mode)
    with replacing(path, shared=True) as beside:
        beside.write_text("new")
    assert (path.read_text(), mode_of(path)) == ("new", mode)


def test_a_folder_is_its_owners_alone_with_what_was_missing_above_it(tmp_path):
    """One that is there keeps its mode."""
    (tmp_path / "there").mkdir(mode=0o755)
    make_folder(tmp_path / "there" / "runs" / "first")
    assert [mode_of(tmp_path / name) for name in ("there", "there/runs", "there/runs/first")] == [0o755, 0o700, 0o700]
    make_folder(tmp_path / "there")
    with pytest.raises(FileExistsError):
        (tmp_path / "file").touch()
        make_folder(tmp_path / "file")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/urandom"])
def test_what_has_no_end_is_refused(device):
    """A device may be named where a file is asked; all of it would fill the memory."""
    with pytest.raises(OSError, match=f"larger than 1 MB: '{device}'"):
        content_of(device, 1 << 20)


def test_a_file_is_read_up_to_the_bound(tmp_path):
    """Of a thousand bytes a thousand are taken, and a thousand and one are not."""
    path = tmp_path / "settings"
    path.write_bytes(b"x" * 1_000)
    assert content_of(path, 1_000) == b"x" * 1_000
    path.write_bytes(b"x" * 1_001)
    with pytest.raises(OSError, match="larger than"):
        content_of(path, 1_000)


def test_a_pipe_without_a_reader_is_refused(tmp_path, monkeypatch):
    """Opened for writing, it would wait for its other end for ever."""
    monkeypatch.setattr(files, "_OTHER_END_MS", 60)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nobody reads from this pipe"):
        private(tmp_path / "pipe", os.O_WRONLY)


def test_a_pipe_takes_what_its_reader_came_for(tmp_path):
    """More than fits into it at once."""
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    with open(tmp_path / "pipe", "wb", opener=private) as file:
        file.write(b"x" * 300_000)
    reader.join(15)
    assert read == [b"x" * 300_000]


def test_a_pipe_without_a_writer_is_refused(tmp_path, monkeypatch):
    """Opened as a file is, it would wait for ever."""
    monkeypatch.setattr(files, "_OTHER_END_MS", 50)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nobody writes to this pipe"):
        content_of(tmp_path / "pipe")


@pytest.mark.parametrize("text", [b"", b"x", b"x" * 200_000])
def test_a_pipe_is_read_to_its_end(tmp_path, text):
    """As a shell's <(command) is one."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(text,))
    writer.start()
    assert content_of(tmp_path / "pipe") == text
    writer.join()


def test_what_is_read_twice_must_be_a_file(tmp_path):
    """A file that is missing says so when it is opened."""
    assert regular(tmp_path / "missing") == tmp_path / "missing"
    for path in (Path("/dev/null"), tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            regular(path)


def test_a_path_is_meant_from_where_it_was_given(tmp_path, monkeypatch):
    """And where the folder in force was removed, as it is."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    assert from_here("state.db") == tmp_path / "gone" / "state.db"
    (tmp_path / "gone").rmdir()
    assert from_here("state.db") == Path("state.db")


@pytest.mark.parametrize(("name", "said"), [("a\0b", "zero byte"), ("a\ud83d", "half a character")])
def test_a_name_with_a_zero_byte_or_half_a_character_is_that_of_no_file(tmp_path, name, said):
    """A configuration can hold one; Python raises ValueError, which nobody expects of a file."""
    for use in (content_of, make_private, make_folder, regular):
        with pytest.raises(OSError, match=said):
            use(tmp_path / name)


def test_a_folder_made_for_what_could_not_be_written_is_taken_away_again(tmp_path: Path) -> None:
    """A full disk left empty folders; what was there before stays, and so does what holds something."""
    before = tmp_path / "before"
    before.mkdir()
    with pytest.raises(OSError, match="full"), folder_made(before / "new" / "newer"):
        raise OSError("full")
    assert list(before.iterdir()) == []
    with pytest.raises(OSError, match="full"), folder_made(before / "new" / "newer"):
        (before / "new" / "part").write_text("kept")
        raise OSError("full")
    assert [path.name for path in (before / "new").iterdir()] == ["part"]
