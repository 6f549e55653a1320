"""Files for their owner alone."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rockbottom.files import make_private, private

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
