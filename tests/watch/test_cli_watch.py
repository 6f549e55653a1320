"""``rockbottom watch`` as a person and as a program start it, on a real terminal and without one."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from rockbottom.cli import main
from rockbottom.extras import install_command
from tests.watch.traffic import read, write


@pytest.fixture
def environment(folder):
    """The ledger is named by the environment."""
    return {**os.environ, "ROCKBOTTOM_LEDGER": str(folder), "TERM": "xterm-256color", "COLUMNS": "", "LINES": ""}


def test_once_prints_one_frame(record, folder, capsys):
    """No colour when it is no terminal."""
    record(write(time.time() - 5), read(time.time() - 4))
    assert main(["watch", "--once", "--ledger", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "2 calls" in out
    assert "\x1b" not in out


def test_json_is_the_snapshot(record, folder, capsys):
    """Money is decimal text, instants are seconds since the epoch."""
    record(read(time.time() - 4))
    assert main(["watch", "--json", "--period", "15m", "--ledger", str(folder)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["period"], found["total"]["calls"]) == ("15m", 1)
    assert re.fullmatch(r"\d+\.\d+", found["total"]["cost_usd"])


def test_no_ledger_is_one_message(folder, capsys):
    """Asked, found, what would work."""
    assert main(["watch", "--once", "--ledger", str(folder)]) == 2
    said = capsys.readouterr().err
    assert f"There is no ledger in {folder}." in said
    assert "ledger=True" in said


def test_follow_without_json_says_what_it_belongs_to(capsys):
    """The live view follows anyway."""
    assert main(["watch", "--follow"]) == 2
    assert "--follow goes with --json" in capsys.readouterr().err


def test_follow_writes_a_line_when_something_changes(record, environment):
    """One line at once, one after the next call; SIGINT is a good end."""
    record(read(time.time() - 4))
    argv = [sys.executable, "-m", "rockbottom", "watch", "--json", "--follow", "--every", "0.1"]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as run:
        assert json.loads(run.stdout.readline())["total"]["calls"] == 1
        record(read(time.time() - 1))
        calls = 1
        while calls == 1:  # a minute may begin meanwhile, which is a change too
            calls = json.loads(run.stdout.readline())["total"]["calls"]
        assert calls == 2
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0


class Terminal:
    """``rockbottom watch`` on a pseudo-terminal of 80 by 24."""

    def __init__(self, environment):
        self.primary, secondary = pty.openpty()
        termios.tcsetwinsize(secondary, (24, 80))
        self.before = termios.tcgetattr(secondary)
        self.secondary = secondary
        self.run = subprocess.Popen(
            [sys.executable, "-m", "rockbottom", "watch", "--every", "0.2"], env=environment, stdin=secondary,
            stdout=secondary, stderr=secondary, start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(secondary, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self.text = ""

    def until(self, words, seconds=30.0):
        """Read until the words were drawn; what was drawn since the last time."""
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, f"{words!r} never came:\n{self.text[-3000:]}"
            if select.select([self.primary], [], [], 0.2)[0]:
                self.text += os.read(self.primary, 65536).decode(errors="replace")
        found, self.text = self.text, ""
        return found

    def press(self, key):
        os.write(self.primary, key.encode())

    def close(self):
        if self.run.poll() is None:
            self.run.kill()
            self.run.wait()
        os.close(self.primary)
        os.close(self.secondary)


@pytest.fixture
def terminal(record, environment):
    """The live view of one call."""
    record(read(time.time() - 4))
    made = Terminal(environment)
    yield made
    made.close()


def test_keys_choose_pause_and_quit(terminal, record):
    """3 is a day, p stops the updates, q ends it; a call that is recorded meanwhile appears."""
    terminal.until("last hour")
    terminal.press("3")
    terminal.until("last 24 hours")
    record(read(time.time() - 1))
    terminal.until("2 calls")
    terminal.press("p")
    terminal.until("paused")
    terminal.press("q")
    assert terminal.run.wait(20) == 0


@pytest.mark.parametrize("how", ["ctrl-C", "SIGTERM"])
def test_the_terminal_is_left_as_it_was_found(terminal, how):
    """The other screen is left, the cursor is back, keys are echoed again, and nothing is said."""
    assert "\x1b[?1049h" in terminal.until("last hour")
    if how == "ctrl-C":
        terminal.press("\x03")
    else:
        terminal.run.terminate()
    tail = terminal.until("\x1b[?25h")
    tail += "" if "\x1b[?1049l" in tail else terminal.until("\x1b[?1049l")  # the two may come in two reads
    assert terminal.run.wait(20) == 0
    assert "Traceback" not in tail
    assert termios.tcgetattr(terminal.secondary)[3] == terminal.before[3]


def test_a_window_that_grows_is_filled(terminal):
    """At 140 columns there is room for times to first token in the table of models."""
    terminal.until("last hour")
    termios.tcsetwinsize(terminal.secondary, (40, 140))
    terminal.until("p95 ms")


def test_it_waits_for_a_ledger_that_is_not_there(environment, record):
    """Started before the program that records."""
    terminal = Terminal(environment)
    try:
        terminal.until("No calls in the last hour.")
        record(read(time.time() - 1))
        terminal.until("1 call ")
    finally:
        terminal.close()


@pytest.mark.parametrize("command", [["dash", "--port", "0"], ["watch", "--once"]])
def test_without_duckdb_it_says_what_to_install_before_it_begins(monkeypatch, folder, record, capsys, command):
    """Nothing is served, and no page is left without figures."""
    record(read(time.time() - 4))
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert main([*command, "--ledger", str(folder)]) == 2
    assert install_command("watch") in capsys.readouterr().err


def test_without_rich_the_live_view_says_what_to_install(monkeypatch, folder):
    """And what works without it."""
    from rockbottom.watch import NeedsRich, View, period_named
    from rockbottom.watch.screen import Live
    from tests.watch.traffic import catalog

    monkeypatch.setitem(sys.modules, "rich.console", None)
    view = View(folder, catalog(), time.time, time.monotonic)
    with pytest.raises(NeedsRich) as caught:
        Live(view, period_named("1h"), "auto", 1.0).run()
    assert caught.value.fix == f"{install_command('watch')}, or rockbottom watch --once, which needs no rich"
