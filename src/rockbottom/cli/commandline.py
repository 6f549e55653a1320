"""The group of all commands, and a command line from its words to its exit code."""

import os
import sys
from collections.abc import Sequence

import click

from rockbottom import __version__
from rockbottom.cli.commands import COMMANDS, TASKS
from rockbottom.cli.exits import Exit, exit_code_of, say_wait
from rockbottom.cli.group import LazyGroup

COMPLETE = "_ROCKBOTTOM_COMPLETE"  # the variable through which click's shell completion asks


_MORE = """\b
In a program: rockbottom.attach(client, ledger=True, tags=..., budget=...).
rockbottom init writes an example of tags, budgets and chargeback for teams."""


@click.group(
    cls=LazyGroup, entries=COMMANDS, tasks=TASKS, epilog=_MORE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)  # fmt: skip
@click.version_option(__version__, prog_name="rockbottom", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def root(debug: bool) -> None:
    """The lowest honest bill for Amazon Bedrock.

    rockbottom COMMAND --help shows how each is used.
    """


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    _open_what_was_closed()
    _escape_what_stdout_lacks()
    _forget_empty_endpoints()
    try:
        code = _completion() if COMPLETE in os.environ else _run(argv)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        if _wants_traceback(argv):
            raise
        if isinstance(error, click.UsageError) and error.ctx is None:
            error.ctx = _context_of(argv)
        return exit_code_of(error, argv)
    return code


def _run(argv: list[str]) -> int:
    # Not root.main(): it answers a broken pipe with an exit code of its own before we see it.
    try:
        with root.make_context("rockbottom", argv.copy()) as context:
            from rockbottom.process import tell_waits  # not for help

            tell_waits(say_wait)
            root.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    return Exit.OK


def _context_of(argv: Sequence[str]) -> click.Context:
    """The context of the command that a line names: what click's parser refuses has none."""
    command: click.Command = root
    context = click.Context(command, info_name="rockbottom")
    for word in argv:
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is not None:
            command, context = below, click.Context(below, info_name=word, parent=context)
    return context


def _forget_empty_endpoints() -> None:
    """Take a variable AWS_ENDPOINT_URL... that is empty for not set: boto3 would call it an invalid endpoint."""
    for name in [name for name, url in os.environ.items() if name.startswith("AWS_ENDPOINT_URL") and not url.strip()]:
        del os.environ[name]


def _open_what_was_closed() -> None:
    """Give standard input and output that whoever started this has closed their numbers back.

    A file that is opened later would get them. Reading and printing fail, as they do in the tools of the system; what
    is said on stderr goes nowhere.
    """
    for number, (name, flags) in enumerate((("stdin", os.O_WRONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY))):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flags)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115  # until the end


def _escape_what_stdout_lacks() -> None:
    """Print as Python prints on stderr what the encoding of stdout does not have: a byte in a file's name, say."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # a stand-in of a caller's may have none
        reconfigure(errors="backslashreplace")


def _completion() -> int:
    from click.shell_completion import shell_complete  # only when a shell asks

    return shell_complete(root, {}, "rockbottom", COMPLETE, os.environ[COMPLETE])


def _wants_traceback(argv: Sequence[str]) -> bool:
    # --debug belongs to the root: it counts only before the name of the command.
    for argument in argv:
        if not argument.startswith("-"):
            return False
        if argument == "--debug":
            return True
    return False
