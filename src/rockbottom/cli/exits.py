"""Exit codes, and what an error says on the way out.

Data goes to stdout, everything said here to stderr. A user never sees a traceback unless ``--debug``
asks for one. The table in docs/reference/exit-codes.md is checked against ``Exit``.
"""

import os
import re
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from rockbottom.cli.commands import COMMANDS

if TYPE_CHECKING:
    from rockbottom.process import Wait


class Exit(IntEnum):
    """What the exit code of every command means."""

    OK = 0  # done, and every verdict passed
    VERDICT = 1  # done, and a verdict or a gate failed
    USAGE = 2  # the command line, a file or a setting is wrong: nothing was sent
    SERVICE = 3  # AWS or the endpoint refused, or cannot be reached
    PARTIAL = 4  # stopped early; what was finished is kept
    BUG = 70  # rockbottom itself is at fault
    INTERRUPTED = 130  # ctrl-C
    BROKEN_PIPE = 141  # whoever read our output stopped reading


def say(message: str, fix: str | None = None) -> None:
    """Write one message for a person to stderr, and the next step below it where there is one."""
    from rockbottom.cli.console import tell  # only where there is something to say

    tell(f"rockbottom: {message}")
    if fix:
        tell(f"  {fix}")


def say_wait(wait: "Wait") -> None:
    """Say for whom the command waits, in which try of how many, and how long all of them take at most."""
    from rockbottom.cli.console import progress
    from rockbottom.figures import duration

    progress("")  # over the line that is drawn just now
    action = f" ({wait.action})" if wait.action else ""
    tries = f": try {min(max(wait.number, 1), wait.tries)} of {wait.tries}" if wait.tries > 1 else ""
    longest = f", {duration(wait.longest_s)} at most" if wait.longest_s else ""
    say(f"waiting for {wait.whom}{action}{tries}{longest}")


def exit_code_of(error: BaseException, argv: Sequence[str] = ()) -> int:
    """Say what went wrong and return the exit code; ``error`` is anything that left the command line ``argv``."""
    if isinstance(error, click.UsageError):
        return _usage(error)
    if isinstance(error, click.ClickException):
        say(error.format_message())
        return Exit.USAGE
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        say("interrupted")
        return Exit.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return Exit.BROKEN_PIPE
    return _failure(error, argv)


def _usage(error: click.UsageError) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # its message is the whole help
        click.echo(error.format_message(), err=True)
        return Exit.USAGE
    path = error.ctx.command_path if error.ctx else "rockbottom"
    say(error.format_message(), _by_its_option(error) or f"see {path} --help")
    return Exit.USAGE


def _by_its_option(error: click.UsageError) -> str | None:
    """How a ledger is named where it was given as an argument, as other commands take it."""
    extra = _EXTRA.search(error.format_message())
    if extra is None or error.ctx is None or not any("--ledger" in param.opts for param in error.ctx.command.params):
        return None
    return f"{error.ctx.command_path} --ledger {extra[1]}"


_EXTRA = re.compile(r"unexpected extra argument \((\S+)\)")


def _failure(error: BaseException, argv: Sequence[str]) -> int:
    from rockbottom.quantities import Fault, RockbottomError  # kept out of the start of every command

    if isinstance(error, ModuleNotFoundError):
        error = _missing(error, argv)
    if isinstance(error, RockbottomError):
        say(str(error), error.fix)
        codes = {Fault.CALLER: Exit.USAGE, Fault.SERVICE: Exit.SERVICE, Fault.OURS: Exit.BUG}
        return getattr(error, "exit_code", codes[error.fault])
    if isinstance(error, OSError):
        return _of_the_system(error)
    if type(error).__module__.partition(".")[0] in ("botocore", "boto3"):
        say(f"AWS: {error}")
        return Exit.SERVICE
    if type(error).__module__.partition(".")[0] in ("urllib3", "http"):
        say(f"no connection: {error}")
        return Exit.SERVICE
    if type(error).__module__ == "sqlite3":  # a database of ours, or of the user, on a full or damaged disk
        say(f"a database cannot be used: {error}")
        return Exit.USAGE
    if _is_unreadable_answer(error):
        say(f"the answer of the service cannot be read: {error}", "check --endpoint-url, and AWS_ENDPOINT_URL")
        return Exit.SERVICE
    if isinstance(error, ValueError) and _raised_in(error, "botocore", "boto3", "urllib", "http"):
        say(str(error))  # an address from the environment or from a configuration of AWS that is none
        return Exit.USAGE
    say(
        f"internal error: {type(error).__name__}: {error}",
        "rockbottom --debug COMMAND ... shows where; please report it",
    )
    return Exit.BUG


_EXTRAS_WITH = {("serve", "moto"): ("local-s3",)}
"""Extras of a command that is told this word; they bring what it needs without it too."""


def _missing(error: ModuleNotFoundError, argv: Sequence[str]) -> ModuleNotFoundError:
    """The error of a missing module as one of a package of an extra, those of the command first.

    What a subcommand said of itself stands.
    """
    from rockbottom.extras import MissingExtra, missing

    command = next((word for word in argv if not word.startswith("-")), "")
    if isinstance(error, MissingExtra) and str(error).startswith(f"rockbottom {command} "):
        return error
    usual = COMMANDS[command].extras if command in COMMANDS else ()
    extras = next((_EXTRAS_WITH[command, word] for word in argv if (command, word) in _EXTRAS_WITH), usual)
    return missing(error, f"rockbottom {command}".rstrip(), extras) or error


def _of_the_system(error: OSError) -> int:
    """A file, a disk or a connection."""
    reason = getattr(error, "reason", error)  # urllib wraps what happened
    if isinstance(reason, (ConnectionError, TimeoutError)) or type(reason).__module__ in ("socket", "ssl"):
        say(f"no connection: {getattr(reason, 'strerror', None) or reason}")
        return Exit.SERVICE
    printed = _stdout_is_full() or _raised_in(error, "click")
    path = error.filename or ("standard output" if printed else None)
    text = error.strerror or str(reason) or type(error).__name__
    say(f"{path}: {text}" if path else text)
    return Exit.USAGE


def _stdout_is_full() -> bool:
    """Whether what was printed waits in vain to be written: it fails again."""
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()
        return True
    return False


def _raised_in(error: BaseException, *packages: str) -> bool:
    """Whether the error came out of one of these packages."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = str(trace.tb_frame.f_globals.get("__name__", "")) if trace is not None else ""
    return module.partition(".")[0] in packages


def _is_unreadable_answer(error: BaseException) -> bool:
    """Whether botocore stumbled over what answered: none of its parsers checks that it is AWS."""
    if isinstance(error, (AttributeError, LookupError, TypeError)) and _raised_in(error, "botocore"):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__") != "botocore.parsers":
        trace = trace.tb_next
    return trace is not None


def _silence_stdout() -> None:
    # Otherwise Python complains once more when it flushes at exit.
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
