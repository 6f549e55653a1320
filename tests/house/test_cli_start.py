"""The start of the command line: light, and clear about mistakes."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click
import pytest

from rockbottom.cli import main, root
from rockbottom.cli.commands import COMMANDS, ListedCommand
from rockbottom.cli.exits import Exit
from rockbottom.extras import install_command
from rockbottom.quantities import Fault, RockbottomError

_HEAVY = {"boto3", "botocore", "rich", "yaml", "uvicorn", "msgspec", "asyncio", "importlib.metadata"}


def _modules_after(argv: list[str]) -> set[str]:
    script = (
        "import sys, json\n"
        "from rockbottom.cli import main\n"
        f"main({argv!r})\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_help_imports_only_the_command_line_itself():
    """`--help` loads no other rockbottom package and none of the heavy libraries."""
    loaded = _modules_after(["--help"])
    ours = {name.split(".")[1] for name in loaded if name.startswith("rockbottom.")}
    assert ours == {"cli"}
    assert not loaded & _HEAVY


def test_help_lists_every_command_of_the_table(capsys):
    """The list in `--help` is the table, in its order."""
    assert main(["--help"]) == Exit.OK
    text = capsys.readouterr().out
    positions = [text.index(f"  {name} ") for name in COMMANDS]
    assert positions == sorted(positions)


def test_every_command_of_the_table_exists():
    """A target of the table imports and is a click command with help of its own."""
    for name in COMMANDS:
        command = root.get_command(click.Context(root), name)
        assert isinstance(command, click.Command), name
        assert command.help, name


def test_version_is_one_line_on_stdout(capsys):
    """`--version` prints the name and the version."""
    assert main(["--version"]) == Exit.OK
    assert capsys.readouterr().out.startswith("rockbottom ")


def _failing(monkeypatch, error: BaseException) -> None:
    @click.command()
    def fails() -> None:
        """Fail on purpose."""
        raise error

    monkeypatch.setattr(root, "entries", {"fails": ListedCommand("nowhere:fails", "Fail on purpose.")})
    monkeypatch.setattr(type(root), "get_command", lambda self, ctx, name: fails if name == "fails" else None)


class _FromService(RockbottomError):
    fault = Fault.SERVICE


class _FromUs(RockbottomError):
    fault = Fault.OURS


class _WithCode(RockbottomError):
    exit_code = Exit.PARTIAL


_NO_FILE = FileNotFoundError(2, "No such file or directory", "w.yaml")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        pytest.param(
            RockbottomError("no model x", fix="rockbottom models"), 2, "no model x\n  rockbottom models", id="caller"
        ),
        pytest.param(_FromService("AWS refused"), 3, "AWS refused", id="service"),
        pytest.param(_FromUs("frames out of order"), 70, "frames out of order", id="ours"),
        pytest.param(_WithCode("stopped after 3 turns"), 4, "stopped after 3 turns", id="own code"),
        pytest.param(_NO_FILE, 2, "w.yaml: No such file or directory", id="file"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="ctrl-C"),
        pytest.param(click.UsageError("bad flag"), 2, "bad flag\n  see rockbottom fails --help", id="usage"),
    ],
)
def test_an_error_becomes_one_message_and_a_documented_code(monkeypatch, capsys, error, code, says):
    """Whatever a command raises, a person reads one message on stderr and no traceback."""
    _failing(monkeypatch, error)
    assert main(["fails"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"rockbottom: {says}\n"


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        pytest.param(OSError(28, "No space left on device"), 2, "No space left on device", id="a full disk"),
        pytest.param(FileNotFoundError(2, "Failed to open 'x/y'"), 2, "Failed to open 'x/y'", id="a library's words"),
        pytest.param(
            ConnectionRefusedError(111, "Connection refused"), 3, "no connection: Connection refused", id="nobody there"
        ),
        pytest.param(URLError(TimeoutError("timed out")), 3, "no connection: timed out", id="a slow endpoint"),
        pytest.param(URLError("unknown url type: htp"), 2, "unknown url type: htp", id="a bad address"),
        pytest.param(
            sqlite3.OperationalError("database or disk is full"), 2,
            "a database cannot be used: database or disk is full", id="a database",
        ),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_no_bug_of_ours(monkeypatch, capsys, error, code, says):
    """A disk, a folder, an address: one message, and nobody is asked to report it."""
    _failing(monkeypatch, error)
    assert main(["fails"]) == code
    assert capsys.readouterr().err == f"rockbottom: {says}\n"


def test_a_malformed_address_from_the_environment_is_no_bug_of_ours(monkeypatch, capsys):
    """It is raised as a plain ValueError, deep in the library that read it."""

    @click.command()
    def fails() -> None:
        """Ask where nobody can be."""
        urlopen("http://[")

    monkeypatch.setattr(root, "entries", {"fails": ListedCommand("nowhere:fails", "Fail on purpose.")})
    monkeypatch.setattr(type(root), "get_command", lambda self, ctx, name: fails)
    assert main(["fails"]) == Exit.USAGE
    assert capsys.readouterr().err == "rockbottom: Invalid IPv6 URL\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes files")
@pytest.mark.parametrize(
    ("closed", "code", "message"),
    [(">&-", Exit.USAGE, "rockbottom: standard output: Bad file descriptor\n"), ("<&-", 0, ""), ("2>&-", 0, ""),
     ("<&- 2>&-", 0, "")],
)  # fmt: skip
def test_what_was_closed_is_no_internal_error(closed, code, message):
    """As cron and daemons may start it: without a place to print to printing fails, in one message."""
    words = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "rockbottom", "prices", "show", "nova-pro"]
    run = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (code, message)
    assert bool(run.stdout) == (code == 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["models"], ["--help"]])
def test_a_full_disk_behind_the_output_is_named(arguments):
    """What is printed goes to a file on a full disk."""
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "rockbottom", *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert run.returncode == Exit.USAGE
    assert run.stderr == "rockbottom: standard output: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_a_file_is_named(tmp_path, capsys):
    """The write itself tells no name; the command adds it."""
    page = tmp_path / "page.html"
    page.symlink_to("/dev/full")
    assert main(["estimate", "nova-pro", "--preset", "support-chatbot", "--sweep", "--html", str(page)]) == Exit.USAGE
    assert capsys.readouterr().err == f"rockbottom: {page}: No space left on device\n"


@pytest.mark.parametrize(
    "address", ["localhost:4747", "http://", "http://[", "http://host:port", "ftp://host", "http://a b"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(address, capsys):
    """Whatever the command."""
    assert main(["profiles", "list", "--endpoint-url", address]) == Exit.USAGE
    assert f"'{address}' is not the address of an endpoint" in capsys.readouterr().err


def test_a_missing_optional_package_names_the_extra(monkeypatch, capsys):
    """Without boto3 the message says what to install, as it works for this copy."""
    _failing(monkeypatch, ModuleNotFoundError("No module named 'boto3'", name="boto3"))
    assert main(["fails"]) == Exit.USAGE
    assert capsys.readouterr().err == (
        f"rockbottom: rockbottom fails needs the package boto3, which is not installed\n  {install_command('aws')}\n"
    )


def test_a_missing_package_of_a_command_names_all_that_the_command_needs(monkeypatch, capsys):
    """`trace` writes Parquet with one extra and reads logs with another: one command brings both."""

    def without_numpy(self: object, ctx: object, name: str) -> None:
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr(type(root), "get_command", without_numpy)
    assert main(["trace"]) == Exit.USAGE
    assert capsys.readouterr().err == (
        "rockbottom: rockbottom trace needs the package numpy, which is not installed\n"
        f"  {install_command('replay', 'parquet')}\n"
    )


def test_a_bug_of_ours_shows_no_traceback_unless_asked(monkeypatch, capsys):
    """An unexpected exception is one line; with `--debug` it is raised."""
    _failing(monkeypatch, ZeroDivisionError("division by zero"))
    assert main(["fails"]) == Exit.BUG
    assert capsys.readouterr().err.startswith("rockbottom: internal error: ZeroDivisionError: division by zero")
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "fails"])


def test_a_mistyped_command_gets_the_nearest(monkeypatch, capsys):
    """`benhc` is answered with `bench`."""
    monkeypatch.setattr(
        root, "entries", {"bench": ListedCommand("nowhere:bench", "Measure."), "models": ListedCommand("n:m", "List.")}
    )
    assert main(["benhc"]) == Exit.USAGE
    assert "did you mean bench?" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error():
    """`rockbottom --help | head -0` ends without a word on stderr."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    run = subprocess.run(
        [sys.executable, "-m", "rockbottom", "--help"], stdout=write_end, stderr=subprocess.PIPE, text=True
    )
    os.close(write_end)
    assert run.stderr == ""
    assert run.returncode == Exit.BROKEN_PIPE


@pytest.mark.parametrize("room", ["reconcile", "distill", "batch"])
def test_reading_a_bill_or_sending_a_batch_takes_no_numpy(room):
    """The extras aws and watch do not bring it, and columns of traffic are not what these rooms read."""
    check = f"import sys, rockbottom.{room} as room; [getattr(room, name) for name in room.__all__]; "
    loaded = "print([name for name in ('numpy', 'numba', 'pyarrow') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", check + loaded], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_explaining_compiles_nothing():
    """numba takes longer to import than a short log to explain."""
    check = "import sys, rockbottom.diagnose as room; [getattr(room, name) for name in room.__all__]; "
    loaded = "print('numba' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", check + loaded], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
