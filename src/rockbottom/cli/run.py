"""``rockbottom run``: a program as it is, with every Bedrock client that it makes attached."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import tell
from rockbottom.cli.exits import say
from rockbottom.cli.settings import set_ledger
from rockbottom.cli.values import Decimals, Tag
from rockbottom.programs import UNRECORDED, Choices, environment_of, reached

if TYPE_CHECKING:
    from rockbottom.client import Report

_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_FROM_THE_TERMINAL = ("SIGINT", "SIGQUIT", "SIGHUP")  # a terminal sends them to the program as well
_MEMORY = "/dev/shm"  # containers whose file system is read-only have it, and often no other place
_NOT_FOUND, _NOT_RUNNABLE = 127, 126  # as shells say it


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--dry-run", is_flag=True, help="Change nothing that is sent; say what the planner would have saved.")
@click.option(
    "--holdout",
    type=Decimals(0, 1),
    help="Share of the conversations to leave unplanned, to measure what planning saves.",
)
@click.option(
    "--ledger",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps a record of every call; ROCKBOTTOM_LEDGER by default.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File from which the planner starts and in which it keeps what it learns.",
)
@click.option(
    "--share",
    metavar="ADDRESS",
    help="Valkey or Redis through which programs on several machines learn as one: redis://HOST:6379/0?name=GROUP.",
)
@click.option(
    "--tag", "tags", multiple=True, type=Tag(), help="Tag of every call in the ledger, as team=search; repeat."
)
@click.option("--quiet", is_flag=True, help="Say nothing at the end.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGUMENTS]...")
@click.pass_context
def command(
    ctx: click.Context,
    dry_run: bool,
    holdout: float | None,
    ledger: Path | None,
    state: Path | None,
    share: str | None,
    tags: tuple[tuple[str, str], ...],
    quiet: bool,
    program: tuple[str, ...],
) -> None:
    """Run a program with every Bedrock client that it makes attached; the program is not changed.

    COMMAND is python app.py, or whatever starts Python in the end: gunicorn, pytest, a shell script. Its exit code is
    passed on, and what it used and saved is printed on stderr when it ends.
    """
    if dry_run and holdout:
        raise click.UsageError("--dry-run plans no call, so --holdout has nothing to leave unplanned")
    if share is not None:
        _check_share(share, beside="--dry-run" if dry_run else "--state" if state is not None else "")
    begun_at = time.time()
    with _records_folder() as records:
        environment = dict(os.environ)
        ledger = ledger or set_ledger()
        if ledger is not None:
            environment["ROCKBOTTOM_LEDGER"] = str(ledger.absolute())
        state_path = None if state is None else str(state.absolute())
        choices = Choices(
            dry_run, None if holdout is None else str(holdout), state_path, records, share, _spelled(tags)
        )
        code = _ran(program, environment_of(choices, environment))
        if not quiet and records != UNRECORDED:
            _tell(Path(records), begun_at, shlex.join(program) if dry_run else None)
    if code < 0:
        _end_by(-code)
    ctx.exit(code)


def _spelled(tags: Sequence[tuple[str, str]]) -> str | None:
    """The tags in one word for the environment. Raises UsageError for a comma, which separates them there."""
    for name, value in tags:
        if "," in name + value:
            raise click.UsageError(f"--tag {name}={value}: a tag has no comma here")
    return ",".join(f"{name}={value}" for name, value in tags) or None


@contextmanager
def _records_folder() -> Generator[str]:
    """A folder for the records of this run; ``UNRECORDED`` where nothing here can be written, which is said."""
    with ExitStack() as stack:
        for place in (None, _MEMORY):
            try:
                folder = tempfile.TemporaryDirectory(prefix="rockbottom-run-", dir=place, ignore_cleanup_errors=True)
            except OSError as error:
                refused = error
            else:
                yield stack.enter_context(folder)
                return
        say(
            f"there is no place for temporary files ({refused.strerror or refused}), so what the program uses is not "
            "summed up at its end; its clients are attached anyway",
            "TMPDIR=DIR rockbottom run -- python app.py",
        )
        yield UNRECORDED


def _check_share(share: str, *, beside: str) -> None:
    from rockbottom.sharing import BadAddress, address_of

    if beside:
        raise click.UsageError(
            f"--share learns with others from what is really sent, so it cannot be combined with {beside}"
        )
    try:
        address_of(share, os.environ)
    except BadAddress as error:
        raise click.UsageError(f"{error} {error.fix or ''}".strip()) from error


def _ran(program: Sequence[str], environment: dict[str, str]) -> int:
    """The exit code of a program that was run to its end; negative: the signal that ended it."""
    try:
        started = _Started(program, environment)
    except OSError as error:
        say(f"{program[0]}: {error.strerror or error}", "rockbottom run -- python app.py")
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_RUNNABLE
    return started.wait()


class _Started:
    """A program that runs, and is passed the signals that are sent to us."""

    def __init__(self, program: Sequence[str], environment: dict[str, str]) -> None:
        self._sent: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None
        for name in _PASSED_ON:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # what nohup ignores stays so
                signal.signal(number, self._pass_on)
        self._process = subprocess.Popen(program, env=environment)
        for number in self._sent:
            self._process.send_signal(number)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait()

    def _pass_on(self, number: int, _: Any) -> None:
        if signal.Signals(number).name in _FROM_THE_TERMINAL and _in_foreground():
            return
        if self._process is None:
            self._sent.append(number)
        else:
            self._process.send_signal(number)


def _in_foreground() -> bool:
    """Whether we are what a terminal runs now, so that its keys reach the program by themselves."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _end_by(number: int) -> None:
    """End as the program ended, so that whoever started us sees the same."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it dumped its own
        signal.signal(number, signal.SIG_DFL)
    except (ImportError, OSError, ValueError):
        pass
    sys.stdout.flush()
    os.kill(os.getpid(), number)
    time.sleep(1)  # it is delivered between two instructions


def _tell(records: Path, begun_at: float, planned: str | None) -> None:
    """What was used and saved, on stderr, and how to run ``planned`` for good. What fails here ends nothing."""
    try:
        report = _report(records, begun_at)
    except Exception as error:
        say(f"what was used cannot be summed up: {type(error).__name__}: {error}")
        return
    if report is None:
        say(
            "no Bedrock call was made through a client that could be attached",
            f"{reached()} are attached in every Python that the program starts; python -I, -E, -S and other languages "
            "are not reached",
        )
    else:
        tell(f"rockbottom: what this program used\n{report}")
        if planned is not None and report.dry_run is not None:  # where nothing can be planned, the reason was said
            tell(f"next: rockbottom run -- {planned} plans its calls")


def _report(records: Path, begun_at: float) -> "Report | None":
    from rockbottom.ledger import LedgerReader, volumes_of

    if not volumes_of(records):
        return None
    from rockbottom.catalog import load_catalog
    from rockbottom.client import report_of

    return report_of(LedgerReader(records).calls(), begun_at, time.time(), load_catalog())
